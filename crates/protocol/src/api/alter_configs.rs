//! AlterConfigs: all settings of a topic or broker in place of those it had (KIP-133). Version 2 is flexible.
//!
//! A client that wants to change one setting and keep the others asks for
//! [IncrementalAlterConfigs](crate::api::incremental_alter_configs) instead.

use std::borrow::Cow;

use crate::wire::{Decode, Encode, List, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError};

/// Whose settings become what.
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
    /// Every setting that it has from now on.
    pub configs: List<'a, AlterableConfig<'a>>,
}

/// One setting.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AlterableConfig<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
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

/// One topic or broker of a [`Response`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterConfigsResourceResponse<'a> {
    /// What went wrong.
    pub error_code: ErrorCode,
    /// In words.
    pub error_message: Option<Cow<'a, str>>,
    /// See [`resource_type`](crate::api::describe_configs::resource_type).
    pub resource_type: i8,
    /// Its name.
    pub resource_name: Cow<'a, str>,
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::AlterConfigs;
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::AlterConfigs;
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
        let config =
            AlterableConfig { name: reader.string("name")?, value: reader.nullable_string("value")? };
        reader.no_tagged_fields()?;
        Ok(config)
    }
}

impl Encode for AlterableConfig<'_> {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.string(self.name);
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

impl<'a> Decode<'a> for AlterConfigsResourceResponse<'a> {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let response = AlterConfigsResourceResponse {
            error_code: reader.error_code("error_code")?,
            error_message: reader.nullable_text("error_message")?,
            resource_type: reader.i8("resource_type")?,
            resource_name: reader.text("resource_name")?,
        };
        reader.no_tagged_fields()?;
        Ok(response)
    }
}

impl Encode for AlterConfigsResourceResponse<'_> {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.error_code(self.error_code);
        writer.nullable_string(self.error_message.as_deref());
        writer.i8(self.resource_type);
        writer.string(&self.resource_name);
        writer.no_tagged_fields();
    }
}
