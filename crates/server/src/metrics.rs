//! What the server has done, counted in plain atomics.

use std::sync::atomic::{AtomicU64, Ordering};

use ottla_protocol::{API_TABLE, ApiKey};

/// One number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
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
    /// Panics that were caught at the edge of a thread. Each is a mistake in this program.
    pub panics: Counter,
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
    /// Panics that were caught at the edge of a thread. Each is a mistake in this program.
    pub panics: u64,
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

    pub(crate) fn snapshot(&self, connections: usize) -> MetricsSnapshot {
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
            panics: self.panics.get(),
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
        let snapshot = metrics.snapshot(3);
        assert_eq!(snapshot.requests_of(ApiKey::Fetch), 2);
        assert_eq!(snapshot.requests_of(ApiKey::Produce), 0);
        assert_eq!(snapshot.connections, 3);
    }
}
