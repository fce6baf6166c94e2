//! The logs that cannot be compacted, each with its reason and the time of its next try.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::dir::TopicPartition;
use crate::error::Error;
use crate::sync::{Mutex, MutexGuard, PoisonError};

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

    /// Whether the log is not to be tried yet.
    pub(super) fn holds(&self, log: &TopicPartition, now: Duration) -> bool {
        self.entries().get(log).is_some_and(|entry| entry.next_try > now)
    }

    /// It went wrong, once more.
    pub(super) fn put(&self, log: &TopicPartition, reason: Error, now: Duration) {
        let mut entries = self.entries();
        let attempts = entries.get(log).map_or(0, |entry| entry.attempts).saturating_add(1);
        let wait = FIRST_WAIT.saturating_mul(1 << (attempts - 1).min(16)).min(LONGEST_WAIT);
        tracing::error!(partition = %log, error = %reason, attempts, ?wait, "the log cannot be compacted now");
        entries.insert(log.clone(), Entry { reason, attempts, next_try: now.saturating_add(wait) });
    }

    /// It went well.
    pub(super) fn release(&self, log: &TopicPartition) {
        self.entries().remove(log);
    }

    /// Forgets the others.
    pub(super) fn retain(&self, is_there: impl Fn(&TopicPartition) -> bool) {
        self.entries().retain(|log, _| is_there(log));
    }

    pub(super) fn shown(&self, now: Duration) -> Vec<Quarantined> {
        let shown = |(log, entry): (&TopicPartition, &Entry)| Quarantined {
            topic_partition: log.clone(),
            reason: entry.reason.clone(),
            attempts: entry.attempts,
            next_try_in: entry.next_try.saturating_sub(now),
        };
        self.entries().iter().map(shown).collect()
    }
}
