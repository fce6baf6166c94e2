//! From the settings that a topic has, and what somebody wants to change, to those that it has then: a
//! pure decision.

use std::collections::BTreeMap;

use super::check::{check_together, invalid, known, value};
use super::kind::Kind;
use crate::config::LogConfig;
use crate::error::Result;

/// What happens to one setting (Kafka's `AlterConfigOp.OpType`, KIP-339).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It gets this value.
    Set(String),
    /// It has its default again.
    Delete,
    /// These elements, separated by commas, are added to its list.
    Append(String),
    /// These elements are taken from its list.
    Subtract(String),
}

/// The settings after some of them have changed. What does not change is not looked at: another version of
/// Kafka may have stored what this one would not take.
///
/// # Errors
/// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a name that Kafka does not know, a value that it
/// would not take, an element of what is no list, and settings that exclude each other.
pub fn change(
    defaults: &LogConfig,
    overrides: &BTreeMap<String, String>,
    changes: &BTreeMap<String, Change>,
) -> Result<BTreeMap<String, String>> {
    let mut new = overrides.clone();
    for (name, change) in changes {
        let value = match change {
            Change::Delete => None,
            Change::Set(value) => Some(value.clone()),
            Change::Append(elements) => Some(append(&list(defaults, overrides, name)?, elements)),
            Change::Subtract(elements) => Some(subtract(&list(defaults, overrides, name)?, elements)),
        };
        match value {
            Some(value) => new.insert(name.clone(), value),
            None => new.remove(name),
        };
    }
    check_what_differs(defaults, overrides, &new)?;
    Ok(new)
}

/// Checks settings that are to take the place of all that a topic has (Kafka's `AlterConfigs`).
///
/// # Errors
/// As [`change`].
pub fn replace(
    defaults: &LogConfig,
    overrides: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> Result<()> {
    check_what_differs(defaults, overrides, new)
}

fn check_what_differs(
    defaults: &LogConfig,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> Result<()> {
    for (name, value) in new.iter().filter(|(name, value)| old.get(*name) != Some(value)) {
        known(name)?.kind.check(value).map_err(|reason| invalid(name, reason))?;
    }
    check_together(defaults, new)
}

/// The elements that are in force, of a setting that is a list.
fn list(defaults: &LogConfig, overrides: &BTreeMap<String, String>, name: &str) -> Result<Vec<String>> {
    match known(name)?.kind {
        Kind::List(_) => Ok(elements(&value(defaults, overrides, name)).map(str::to_owned).collect()),
        _ => Err(invalid(name, "it is no list: nothing can be added to it or taken from it")),
    }
}

fn elements(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|element| !element.is_empty())
}

fn append(there: &[String], more: &str) -> String {
    let mut all: Vec<&str> = there.iter().map(String::as_str).collect();
    for element in elements(more) {
        if !all.contains(&element) {
            all.push(element);
        }
    }
    all.join(",")
}

fn subtract(there: &[String], less: &str) -> String {
    let goes = |element: &&str| elements(less).any(|less| less == *element);
    let left: Vec<&str> = there.iter().map(String::as_str).filter(|element| !goes(element)).collect();
    left.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map<V: Clone>(pairs: &[(&str, V)]) -> BTreeMap<String, V> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn changed(there: &[(&str, &str)], changes: &[(&str, Change)]) -> Result<BTreeMap<String, String>> {
        change(&LogConfig::kafka(), &texts(there), &map(changes))
    }

    fn set(value: &str) -> Change {
        Change::Set(value.to_owned())
    }

    fn append(value: &str) -> Change {
        Change::Append(value.to_owned())
    }

    fn subtract(value: &str) -> Change {
        Change::Subtract(value.to_owned())
    }

    #[test]
    fn what_is_set_is_there_what_is_deleted_is_gone_and_the_rest_stays() {
        let there = [("retention.ms", "1"), ("segment.ms", "2"), ("flush.ms", "3")];
        let changes =
            [("retention.ms", set("9")), ("segment.ms", Change::Delete), ("max.message.bytes", set("5"))];
        let expected = texts(&[("retention.ms", "9"), ("flush.ms", "3"), ("max.message.bytes", "5")]);
        assert_eq!(changed(&there, &changes).unwrap(), expected);
    }

    #[test]
    fn lists_grow_and_shrink_from_what_is_in_force() {
        let policy = |there: &[(&str, &str)], change| {
            changed(there, &[("cleanup.policy", change)]).unwrap()["cleanup.policy"].clone()
        };
        assert_eq!(policy(&[], append("compact")), "delete,compact", "the default is what it grows from");
        assert_eq!(policy(&[("cleanup.policy", "compact")], append("compact,delete")), "compact,delete");
        assert_eq!(policy(&[("cleanup.policy", "compact, delete")], subtract("delete")), "compact");
        assert_eq!(policy(&[], subtract("delete")), "", "nothing is ever removed");
    }

    #[test]
    fn only_lists_grow() {
        for change in [append("1"), subtract("1")] {
            let refused = changed(&[], &[("retention.ms", change)]).unwrap_err().to_string();
            assert!(refused.contains("retention.ms") && refused.contains("no list"), "{refused}");
        }
    }

    #[test]
    fn names_and_values_that_kafka_does_not_know_are_refused() {
        for (name, change) in [
            ("no.such.setting", set("1")),
            ("no.such.setting", append("1")),
            ("retention.ms", set("soon")),
            ("retention.ms", set("-2")),
            ("cleanup.policy", set("forget")),
            ("cleanup.policy", append("forget")),
        ] {
            let refused = changed(&[], &[(name, change.clone())]).unwrap_err().to_string();
            assert!(refused.contains(name), "{name} {change:?}: {refused}");
        }
    }

    #[test]
    fn what_another_kafka_has_stored_neither_hinders_a_change_nor_is_lost() {
        let there = [("of.a.later.kafka", "x"), ("segment.bytes", "14")];
        let new = changed(&there, &[("retention.ms", set("1"))]).unwrap();
        assert_eq!(new, texts(&[there[0], there[1], ("retention.ms", "1")]));
        let without = changed(&there, &[("of.a.later.kafka", Change::Delete)]).unwrap();
        assert_eq!(without, texts(&[there[1]]));
        replace(&LogConfig::kafka(), &texts(&there), &texts(&there)).unwrap();
        replace(&LogConfig::kafka(), &texts(&[]), &texts(&there)).unwrap_err();
    }

    #[test]
    fn a_record_cannot_have_to_be_compacted_before_it_may_be() {
        let lags = |min, max| {
            let changes = [("min.compaction.lag.ms", set(min)), ("max.compaction.lag.ms", set(max))];
            changed(&[], &changes).is_ok()
        };
        assert!(lags("5", "5"));
        assert!(!lags("6", "5"));
        let there = [("max.compaction.lag.ms", "5")];
        changed(&there, &[("min.compaction.lag.ms", set("6"))]).unwrap_err();
    }
}
