//! What a topic's settings must be: known, of their kind, and not at odds with each other.

use std::collections::BTreeMap;

use super::table::{Setting, find};
use crate::config::LogConfig;
use crate::error::{Error, Result};

/// Checks what a client wants to set.
///
/// # Errors
/// [`Error::InvalidConfig`] for a name that Kafka does not know, a value that it would not take, and settings
/// that exclude each other.
pub fn validate(overrides: &BTreeMap<String, String>) -> Result<()> {
    for (name, value) in overrides {
        known(name)?.kind.check(value).map_err(|reason| invalid(name, reason))?;
    }
    check_together(&LogConfig::kafka(), overrides)
}

/// Settings that exclude each other: a record cannot have to be compacted before it may be.
pub(super) fn check_together(defaults: &LogConfig, overrides: &BTreeMap<String, String>) -> Result<()> {
    const MIN: &str = "min.compaction.lag.ms";
    const MAX: &str = "max.compaction.lag.ms";
    let [min_ms, max_ms] = [MIN, MAX].map(|name| value(defaults, overrides, name).parse::<i64>());
    match (min_ms, max_ms) {
        (Ok(min_ms), Ok(max_ms)) if min_ms > max_ms => {
            let name = if overrides.contains_key(MIN) { MIN } else { MAX };
            Err(invalid(name, format!("{MIN} ({min_ms}) is above {MAX} ({max_ms})")))
        }
        _ => Ok(()),
    }
}

/// The setting of this name.
pub(super) fn known(name: &str) -> Result<&'static Setting> {
    find(name).ok_or_else(|| invalid(name, "there is no topic setting of that name"))
}

/// What is in force: what the topic sets, or the default.
pub(super) fn value(defaults: &LogConfig, overrides: &BTreeMap<String, String>, name: &str) -> String {
    let default = || find(name).map_or_else(String::new, |setting| setting.default_of(defaults));
    overrides.get(name).cloned().unwrap_or_else(default)
}

pub(super) fn invalid(name: &str, reason: impl Into<String>) -> Error {
    Error::InvalidConfig { name: name.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_and_bad_values_are_refused_by_name() {
        for (name, value) in [("segment.byte", "1"), ("segment.bytes", "14"), ("retention.ms", "soon")] {
            let refused =
                validate(&BTreeMap::from([(name.to_owned(), value.to_owned())])).unwrap_err().to_string();
            assert!(refused.contains(name), "{refused}");
        }
    }
}
