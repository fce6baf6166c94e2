//! A strict subset of Kafka's wire protocol: bytes to requests and responses and back, without I/O.
//!
//! * **No socket, no thread, no clock.** A server gives [`decode_request`] a frame and [`encode_response`] an answer; a
//!   client uses [`encode_request`] and [`decode_response`].
//! * **Requests are views, responses are values.** Decoding a request allocates nothing at all, whatever the frame
//!   claims: strings, records and [lists](wire::List) stay where they are. A response borrows or owns its strings, so
//!   that a handler can use the names in the request and make up its messages.
//! * **Records are opaque.** A fetch response does not hold them but says where they go
//!   ([`Records::External`](api::fetch::Records::External)), so that a server sends them from its files
//!   ([`wire::Part`]).
//! * **Names are Kafka's**, in snake case, so that Kafka's own
//!   [protocol guide](https://kafka.apache.org/protocol) documents each field.
//!
//! What it is not: a client (it keeps no connection), and not all of Kafka's protocol; what is not in the table
//! below is refused.
//!
//! ```
//! use ottla_protocol::api::metadata;
//! use ottla_protocol::wire::{List, Writer};
//! use ottla_protocol::{Request, decode_request, encode_request, encode_response};
//!
//! // The client asks ...
//! let topics = [metadata::MetadataRequestTopic { name: Some("letters"), ..Default::default() }];
//! let request = metadata::Request { topics: Some(List::from(&topics)), ..Default::default() };
//! let mut writer = Writer::new();
//! encode_request(&mut writer, 7, Some("example"), 12, &request)?;
//!
//! // ... and the server answers. A frame comes after four bytes of length.
//! let (header, request) = decode_request(&writer.bytes()[4..])?;
//! let Request::Metadata(request) = request else { unreachable!() };
//! let topics = request.topics.unwrap_or_default();
//! assert_eq!(topics.iter().next().and_then(|topic| topic.name), Some("letters"));
//! let response = metadata::Response::default();
//! let mut answer = Writer::new();
//! encode_response(&mut answer, header.correlation_id, header.api_version, &response)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod api;
mod api_key;
mod error;
mod error_code;
mod frame;
mod header;
mod message;
pub mod wire;

pub use api_key::{Api, UnknownApiKey};
pub use error::{EncodeError, ProtocolError, RequestError, RequestErrorReason};
pub use error_code::ErrorCode;
pub use frame::{FrameError, LENGTH_BYTES, frame_len};
pub use header::{RequestHeader, ResponseHeader};
pub use message::{
    Message, decode_body, decode_message, decode_request, decode_response, encode_message, encode_request,
    encode_response,
};
pub use wire::Uuid;

use api::*;
use api_key::api_table;

// A new API is one file in `api`, one row here and one in the tests' table.
api_table! {
//  key API                      versions        from  request
     0  Produce                  3-13  flexible   9    produce::Request<'a>;
     1  Fetch                    4-18  flexible  12    fetch::Request<'a>;
     2  ListOffsets              1-11  flexible   6    list_offsets::Request<'a>;
     3  Metadata                 0-13  flexible   9    metadata::Request<'a>;
    18  ApiVersions              0-5   flexible   3    api_versions::Request<'a>;
    19  CreateTopics             2-7   flexible   5    create_topics::Request<'a>;
    20  DeleteTopics             1-6   flexible   4    delete_topics::Request<'a>;
    21  DeleteRecords            0-2   flexible   2    delete_records::Request<'a>;
    22  InitProducerId           0-5   flexible   2    init_producer_id::Request<'a>;
    23  OffsetForLeaderEpoch     2-4   flexible   4    offset_for_leader_epoch::Request<'a>;
    32  DescribeConfigs          1-4   flexible   4    describe_configs::Request<'a>;
    33  AlterConfigs             0-2   flexible   2    alter_configs::Request<'a>;
    37  CreatePartitions         0-3   flexible   2    create_partitions::Request<'a>;
    44  IncrementalAlterConfigs  0-1   flexible   1    incremental_alter_configs::Request<'a>;
    60  DescribeCluster          0-2   flexible   0    describe_cluster::Request;
}
