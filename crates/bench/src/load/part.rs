//! What one thread of a load has measured.

use super::latency::Latency;
use super::ledger::Met;
use crate::process::thread_cpu_time;

/// One thread's part of the figures.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// From when a batch was due until it was acknowledged.
    pub acknowledged: Latency,
    /// From when it was due until a consumer had it.
    pub end_to_end: Latency,
    /// From when it was due until it left: what the sender added.
    pub late: Latency,
    /// What was sent and counts.
    pub produced: Amount,
    /// What was seen and counts.
    pub consumed: Amount,
    /// The share of a processor that the thread used, at its most.
    pub busiest_share: f64,
}

/// So many batches, and when the last of them was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Their size.
    pub bytes: u64,
    /// When the last one was there, in nanoseconds since the start.
    pub last_ns: u64,
}

impl Amount {
    /// One batch more.
    pub fn add(&mut self, records: i64, bytes: usize, at_ns: u64) {
        self.batches += 1;
        self.records += u64::try_from(records).unwrap_or(0);
        self.bytes += bytes as u64;
        self.last_ns = self.last_ns.max(at_ns);
    }

    fn absorb(&mut self, other: Amount) {
        self.batches += other.batches;
        self.records += other.records;
        self.bytes += other.bytes;
        self.last_ns = self.last_ns.max(other.last_ns);
    }
}

impl Part {
    /// Another thread's figures too.
    pub fn absorb(&mut self, other: &Part) {
        self.acknowledged.absorb(&other.acknowledged);
        self.end_to_end.absorb(&other.end_to_end);
        self.late.absorb(&other.late);
        self.produced.absorb(other.produced);
        self.consumed.absorb(other.consumed);
        self.busiest_share = self.busiest_share.max(other.busiest_share);
    }

    /// A batch that was sent and seen.
    pub fn met(&mut self, met: Met) {
        if met.sent.counts {
            self.end_to_end.record(met.at_ns.saturating_sub(met.sent.due_ns));
        }
    }

    /// The share of a processor that the calling thread used since `from_ns`, until now.
    pub fn note_share(&mut self, from_ns: u64, now_ns: u64) {
        let elapsed_ns = now_ns.saturating_sub(from_ns);
        if elapsed_ns > 0 {
            let share = thread_cpu_time().as_nanos() as f64 / elapsed_ns as f64;
            self.busiest_share = self.busiest_share.max(share.min(1.0));
        }
    }
}
