//! What the server has done, counted in plain atomics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ottla::{Compacted, Quarantined};
use ottla_protocol::{API_TABLE, ApiKey};

/// One number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.add_u64(count as u64);
    }

    fn add_u64(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of one server.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: [Counter; API_TABLE.len()],
    /// Bytes that arrived.
    pub bytes_in: Counter,
    /// Bytes that were sent.
    pub bytes_out: Counter,
    /// Connections that were accepted.
    pub connections_accepted: Counter,
    /// Connections that were closed at once because of a limit.
    pub connections_refused: Counter,
    /// Frames that were no requests, or none that are spoken here; each ended its connection.
    pub frames_rejected: Counter,
    /// Connections that were closed because they were silent for too long.
    pub idle_closed: Counter,
    /// Connections that were closed because a request took too long to arrive.
    pub slow_requests: Counter,
    /// Connections that were closed because the client did not take its answer.
    pub slow_readers: Counter,
    /// Batches that were refused.
    pub batches_refused: Counter,
    /// Failures of the disk.
    pub storage_errors: Counter,
    /// Bytes that a scrub has read.
    pub scrubbed_bytes: Counter,
    /// Ranges of damaged bytes that a scrub has found, each once a round.
    pub damage_found: Counter,
    /// Panics that were caught at the edge of a thread. Each is a mistake in this program.
    pub panics: Counter,
    pub compaction: Compaction,
}

/// What the thread that compacts has done.
#[derive(Debug, Default)]
pub(crate) struct Compaction {
    pub passes: Counter,
    pub bytes_read: Counter,
    pub bytes_written: Counter,
    pub records_removed: Counter,
    pub failures: Counter,
    last_error: Mutex<Option<String>>,
}

impl Compaction {
    pub(crate) fn count(&self, done: &Compacted) {
        self.passes.add(1);
        self.bytes_read.add_u64(done.map_bytes_read.saturating_add(done.bytes_read));
        self.bytes_written.add_u64(done.bytes_written);
        self.records_removed.add_u64(done.records_read.saturating_sub(done.records_kept));
    }

    pub(crate) fn count_failure(&self, error: String) {
        self.failures.add(1);
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn snapshot(&self, set_aside: &[Quarantined]) -> CompactionSnapshot {
        CompactionSnapshot {
            passes: self.passes.get(),
            bytes_read: self.bytes_read.get(),
            bytes_written: self.bytes_written.get(),
            records_removed: self.records_removed.get(),
            failures: self.failures.get(),
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            set_aside: set_aside.iter().map(SetAside::of).collect(),
        }
    }
}

/// The state of the counters at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Requests of each API.
    pub requests: Vec<(ApiKey, u64)>,
    /// Bytes that arrived.
    pub bytes_in: u64,
    /// Bytes that were sent.
    pub bytes_out: u64,
    /// Connections that are open now.
    pub connections: usize,
    /// Connections that were accepted.
    pub connections_accepted: u64,
    /// Connections that were closed at once because of a limit.
    pub connections_refused: u64,
    /// Frames that were no requests, or none that are spoken here; each ended its connection.
    pub frames_rejected: u64,
    /// Connections that were closed because they were silent for too long.
    pub idle_closed: u64,
    /// Connections that were closed because a request took too long to arrive.
    pub slow_requests: u64,
    /// Connections that were closed because the client did not take its answer.
    pub slow_readers: u64,
    /// Batches that were refused.
    pub batches_refused: u64,
    /// Failures of the disk.
    pub storage_errors: u64,
    /// Bytes that a scrub has read.
    pub scrubbed_bytes: u64,
    /// Ranges of damaged bytes that a scrub has found, each once a round.
    pub damage_found: u64,
    /// Panics that were caught at the edge of a thread. Each is a mistake in this program.
    pub panics: u64,
    /// What the thread that compacts has done, and what it cannot do.
    pub compaction: CompactionSnapshot,
}

/// What the thread that compacts has done, and what it cannot do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompactionSnapshot {
    /// Passes over a log that came to their end.
    pub passes: u64,
    /// Bytes of batches that they read, for the keys and to write them anew.
    pub bytes_read: u64,
    /// Bytes of batches that they wrote.
    pub bytes_written: u64,
    /// Records that they took out.
    pub records_removed: u64,
    /// How often a log could not be compacted.
    pub failures: u64,
    /// Which log it was the last time, and why.
    pub last_error: Option<String>,
    /// The logs that cannot be compacted now. `ottla verify` shows all that is wrong with one.
    pub set_aside: Vec<SetAside>,
}

/// A log that cannot be compacted now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetAside {
    /// Its directory's name: the topic and the partition.
    pub partition: String,
    /// Which file it is, where, and what is wrong there.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// How long until it is tried again.
    pub next_try_in: Duration,
}

impl SetAside {
    fn of(log: &Quarantined) -> SetAside {
        SetAside {
            partition: log.topic_partition.to_string(),
            reason: log.reason.to_string(),
            attempts: log.attempts,
            next_try_in: log.next_try_in,
        }
    }
}

impl MetricsSnapshot {
    /// How many requests of one API there were.
    pub fn requests_of(&self, api_key: ApiKey) -> u64 {
        self.requests.iter().find(|(key, _)| *key == api_key).map_or(0, |(_, count)| *count)
    }
}

impl Metrics {
    pub(crate) fn count_request(&self, api_key: ApiKey) {
        let index = API_TABLE.iter().position(|api| api.key == api_key);
        if let Some(counter) = index.and_then(|index| self.requests.get(index)) {
            counter.add(1);
        }
    }

    pub(crate) fn snapshot(&self, connections: usize, set_aside: &[Quarantined]) -> MetricsSnapshot {
        let keys = API_TABLE.iter().map(|api| api.key);
        MetricsSnapshot {
            requests: keys.zip(self.requests.iter().map(Counter::get)).collect(),
            bytes_in: self.bytes_in.get(),
            bytes_out: self.bytes_out.get(),
            connections,
            connections_accepted: self.connections_accepted.get(),
            connections_refused: self.connections_refused.get(),
            frames_rejected: self.frames_rejected.get(),
            idle_closed: self.idle_closed.get(),
            slow_requests: self.slow_requests.get(),
            slow_readers: self.slow_readers.get(),
            batches_refused: self.batches_refused.get(),
            storage_errors: self.storage_errors.get(),
            scrubbed_bytes: self.scrubbed_bytes.get(),
            damage_found: self.damage_found.get(),
            panics: self.panics.get(),
            compaction: self.compaction.snapshot(set_aside),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_their_api() {
        let metrics = Metrics::default();
        metrics.count_request(ApiKey::Fetch);
        metrics.count_request(ApiKey::Fetch);
        let snapshot = metrics.snapshot(3, &[]);
        assert_eq!(snapshot.requests_of(ApiKey::Fetch), 2);
        assert_eq!(snapshot.requests_of(ApiKey::Produce), 0);
        assert_eq!(snapshot.connections, 3);
    }

    #[test]
    fn passes_add_up_and_the_last_error_stays() {
        let metrics = Metrics::default();
        let done = Compacted {
            map_bytes_read: 10,
            bytes_read: 20,
            bytes_written: 5,
            records_read: 7,
            records_kept: 3,
            ..Compacted::default()
        };
        metrics.compaction.count(&done);
        metrics.compaction.count(&done);
        metrics.compaction.count_failure("letters-0: one".to_owned());
        metrics.compaction.count_failure("letters-1: another".to_owned());
        let expected = CompactionSnapshot {
            passes: 2,
            bytes_read: 60,
            bytes_written: 10,
            records_removed: 8,
            failures: 2,
            last_error: Some("letters-1: another".to_owned()),
            set_aside: Vec::new(),
        };
        assert_eq!(metrics.snapshot(0, &[]).compaction, expected);
    }
}
