//! As fast as the broker answers: so many requests under way on each connection, and the next as soon as one is answered.
//! A batch is due when it is sent, so that latencies here are those of a broker that is always busy.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::LoadError;
use super::lanes::Lane;
use super::part::Part;
use super::sender::{Pending, Sender, Shared, answered, fence, produce_version};
use super::settings::{Acks, Span};
use crate::client::Connection;

/// Requests smaller than this leave several at a time, in one write.
const JOIN_BELOW_BYTES: usize = 16 << 10;

/// How much is still to be sent, by all lanes.
#[derive(Debug)]
pub struct Quota {
    warm_up_ns: u64,
    until_ns: u64,
    batches: AtomicU64,
}

impl Quota {
    /// For this long, or so many batches, after the warm-up.
    pub fn new(warm_up_ns: u64, span: Span, batch_bytes: usize) -> Quota {
        match span {
            Span::Time(time) => {
                let span_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
                let until_ns = warm_up_ns.saturating_add(span_ns);
                Quota { warm_up_ns, until_ns, batches: AtomicU64::new(u64::MAX) }
            }
            Span::Bytes(bytes) => {
                let batches = (bytes / batch_bytes.max(1) as u64).max(1);
                Quota { warm_up_ns, until_ns: u64::MAX, batches: AtomicU64::new(batches) }
            }
        }
    }

    /// Takes one batch: whether it counts, or `None` where there is none left.
    pub fn take(&self, now_ns: u64) -> Option<bool> {
        if now_ns < self.warm_up_ns {
            return Some(false);
        }
        if now_ns >= self.until_ns {
            return None;
        }
        let one_less = |left: u64| left.checked_sub(1);
        self.batches.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).ok().map(|_| true)
    }
}

/// One lane.
pub struct FlatOut<'a> {
    shared: &'a Shared<'a>,
    quota: &'a Quota,
    connection: Connection,
    address: &'a str,
    version: i16,
    sender: Sender<'a>,
    window: usize,
    pending: VecDeque<Pending>,
    outbox: Vec<u8>,
    part: Part,
}

impl<'a> FlatOut<'a> {
    /// A lane over this connection.
    ///
    /// # Errors
    /// Where its broker speaks no version of Produce that this client does.
    pub fn new(
        shared: &'a Shared<'a>,
        quota: &'a Quota,
        lane: &'a Lane,
        connection: Connection,
    ) -> Result<Self, LoadError> {
        let window = match shared.settings.acks {
            Acks::None => usize::MAX,
            _ => shared.settings.window().unwrap_or(usize::MAX),
        };
        Ok(FlatOut {
            sender: Sender::new(shared, lane, &connection)?,
            version: produce_version(&connection)?,
            address: &lane.address,
            shared,
            quota,
            connection,
            window,
            pending: VecDeque::new(),
            outbox: Vec::new(),
            part: Part::default(),
        })
    }

    /// Sends until there is nothing left to send, and all is answered.
    ///
    /// # Errors
    /// Where the broker fails or breaks its word.
    pub fn run(mut self) -> Result<Part, LoadError> {
        let (timeline, mut nth) = (self.shared.timeline, 0);
        timeline.wait_until(0);
        loop {
            nth = self.fill_window(nth)?;
            if self.pending.is_empty() {
                break;
            }
            self.take_answers()?;
        }
        if self.shared.settings.acks == Acks::None {
            fence(&mut self.connection)?;
            self.part.produced.last_ns = timeline.now_ns();
        }
        self.part.note_share(0, timeline.now_ns());
        Ok(self.part)
    }

    fn fill_window(&mut self, mut nth: u64) -> Result<u64, LoadError> {
        while self.pending.len() < self.window && !self.shared.live.is_over() {
            let now_ns = self.shared.timeline.now_ns();
            let Some(counts) = self.quota.take(now_ns) else { break };
            let (_, slot) = self.sender.batch(nth);
            let sent = self.sender.sent(now_ns, counts);
            let (frame, pending) = self.sender.frame(slot, sent, &mut self.part)?;
            if frame.len() >= JOIN_BELOW_BYTES {
                self.connection.send(frame)?;
            } else {
                self.outbox.extend_from_slice(frame);
            }
            if self.outbox.len() >= JOIN_BELOW_BYTES {
                self.flush()?;
            }
            if self.shared.settings.acks != Acks::None {
                self.pending.push_back(pending);
            }
            nth += 1;
        }
        self.flush()?;
        Ok(nth)
    }

    fn flush(&mut self) -> Result<(), LoadError> {
        self.connection.send(&self.outbox)?;
        self.outbox.clear();
        Ok(())
    }

    /// Waits for one answer, and takes all that came with it.
    fn take_answers(&mut self) -> Result<(), LoadError> {
        let mut answer = Some(self.connection.receive()?);
        while let Some(frame) = answer {
            // Where nothing is under way nothing is asked of the connection.
            let Some(pending) = self.pending.pop_front() else { break };
            answered(self.shared, (self.address, self.version), frame, pending, &mut self.part)?;
            answer = if self.pending.is_empty() { None } else { self.connection.next_frame()? };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_sent_before_the_count_begins_takes_nothing_from_the_quota() {
        let quota = Quota::new(100, Span::Bytes(250), 100);
        let taken = [50, 99, 100, 100, 100].map(|now_ns| quota.take(now_ns));
        assert_eq!(taken, [Some(false), Some(false), Some(true), Some(true), None]);
    }

    #[test]
    fn a_quota_of_time_ends_with_it() {
        let quota = Quota::new(100, Span::Time(Duration::from_nanos(50)), 100);
        assert_eq!(
            [0, 100, 149, 150].map(|now_ns| quota.take(now_ns)),
            [Some(false), Some(true), Some(true), None]
        );
    }
}
