//! The memory into which one connection receives.
//!
//! It grows with the bytes that arrive, never by what a length field announces, and shrinks again once
//! the connection is quiet.

use std::time::Duration;

use crate::budget::Charge;

/// Most requests fit.
const INITIAL_BYTES: usize = 8 * 1024;
/// What a busy connection gets: a system call then takes many small requests at once.
const BUSY_BYTES: usize = 256 * 1024;

/// Bytes that were received and not consumed yet, at the place of the buffer where they arrived.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    /// All of it is initialised; its length is the capacity.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    crowded: bool,
    charge: Charge,
}

impl ReadBuffer {
    pub(crate) fn new(charge: Charge) -> ReadBuffer {
        ReadBuffer { bytes: Vec::new(), start: 0, end: 0, crowded: false, charge }
    }

    /// What was received and not consumed.
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Gives up the first `count` bytes of what was received.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Makes room to receive into, where what was received begins a message of `message_bytes` in all, if
    /// so much is known. Tells whether there is room now; waits at most `patience` for memory.
    pub(crate) fn make_room(&mut self, message_bytes: Option<usize>, patience: Duration) -> bool {
        if std::mem::take(&mut self.crowded) {
            self.grow_if_cheap();
        }
        let wanted = message_bytes.unwrap_or(1).max(self.filled().len() + 1);
        if self.bytes.len().saturating_sub(self.start) < wanted {
            self.move_to_front();
        }
        self.end < self.bytes.len() || self.grow(patience)
    }

    fn move_to_front(&mut self) {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
    }

    /// Larger steps while it is small: a busy connection gets to [`BUSY_BYTES`] within a few reads.
    fn next_len(&self) -> usize {
        match self.bytes.len() {
            0 => INITIAL_BYTES,
            len if len < BUSY_BYTES => len.saturating_mul(4).min(BUSY_BYTES),
            len => len.saturating_mul(2),
        }
    }

    fn grow(&mut self, patience: Duration) -> bool {
        let more = self.next_len().saturating_sub(self.bytes.len());
        // The first bytes are everybody's: without them nothing could be received at all.
        if !self.bytes.is_empty() && !self.charge.grow(more, patience) {
            return false;
        }
        self.allocate(self.next_len());
        true
    }

    fn grow_if_cheap(&mut self) {
        let more = self.next_len().saturating_sub(self.bytes.len());
        if self.bytes.len() < BUSY_BYTES && self.charge.try_grow(more) {
            self.allocate(self.next_len());
        }
    }

    fn allocate(&mut self, len: usize) {
        self.bytes.reserve_exact(len.saturating_sub(self.bytes.len()));
        self.bytes.resize(len, 0);
    }

    /// The room behind what was received.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// Takes `count` bytes at the beginning of the room for received.
    pub(crate) fn received(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.bytes.len());
        // A read that filled all the room may have left something: the next one gets more room.
        self.crowded = self.end == self.bytes.len();
    }

    /// Gives memory back between two requests where it is short.
    pub(crate) fn give_back_if_tight(&mut self) {
        if self.charge.budget().is_tight() {
            self.give_back();
        }
    }

    /// Gives back what a quiet connection does not need.
    pub(crate) fn give_back(&mut self) {
        if self.is_empty() && self.bytes.len() > INITIAL_BYTES {
            self.bytes.truncate(INITIAL_BYTES);
            self.bytes.shrink_to_fit();
            self.charge.shrink_to(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;

    fn buffer(limit_bytes: usize) -> ReadBuffer {
        ReadBuffer::new(Charge::new(Budget::new(limit_bytes)))
    }

    fn receive(buffer: &mut ReadBuffer, bytes: &[u8], message_bytes: Option<usize>) {
        let mut left = bytes;
        while !left.is_empty() {
            assert!(buffer.make_room(message_bytes, Duration::ZERO));
            let count = left.len().min(buffer.room().len());
            let (now, later) = left.split_at(count);
            buffer.room()[..count].copy_from_slice(now);
            buffer.received(count);
            left = later;
        }
    }

    #[test]
    fn an_announced_length_allocates_nothing() {
        let mut buffer = buffer(usize::MAX);
        assert!(buffer.make_room(Some(100 << 20), Duration::ZERO));
        assert_eq!(buffer.bytes.capacity(), INITIAL_BYTES);
    }

    #[test]
    fn bytes_stay_in_order_while_the_buffer_grows_and_moves() {
        let mut buffer = buffer(usize::MAX);
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
        receive(&mut buffer, &bytes[..600_000], Some(600_000));
        assert_eq!(buffer.filled(), &bytes[..600_000]);
        buffer.consume(599_990);
        receive(&mut buffer, &bytes[600_000..], Some(800_000));
        assert_eq!(buffer.filled(), &bytes[599_990..]);
    }

    #[test]
    fn what_fits_behind_is_not_moved() {
        let mut buffer = buffer(usize::MAX);
        receive(&mut buffer, &[1; 100], Some(100));
        buffer.consume(50);
        assert!(buffer.make_room(Some(1_000), Duration::ZERO));
        assert_eq!(buffer.start, 50);
    }

    #[test]
    fn a_read_that_filled_all_the_room_gets_more_next_time() {
        let mut buffer = buffer(usize::MAX);
        for room in [INITIAL_BYTES, 4 * INITIAL_BYTES, 16 * INITIAL_BYTES, BUSY_BYTES, BUSY_BYTES] {
            assert!(buffer.make_room(None, Duration::ZERO));
            assert_eq!(buffer.room().len(), room);
            buffer.received(room);
            buffer.consume(room);
        }
    }

    #[test]
    fn a_quiet_connection_keeps_little_and_charges_nothing() {
        let mut buffer = buffer(usize::MAX);
        receive(&mut buffer, &vec![0; 3 << 20], Some(3 << 20));
        assert!(buffer.charge.budget().used_bytes() >= 3 << 20);
        buffer.give_back();
        assert_eq!(buffer.filled().len(), 3 << 20, "what is not consumed stays");
        buffer.consume(3 << 20);
        buffer.give_back_if_tight();
        assert!(buffer.bytes.capacity() >= 3 << 20, "the next request may be as large");
        buffer.give_back();
        assert_eq!(buffer.bytes.capacity(), INITIAL_BYTES);
        assert_eq!(buffer.charge.budget().used_bytes(), 0);
    }

    #[test]
    fn a_used_up_budget_leaves_no_room() {
        let budget = Budget::new(1 << 20);
        let mut large = Charge::new(budget.clone());
        assert!(large.grow(2 << 20, Duration::ZERO));
        let mut buffer = ReadBuffer::new(Charge::new(budget));
        receive(&mut buffer, &[0; INITIAL_BYTES], None);
        assert!(!buffer.make_room(Some(INITIAL_BYTES * 2), Duration::ZERO));
        drop(large);
        assert!(buffer.make_room(Some(INITIAL_BYTES * 2), Duration::ZERO));
    }
}
