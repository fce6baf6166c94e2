//! One setting as clients are shown it, of a topic or of this broker.

use ottla::settings::{Kind, SettingValue};

/// The numbers of `DescribeConfigsResponse.ConfigSource`.
pub(super) mod source {
    pub(crate) const TOPIC: i8 = 1;
    pub(crate) const STATIC_BROKER: i8 = 4;
    pub(crate) const DEFAULT: i8 = 5;
}

/// The numbers of `DescribeConfigsResponse.ConfigType`.
pub(super) mod config_type {
    pub(crate) const BOOLEAN: i8 = 1;
    pub(crate) const STRING: i8 = 2;
    pub(crate) const INT: i8 = 3;
    pub(crate) const LONG: i8 = 5;
    pub(crate) const DOUBLE: i8 = 6;
    pub(crate) const LIST: i8 = 7;
}

/// One setting, before it is known what of it was asked for.
pub(super) struct Config {
    pub name: &'static str,
    pub value: String,
    pub source: i8,
    pub config_type: i8,
    pub read_only: bool,
    pub doc: &'static str,
    /// Where else a value could come from, the nearest first.
    pub synonyms: Vec<(&'static str, String, i8)>,
}

/// Where a broker setting's value comes from: how the server was started, then Kafka's default.
pub(super) fn broker_synonyms(
    name: &'static str,
    value: &str,
    default: &str,
) -> Vec<(&'static str, String, i8)> {
    if name.is_empty() {
        return Vec::new();
    }
    let started = (value != default).then(|| (name, value.to_owned(), source::STATIC_BROKER));
    started.into_iter().chain([(name, default.to_owned(), source::DEFAULT)]).collect()
}

/// Where the value of a topic's setting comes from.
pub(super) fn source_of(value: &SettingValue) -> i8 {
    match value {
        SettingValue { overridden: true, .. } => source::TOPIC,
        SettingValue { default, setting, .. } if *default != setting.default => source::STATIC_BROKER,
        _ => source::DEFAULT,
    }
}

/// The number of a kind of value.
pub(super) fn type_of(kind: Kind) -> i8 {
    match kind {
        Kind::Int(..) => config_type::INT,
        Kind::Long(..) => config_type::LONG,
        Kind::Double(..) => config_type::DOUBLE,
        Kind::Boolean => config_type::BOOLEAN,
        Kind::OneOf(_) => config_type::STRING,
        Kind::List(_) => config_type::LIST,
    }
}
