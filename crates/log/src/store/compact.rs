//! Compacting the log that needs it most. One that cannot be compacted is set aside for a while, with its
//! reason, and holds up nobody else.

use super::state::Inner;
use crate::compact::{Cleanable, Cleaner, Compacted, filthiest};
use crate::dir::TopicPartition;
use crate::error::{Error, Result};
use crate::log::Log;

pub(super) fn run(store: &Inner, cleaner: &mut Cleaner) -> Result<Option<(TopicPartition, Compacted)>> {
    loop {
        drop(store.changes()?);
        let Some(log) = next(store) else { return Ok(None) };
        let name = log.topic_partition();
        match log.compact(cleaner) {
            Ok(done) => {
                store.quarantine.release(name);
                return Ok(done.map(|done| (name.clone(), done)));
            }
            // A topic that was deleted meanwhile.
            Err(Error::Closed { .. }) => return Ok(None),
            Err(reason) => set_aside(store, name, reason),
        }
    }
}

/// The log that needs it most, of those whose settings want it compacted.
fn next(store: &Inner) -> Option<Log> {
    let now = store.config.environment.clock.monotonic();
    let catalog = store.catalog.load_full();
    let is_there = |log: &TopicPartition| {
        catalog.topic(log.topic()).is_some_and(|topic| topic.log(log.partition()).is_some())
    };
    store.quarantine.retain(is_there);
    let candidates = catalog
        .logs()
        .filter(|log| log.config().cleanup_policy.compact)
        .filter(|log| !store.quarantine.holds(log.topic_partition(), now));
    filthiest(candidates.filter_map(|log| Some((log.clone(), due(store, log)?))))
}

fn due(store: &Inner, log: &Log) -> Option<Cleanable> {
    match log.cleanable() {
        Ok(cleanable) => Some(cleanable).filter(|cleanable| cleanable.is_due(&log.config())),
        Err(Error::Closed { .. }) => None,
        Err(reason) => {
            set_aside(store, log.topic_partition(), reason);
            None
        }
    }
}

fn set_aside(store: &Inner, log: &TopicPartition, reason: Error) {
    store.quarantine.put(log, reason, store.config.environment.clock.monotonic());
}
