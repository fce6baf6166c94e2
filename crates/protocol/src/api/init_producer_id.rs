//! InitProducerId: an id and an epoch for an idempotent or transactional producer (KIP-98).
//!
//! | version | change |
//! | --- | --- |
//! | 2 | flexible |
//! | 3 | `producer_id` and `producer_epoch` in the request, to go on after an error (KIP-360) |
//! | 4 | may be answered by PRODUCER_FENCED (KIP-588) |
//! | 5 | may be answered by TRANSACTION_ABORTABLE (KIP-890) |

use crate::wire::{Decode, Encode, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError};

/// Which producer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request<'a> {
    /// Set by a transactional producer.
    pub transactional_id: Option<&'a str>,
    /// After how long an idle transaction is aborted.
    pub transaction_timeout_ms: i32,
    /// From version 3: the id that the producer has, or -1.
    pub producer_id: i64,
    /// From version 3: the epoch that it has, or -1.
    pub producer_epoch: i16,
}

/// The id.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Response {
    /// How long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// What went wrong.
    pub error_code: ErrorCode,
    /// The id, or -1.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::InitProducerId;
}

impl Message for Response {
    const API_KEY: ApiKey = ApiKey::InitProducerId;
}

impl Default for Request<'_> {
    fn default() -> Self {
        Request { transactional_id: None, transaction_timeout_ms: 0, producer_id: -1, producer_epoch: -1 }
    }
}

impl Default for Response {
    fn default() -> Self {
        Response { throttle_time_ms: 0, error_code: ErrorCode::None, producer_id: -1, producer_epoch: 0 }
    }
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let request = Request {
            transactional_id: reader.nullable_string("transactional_id")?,
            transaction_timeout_ms: reader.i32("transaction_timeout_ms")?,
            producer_id: if version >= 3 { reader.i64("producer_id")? } else { -1 },
            producer_epoch: if version >= 3 { reader.i16("producer_epoch")? } else { -1 },
        };
        reader.no_tagged_fields()?;
        Ok(request)
    }
}

impl Encode for Request<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.nullable_string(self.transactional_id);
        writer.i32(self.transaction_timeout_ms);
        if version >= 3 {
            writer.i64(self.producer_id);
            writer.i16(self.producer_epoch);
        } else {
            writer.unsupported(self.producer_id != -1, "producer_id", version);
            writer.unsupported(self.producer_epoch != -1, "producer_epoch", version);
        }
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for Response {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let response = Response {
            throttle_time_ms: reader.i32("throttle_time_ms")?,
            error_code: reader.error_code("error_code")?,
            producer_id: reader.i64("producer_id")?,
            producer_epoch: reader.i16("producer_epoch")?,
        };
        reader.no_tagged_fields()?;
        Ok(response)
    }
}

impl Encode for Response {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.i32(self.throttle_time_ms);
        writer.error_code(self.error_code);
        writer.i64(self.producer_id);
        writer.i16(self.producer_epoch);
        writer.no_tagged_fields();
    }
}
