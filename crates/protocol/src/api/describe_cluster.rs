//! DescribeCluster: the brokers, without topics (KIP-700). Flexible in every version.
//!
//! | version | change |
//! | --- | --- |
//! | 1 | `endpoint_type` (KIP-919) |
//! | 2 | fenced brokers (KIP-1073) |

use std::borrow::Cow;

use super::metadata::NO_AUTHORIZED_OPERATIONS;
use crate::wire::{Decode, Encode, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError};

/// What to describe: brokers.
pub const ENDPOINT_TYPE_BROKERS: i8 = 1;
/// What to describe: controllers.
pub const ENDPOINT_TYPE_CONTROLLERS: i8 = 2;

/// What to describe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// Whether to say what the client may do.
    pub include_cluster_authorized_operations: bool,
    /// From version 1: [`ENDPOINT_TYPE_BROKERS`] or [`ENDPOINT_TYPE_CONTROLLERS`].
    pub endpoint_type: i8,
    /// From version 2: whether to list brokers that take no part.
    pub include_fenced_brokers: bool,
}

/// The cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Response<'a> {
    /// How long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// What went wrong.
    pub error_code: ErrorCode,
    /// In words.
    pub error_message: Option<Cow<'a, str>>,
    /// From version 1: what is described.
    pub endpoint_type: i8,
    /// The id of the cluster.
    pub cluster_id: Cow<'a, str>,
    /// The broker to send changes to, or -1.
    pub controller_id: i32,
    /// The brokers.
    pub brokers: Vec<DescribeClusterBroker<'a>>,
    /// What the client may do, as bits.
    pub cluster_authorized_operations: i32,
}

/// One broker of a [`Response`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeClusterBroker<'a> {
    /// Its id.
    pub broker_id: i32,
    /// Its host.
    pub host: Cow<'a, str>,
    /// Its port.
    pub port: i32,
    /// Its rack, where it has one.
    pub rack: Option<Cow<'a, str>>,
    /// From version 2: whether it takes no part.
    pub is_fenced: bool,
}

impl Message for Request {
    const API_KEY: ApiKey = ApiKey::DescribeCluster;
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::DescribeCluster;
}

impl Default for Request {
    fn default() -> Self {
        Request {
            include_cluster_authorized_operations: false,
            endpoint_type: ENDPOINT_TYPE_BROKERS,
            include_fenced_brokers: false,
        }
    }
}

impl Default for Response<'_> {
    fn default() -> Self {
        Response {
            throttle_time_ms: 0,
            error_code: ErrorCode::None,
            error_message: None,
            endpoint_type: ENDPOINT_TYPE_BROKERS,
            cluster_id: Cow::Borrowed(""),
            controller_id: -1,
            brokers: Vec::new(),
            cluster_authorized_operations: NO_AUTHORIZED_OPERATIONS,
        }
    }
}

impl<'a> Decode<'a> for Request {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let request = Request {
            include_cluster_authorized_operations: reader.bool("include_cluster_authorized_operations")?,
            endpoint_type: if version >= 1 { reader.i8("endpoint_type")? } else { ENDPOINT_TYPE_BROKERS },
            include_fenced_brokers: if version >= 2 { reader.bool("include_fenced_brokers")? } else { false },
        };
        reader.no_tagged_fields()?;
        Ok(request)
    }
}

impl Encode for Request {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.bool(self.include_cluster_authorized_operations);
        if version >= 1 {
            writer.i8(self.endpoint_type);
        } else {
            writer.unsupported(self.endpoint_type != ENDPOINT_TYPE_BROKERS, "endpoint_type", version);
        }
        if version >= 2 {
            writer.bool(self.include_fenced_brokers);
        } else {
            writer.unsupported(self.include_fenced_brokers, "include_fenced_brokers", version);
        }
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for Response<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let response = Response {
            throttle_time_ms: reader.i32("throttle_time_ms")?,
            error_code: reader.error_code("error_code")?,
            error_message: reader.nullable_text("error_message")?,
            endpoint_type: if version >= 1 { reader.i8("endpoint_type")? } else { ENDPOINT_TYPE_BROKERS },
            cluster_id: reader.text("cluster_id")?,
            controller_id: reader.i32("controller_id")?,
            brokers: reader.vec("brokers", version)?,
            cluster_authorized_operations: reader.i32("cluster_authorized_operations")?,
        };
        reader.no_tagged_fields()?;
        Ok(response)
    }
}

impl Encode for Response<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.throttle_time_ms);
        writer.error_code(self.error_code);
        writer.nullable_string(self.error_message.as_deref());
        if version >= 1 {
            writer.i8(self.endpoint_type);
        }
        writer.string(&self.cluster_id);
        writer.i32(self.controller_id);
        writer.array(&self.brokers, version);
        writer.i32(self.cluster_authorized_operations);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for DescribeClusterBroker<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let broker = DescribeClusterBroker {
            broker_id: reader.i32("broker_id")?,
            host: reader.text("host")?,
            port: reader.i32("port")?,
            rack: reader.nullable_text("rack")?,
            is_fenced: if version >= 2 { reader.bool("is_fenced")? } else { false },
        };
        reader.no_tagged_fields()?;
        Ok(broker)
    }
}

impl Encode for DescribeClusterBroker<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.broker_id);
        writer.string(&self.host);
        writer.i32(self.port);
        writer.nullable_string(self.rack.as_deref());
        if version >= 2 {
            writer.bool(self.is_fenced);
        }
        writer.no_tagged_fields();
    }
}
