use std::collections::BTreeMap;

use super::check::invalid;
use super::kind::Kind;
use super::table::{SETTINGS, Setting, find};
use crate::config::LogConfig;
use crate::error::Result;

/// Settings whose names begin so do not show unless they are set.
const INTERNAL: &str = "internal.";

/// One setting with its value, as `DescribeConfigs` shows it.
#[derive(Clone, Debug)]
pub struct SettingValue {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value for the topic.
    pub value: String,
    /// Its value where the topic does not set it.
    pub default: String,
    /// Whether the topic sets it.
    pub overridden: bool,
}

/// The configuration of a topic with these settings. Values that [`validate`](super::validate) would refuse, in a directory
/// that somebody else wrote, leave the default in force.
pub fn apply(defaults: &LogConfig, overrides: &BTreeMap<String, String>) -> LogConfig {
    let mut config = defaults.clone();
    for (name, value) in overrides {
        let Some(setting) = find(name) else { continue };
        match (&setting.field, setting.kind.check(value)) {
            (Some(field), Ok(())) => (field.set)(&mut config, value),
            (Some(_), Err(reason)) => tracing::warn!(name, reason, "a stored topic setting is not in force"),
            (None, _) => {}
        }
    }
    config
}

/// All settings of a topic, in order of their names.
pub fn describe(defaults: &LogConfig, overrides: &BTreeMap<String, String>) -> Vec<SettingValue> {
    let shown = SETTINGS
        .iter()
        .filter(|setting| !setting.name.starts_with(INTERNAL) || overrides.contains_key(setting.name));
    shown
        .map(|setting| {
            let default = setting.default_of(defaults);
            let set = overrides.get(setting.name);
            let value = set.cloned().unwrap_or_else(|| default.clone());
            SettingValue { setting, value, default, overridden: set.is_some() }
        })
        .collect()
}

/// Changes defaults by a broker setting (`log.segment.bytes`, or a topic setting's own name). Tells
/// whether there is such a setting.
///
/// # Errors
/// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a value that Kafka would not take.
pub fn from_broker(defaults: &mut LogConfig, name: &str, value: &str) -> Result<bool> {
    const UNITS: [(&str, &str, i64); 3] = [
        ("log.retention.hours", "log.retention.ms", 3_600_000),
        ("log.retention.minutes", "log.retention.ms", 60_000),
        ("log.roll.hours", "log.roll.ms", 3_600_000),
    ];
    if let Some((_, in_ms, unit_ms)) = UNITS.iter().find(|(coarse, _, _)| *coarse == name) {
        Kind::Int(-1, i32::MAX).check(value).map_err(|reason| invalid(name, reason))?;
        let count: i64 = value.parse().unwrap_or(-1);
        let milliseconds = if count < 0 { -1 } else { count.saturating_mul(*unit_ms) };
        return from_broker(defaults, in_ms, &milliseconds.to_string());
    }
    let Some(setting) = SETTINGS.iter().find(|setting| setting.broker_name == name || setting.name == name)
    else {
        return Ok(false);
    };
    setting.kind.check(value).map_err(|reason| invalid(name, reason))?;
    if let Some(field) = &setting.field {
        (field.set)(defaults, value);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn the_table_is_sorted_and_every_default_is_valid_and_is_the_default() {
        assert!(SETTINGS.is_sorted_by_key(|setting| setting.name));
        for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
            assert_eq!(setting.kind.check(setting.default), Ok(()), "{}", setting.name);
            let Some(field) = &setting.field else { continue };
            let found = (field.get)(&LogConfig::kafka());
            assert_eq!(found, setting.default, "{}", setting.name);
        }
    }

    #[test]
    fn what_is_set_is_what_is_got() {
        for (name, value) in [
            ("retention.ms", "-1"),
            ("retention.ms", "5"),
            ("flush.messages", "1"),
            ("cleanup.policy", "compact,delete"),
            ("message.timestamp.type", "LogAppendTime"),
        ] {
            let config = apply(&LogConfig::kafka(), &of(name, value));
            let shown = describe(&config, &BTreeMap::new());
            let found = shown.iter().find(|shown| shown.setting.name == name).unwrap();
            assert_eq!(found.value, value);
        }
    }

    #[test]
    fn a_stored_value_that_kafka_would_refuse_leaves_the_default() {
        assert_eq!(apply(&LogConfig::kafka(), &of("segment.bytes", "14")).segment_bytes, 1 << 30);
    }

    #[test]
    fn coarse_broker_settings_are_the_fine_ones_in_other_units() {
        let mut config = LogConfig::default();
        assert!(from_broker(&mut config, "log.retention.hours", "2").unwrap());
        assert_eq!(config.retention_ms, Some(7_200_000));
        assert!(!from_broker(&mut config, "num.io.threads", "2").unwrap());
    }
}
