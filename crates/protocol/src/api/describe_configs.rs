//! DescribeConfigs: the settings of topics and brokers (KIP-133).
//!
//! | version | change |
//! | --- | --- |
//! | 1 | the first here: `config_source` and synonyms (KIP-226) |
//! | 3 | `config_type` and `documentation` (KIP-569) |
//! | 4 | flexible |

use std::borrow::Cow;

use crate::wire::{Decode, Encode, List, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError};

/// What has settings (`org.apache.kafka.common.config.ConfigResource.Type`).
pub mod resource_type {
    /// A topic, by its name.
    pub const TOPIC: i8 = 2;
    /// A broker, by its id in decimal digits.
    pub const BROKER: i8 = 4;
    /// The loggers of a broker.
    pub const BROKER_LOGGER: i8 = 8;
    /// What clients report about themselves.
    pub const CLIENT_METRICS: i8 = 16;
    /// A consumer group.
    pub const GROUP: i8 = 32;
}

/// Where a value comes from (`org.apache.kafka.common.requests.DescribeConfigsResponse.ConfigSource`).
pub mod config_source {
    /// Unknown.
    pub const UNKNOWN: i8 = 0;
    /// It was set for this topic.
    pub const TOPIC_CONFIG: i8 = 1;
    /// It was set for this broker while it ran.
    pub const DYNAMIC_BROKER_CONFIG: i8 = 2;
    /// It was set for all brokers while they ran.
    pub const DYNAMIC_DEFAULT_BROKER_CONFIG: i8 = 3;
    /// It was set when the broker started.
    pub const STATIC_BROKER_CONFIG: i8 = 4;
    /// It was not set.
    pub const DEFAULT_CONFIG: i8 = 5;
    /// It was set for this logger.
    pub const DYNAMIC_BROKER_LOGGER_CONFIG: i8 = 6;
}

/// What kind of value a setting has (`org.apache.kafka.common.requests.DescribeConfigsResponse.ConfigType`).
pub mod config_type {
    /// Unknown.
    pub const UNKNOWN: i8 = 0;
    /// `true` or `false`.
    pub const BOOLEAN: i8 = 1;
    /// Text.
    pub const STRING: i8 = 2;
    /// 32 bits.
    pub const INT: i8 = 3;
    /// 16 bits.
    pub const SHORT: i8 = 4;
    /// 64 bits.
    pub const LONG: i8 = 5;
    /// A floating-point number.
    pub const DOUBLE: i8 = 6;
    /// Text, separated by commas.
    pub const LIST: i8 = 7;
    /// The name of a Java class.
    pub const CLASS: i8 = 8;
    /// A secret.
    pub const PASSWORD: i8 = 9;
}

/// Whose settings, and which.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Request<'a> {
    /// Topics and brokers.
    pub resources: List<'a, DescribeConfigsResource<'a>>,
    /// Whether to say which other settings a value could come from.
    pub include_synonyms: bool,
    /// From version 3: whether to send what each setting does.
    pub include_documentation: bool,
}

/// One topic or broker of a [`Request`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DescribeConfigsResource<'a> {
    /// See [`resource_type`].
    pub resource_type: i8,
    /// Its name.
    pub resource_name: &'a str,
    /// The settings; `None` means all.
    pub configuration_keys: Option<List<'a, &'a str>>,
}

/// The settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response<'a> {
    /// How long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// Topics and brokers.
    pub results: Vec<DescribeConfigsResult<'a>>,
}

/// One topic or broker of a [`Response`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsResult<'a> {
    /// What went wrong.
    pub error_code: ErrorCode,
    /// In words.
    pub error_message: Option<Cow<'a, str>>,
    /// See [`resource_type`].
    pub resource_type: i8,
    /// Its name.
    pub resource_name: Cow<'a, str>,
    /// Its settings.
    pub configs: Vec<DescribeConfigsResourceResult<'a>>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeConfigsResourceResult<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its value.
    pub value: Option<Cow<'a, str>>,
    /// Whether it cannot be changed.
    pub read_only: bool,
    /// See [`config_source`].
    pub config_source: i8,
    /// Whether the value is a secret.
    pub is_sensitive: bool,
    /// Which settings the value could come from, the first that is set wins.
    pub synonyms: Vec<DescribeConfigsSynonym<'a>>,
    /// From version 3: see [`config_type`].
    pub config_type: i8,
    /// From version 3: what the setting does.
    pub documentation: Option<Cow<'a, str>>,
}

/// One setting that a value could come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsSynonym<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its value.
    pub value: Option<Cow<'a, str>>,
    /// See [`config_source`].
    pub source: i8,
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::DescribeConfigs;
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::DescribeConfigs;
}

impl Default for DescribeConfigsResourceResult<'_> {
    fn default() -> Self {
        DescribeConfigsResourceResult {
            name: Cow::Borrowed(""),
            value: None,
            read_only: false,
            config_source: -1,
            is_sensitive: false,
            synonyms: Vec::new(),
            config_type: config_type::UNKNOWN,
            documentation: None,
        }
    }
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let request = Request {
            resources: reader.list("resources", version)?,
            include_synonyms: reader.bool("include_synonyms")?,
            include_documentation: if version >= 3 { reader.bool("include_documentation")? } else { false },
        };
        reader.no_tagged_fields()?;
        Ok(request)
    }
}

impl Encode for Request<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.list(&self.resources, version);
        writer.bool(self.include_synonyms);
        if version >= 3 {
            writer.bool(self.include_documentation);
        } else {
            writer.unsupported(self.include_documentation, "include_documentation", version);
        }
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for DescribeConfigsResource<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let resource = DescribeConfigsResource {
            resource_type: reader.i8("resource_type")?,
            resource_name: reader.string("resource_name")?,
            configuration_keys: reader.nullable_list("configuration_keys", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(resource)
    }
}

impl Encode for DescribeConfigsResource<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i8(self.resource_type);
        writer.string(self.resource_name);
        writer.nullable_list(self.configuration_keys.as_ref(), version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for Response<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let response = Response {
            throttle_time_ms: reader.i32("throttle_time_ms")?,
            results: reader.vec("results", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(response)
    }
}

impl Encode for Response<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.throttle_time_ms);
        writer.array(&self.results, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for DescribeConfigsResult<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let result = DescribeConfigsResult {
            error_code: reader.error_code("error_code")?,
            error_message: reader.nullable_text("error_message")?,
            resource_type: reader.i8("resource_type")?,
            resource_name: reader.text("resource_name")?,
            configs: reader.vec("configs", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(result)
    }
}

impl Encode for DescribeConfigsResult<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.error_code(self.error_code);
        writer.nullable_string(self.error_message.as_deref());
        writer.i8(self.resource_type);
        writer.string(&self.resource_name);
        writer.array(&self.configs, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for DescribeConfigsResourceResult<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let mut config = DescribeConfigsResourceResult {
            name: reader.text("name")?,
            value: reader.nullable_text("value")?,
            read_only: reader.bool("read_only")?,
            config_source: reader.i8("config_source")?,
            is_sensitive: reader.bool("is_sensitive")?,
            synonyms: reader.vec("synonyms", version)?,
            ..DescribeConfigsResourceResult::default()
        };
        if version >= 3 {
            config.config_type = reader.i8("config_type")?;
            config.documentation = reader.nullable_text("documentation")?;
        }
        reader.no_tagged_fields()?;
        Ok(config)
    }
}

impl Encode for DescribeConfigsResourceResult<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.string(&self.name);
        writer.nullable_string(self.value.as_deref());
        writer.bool(self.read_only);
        writer.i8(self.config_source);
        writer.bool(self.is_sensitive);
        writer.array(&self.synonyms, version);
        if version >= 3 {
            writer.i8(self.config_type);
            writer.nullable_string(self.documentation.as_deref());
        }
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for DescribeConfigsSynonym<'a> {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let synonym = DescribeConfigsSynonym {
            name: reader.text("name")?,
            value: reader.nullable_text("value")?,
            source: reader.i8("source")?,
        };
        reader.no_tagged_fields()?;
        Ok(synonym)
    }
}

impl Encode for DescribeConfigsSynonym<'_> {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.string(&self.name);
        writer.nullable_string(self.value.as_deref());
        writer.i8(self.source);
        writer.no_tagged_fields();
    }
}
