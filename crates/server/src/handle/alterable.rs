//! What the two APIs that change settings have in common: whose settings may change, and the answer.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use ottla::Topic;
use ottla_protocol::ErrorCode;
use ottla_protocol::api::alter_configs::AlterConfigsResourceResponse;
use ottla_protocol::api::describe_configs::resource_type;

use crate::broker::Broker;
use crate::error_codes::Refusal;
use crate::log_limit::About;
use crate::topics;

/// Settings that one request may change for one topic: many times more than there are.
const MAX_SETTINGS: usize = 1_000;

/// What a list holds more than once.
fn repeated<T: Copy + Eq + Hash>(list: impl Iterator<Item = T>) -> HashSet<T> {
    let mut seen = HashSet::new();
    list.filter(|item| !seen.insert(*item)).collect()
}

/// The topic whose settings are to change. The broker's own are given when it starts.
pub(super) fn topic(broker: &Broker, kind: i8, name: &str) -> Result<Arc<Topic>, Refusal> {
    let invalid = |message| Err(Refusal::new(ErrorCode::InvalidRequest, message));
    match kind {
        resource_type::TOPIC => broker
            .store
            .topic(name)
            .ok_or_else(|| Refusal::new(topics::absent(name), format!("there is no topic {name:?}"))),
        resource_type::BROKER => invalid(
            "settings of the broker do not change while it runs: give them to `ottla serve` when it starts"
                .to_owned(),
        ),
        other => invalid(format!("resources of type {other} have no settings here that could change")),
    }
}

/// Refuses too many settings, and one that is named twice.
pub(super) fn check_names<'f>(count: usize, names: impl Iterator<Item = &'f str>) -> Result<(), Refusal> {
    if count > MAX_SETTINGS {
        let message = format!("one request may change {MAX_SETTINGS} settings of a topic");
        return Err(Refusal::new(ErrorCode::InvalidRequest, message));
    }
    match repeated(names).into_iter().next() {
        None => Ok(()),
        Some(name) => {
            let message = format!("the request names the setting {name:?} more than once");
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        }
    }
}

/// The value that a setting is to get.
pub(super) fn value(name: &str, value: Option<&str>) -> Result<String, Refusal> {
    let missing = || Refusal::new(ErrorCode::InvalidRequest, format!("{name} has no value"));
    value.map(str::to_owned).ok_or_else(missing)
}

fn named_twice() -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, "the request names the resource more than once")
}

/// Tells the log of the server.
pub(super) fn note(broker: &Broker, altered: &Topic) {
    if let Some(left_out) = broker.log_limit.admit(About::Settings) {
        tracing::info!(topic = %altered.name, left_out, "a client changed settings");
    }
}

/// Alters one resource after the other; those that are named twice are refused.
pub(super) fn each<'f, R>(
    resources: impl Iterator<Item = R> + Clone,
    named: impl Fn(&R) -> (i8, &'f str),
    alter: impl Fn(&R) -> Result<(), Refusal>,
) -> Vec<AlterConfigsResourceResponse<'f>> {
    let repeated = repeated(resources.clone().map(|resource| named(&resource)));
    let answers = resources.map(|resource| {
        let name = named(&resource);
        answer(name, if repeated.contains(&name) { Err(named_twice()) } else { alter(&resource) })
    });
    answers.collect()
}

fn answer<'f>(
    (resource_type, resource_name): (i8, &'f str),
    altered: Result<(), Refusal>,
) -> AlterConfigsResourceResponse<'f> {
    let (error_code, error_message) = match altered {
        Ok(()) => (ErrorCode::None, None),
        Err(refusal) => (refusal.code, Some(refusal.message)),
    };
    AlterConfigsResourceResponse {
        error_code,
        error_message,
        resource_type,
        resource_name: resource_name.into(),
    }
}
