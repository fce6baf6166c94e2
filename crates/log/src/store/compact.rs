//! Compacting the log that needs it most. One that cannot be compacted is set aside for a while, with its
//! reason, and holds up nobody else.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::state::Inner;
use crate::compact::{Cleanable, Cleaner, Compacted, filthiest};
use crate::dir::TopicPartition;
use crate::error::{Error, Result};
use crate::log::Log;

/// How long a log is set aside the first time; each further time it is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// A log that could not be compacted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Quarantined {
    /// The log.
    pub topic_partition: TopicPartition,
    /// What went wrong the last time.
    pub reason: Error,
    /// How often it went wrong, one time after the other.
    pub attempts: u32,
    /// How long until it is tried again.
    pub next_try_in: Duration,
}

/// The logs that are set aside.
#[derive(Debug, Default)]
pub(super) struct Quarantine(Mutex<BTreeMap<TopicPartition, Entry>>);

#[derive(Clone, Debug)]
struct Entry {
    reason: Error,
    attempts: u32,
    /// In the clock's monotonic time.
    next_try: Duration,
}

impl Quarantine {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<TopicPartition, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holds(&self, log: &TopicPartition, now: Duration) -> bool {
        self.entries().get(log).is_some_and(|entry| entry.next_try > now)
    }

    fn put(&self, log: &TopicPartition, reason: Error, now: Duration) {
        let mut entries = self.entries();
        let attempts = entries.get(log).map_or(0, |entry| entry.attempts).saturating_add(1);
        let wait = FIRST_WAIT.saturating_mul(1 << (attempts - 1).min(16)).min(LONGEST_WAIT);
        tracing::error!(partition = %log, error = %reason, attempts, ?wait, "the log cannot be compacted now");
        entries.insert(log.clone(), Entry { reason, attempts, next_try: now.saturating_add(wait) });
    }

    fn release(&self, log: &TopicPartition) {
        self.entries().remove(log);
    }
}

pub(super) fn quarantined(store: &Inner) -> Vec<Quarantined> {
    let now = store.config.environment.clock.monotonic();
    let shown = |(log, entry): (&TopicPartition, &Entry)| Quarantined {
        topic_partition: log.clone(),
        reason: entry.reason.clone(),
        attempts: entry.attempts,
        next_try_in: entry.next_try.saturating_sub(now),
    };
    store.quarantine.entries().iter().map(shown).collect()
}

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
    store.quarantine.entries().retain(|log, _| is_there(log));
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
