//! IncrementalAlterConfigs: some settings of a topic or broker change, the others stay (KIP-339). Version 1 is
//! flexible.

use crate::wire::{Decode, Encode, List, Reader, Writer};
use crate::{ApiKey, Message, ProtocolError};

pub use super::alter_configs::AlterConfigsResourceResponse;

/// What happens to a setting (`org.apache.kafka.clients.admin.AlterConfigOp.OpType`).
pub mod config_operation {
    /// It gets this value.
    pub const SET: i8 = 0;
    /// It has its default again.
    pub const DELETE: i8 = 1;
    /// These elements are added to its list.
    pub const APPEND: i8 = 2;
    /// These elements are taken from its list.
    pub const SUBTRACT: i8 = 3;
}

/// Whose settings change, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Request<'a> {
    /// Topics and brokers.
    pub resources: List<'a, AlterConfigsResource<'a>>,
    /// Whether to check only.
    pub validate_only: bool,
}

/// One topic or broker of a [`Request`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AlterConfigsResource<'a> {
    /// See [`resource_type`](crate::api::describe_configs::resource_type).
    pub resource_type: i8,
    /// Its name.
    pub resource_name: &'a str,
    /// The settings that change.
    pub configs: List<'a, AlterableConfig<'a>>,
}

/// One setting that changes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AlterableConfig<'a> {
    /// Its name.
    pub name: &'a str,
    /// See [`config_operation`].
    pub config_operation: i8,
    /// The value, or elements of a list; `None` where it has its default again.
    pub value: Option<&'a str>,
}

/// What became of each topic or broker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response<'a> {
    /// How long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// The topics and brokers.
    pub responses: Vec<AlterConfigsResourceResponse<'a>>,
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::IncrementalAlterConfigs;
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::IncrementalAlterConfigs;
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let request = Request {
            resources: reader.list("resources", version)?,
            validate_only: reader.bool("validate_only")?,
        };
        reader.no_tagged_fields()?;
        Ok(request)
    }
}

impl Encode for Request<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.list(&self.resources, version);
        writer.bool(self.validate_only);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for AlterConfigsResource<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let resource = AlterConfigsResource {
            resource_type: reader.i8("resource_type")?,
            resource_name: reader.string("resource_name")?,
            configs: reader.list("configs", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(resource)
    }
}

impl Encode for AlterConfigsResource<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i8(self.resource_type);
        writer.string(self.resource_name);
        writer.list(&self.configs, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for AlterableConfig<'a> {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let config = AlterableConfig {
            name: reader.string("name")?,
            config_operation: reader.i8("config_operation")?,
            value: reader.nullable_string("value")?,
        };
        reader.no_tagged_fields()?;
        Ok(config)
    }
}

impl Encode for AlterableConfig<'_> {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.string(self.name);
        writer.i8(self.config_operation);
        writer.nullable_string(self.value);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for Response<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let response = Response {
            throttle_time_ms: reader.i32("throttle_time_ms")?,
            responses: reader.vec("responses", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(response)
    }
}

impl Encode for Response<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.throttle_time_ms);
        writer.array(&self.responses, version);
        writer.no_tagged_fields();
    }
}
