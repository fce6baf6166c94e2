//! What was acknowledged and what was seen, held against each other, partition by partition.
//!
//! All batches of a load have the same number of records and nobody else writes, so that the offsets of a partition are
//! known beforehand. Which batch got which of them only the acknowledgement says; a consumer may see it earlier or later, and
//! whoever comes second finds the other's entry here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::Wrong;

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When it was due, in nanoseconds since the start.
    pub due_ns: u64,
    /// The time in its records.
    pub timestamp_ms: i64,
    /// Whether it belongs to what is measured.
    pub counts: bool,
}

/// What a consumer saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The offset of its first record.
    pub base_offset: i64,
    /// How many records it says it has.
    pub record_count: i64,
    /// The time in its records; `None` where the broker has set its own.
    pub timestamp_ms: Option<i64>,
    /// When it was there, in nanoseconds since the start.
    pub at_ns: u64,
}

/// A batch that was sent and seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Met {
    /// What was sent.
    pub sent: Sent,
    /// When it was seen.
    pub at_ns: u64,
}

/// All partitions.
#[derive(Debug)]
pub struct Ledger {
    pages: Vec<Mutex<Page>>,
}

/// One partition.
#[derive(Debug)]
struct Page {
    /// Records of each batch; `None` where only what was there before is read.
    batch_records: Option<i64>,
    start: i64,
    /// Up to here every offset was given to a batch.
    given_to: i64,
    /// What was given beyond.
    ahead: BTreeSet<i64>,
    /// Where the log ends for this load, once that is known.
    end: Option<i64>,
    readers: Vec<Reader>,
}

#[derive(Debug, Default)]
struct Reader {
    next: i64,
    /// Acknowledged, and not seen yet.
    sent: BTreeMap<i64, Sent>,
    /// Seen, and not acknowledged yet.
    seen: BTreeMap<i64, Seen>,
}

impl Ledger {
    /// A page for each partition, by where its log begins for this load, with so many readers each.
    pub fn new(starts: &[i64], batch_records: Option<i64>, readers: &[usize]) -> Ledger {
        let page = |(start, readers): (&i64, &usize)| {
            let reader = |_| Reader { next: *start, ..Reader::default() };
            let readers = (0..*readers).map(reader).collect();
            Mutex::new(Page {
                batch_records,
                start: *start,
                given_to: *start,
                ahead: BTreeSet::new(),
                end: None,
                readers,
            })
        };
        Ledger { pages: starts.iter().zip(readers).map(page).collect() }
    }

    /// A batch got this offset. Returns those consumers' finds that waited for it.
    ///
    /// # Errors
    /// Where no batch can have got it.
    pub fn given(&self, page: usize, base_offset: i64, sent: Sent) -> Result<Vec<Met>, Wrong> {
        let Some(mut page) = self.page(page) else { return Ok(Vec::new()) };
        page.give(base_offset)?;
        let batch_records = page.batch_records;
        let mut met = Vec::new();
        for reader in &mut page.readers {
            match reader.seen.remove(&base_offset) {
                Some(seen) => met.push(meet(sent, seen, batch_records)?),
                None => drop(reader.sent.insert(base_offset, sent)),
            }
        }
        Ok(met)
    }

    /// The offset that the next batch gets where nobody acknowledges, and one producer sends.
    pub fn next_given(&self, page: usize) -> i64 {
        self.page(page).map_or(0, |page| page.given_to)
    }

    /// A reader saw a batch. Returns what was sent, if that is known by now.
    ///
    /// # Errors
    /// Where another one was due, or this is not what was sent.
    pub fn seen(&self, page: usize, reader: usize, seen: Seen) -> Result<Option<Met>, Wrong> {
        let Some(mut page) = self.page(page) else { return Ok(None) };
        let batch_records = page.batch_records;
        let Some(reader) = page.readers.get_mut(reader) else { return Ok(None) };
        let (expected, found) = (reader.next, seen.base_offset);
        if found > expected {
            return Err(Wrong::Gap { expected, found });
        }
        // A log that was there before may be read from the middle of a batch.
        if found < expected && (batch_records.is_some() || found + seen.record_count <= expected) {
            return Err(Wrong::Doubled { expected, found });
        }
        reader.next = found + seen.record_count;
        if batch_records.is_none() {
            return Ok(None);
        }
        match reader.sent.remove(&found) {
            Some(sent) => meet(sent, seen, batch_records).map(Some),
            None => {
                reader.seen.insert(found, seen);
                Ok(None)
            }
        }
    }

    /// What a reader is to read next.
    pub fn next_of(&self, page: usize, reader: usize) -> i64 {
        self.page(page).and_then(|page| page.readers.get(reader).map(|reader| reader.next)).unwrap_or(0)
    }

    /// Where a partition's log ends for this load, once all was sent.
    pub fn end_of(&self, page: usize) -> Option<i64> {
        self.page(page).and_then(|page| page.end)
    }

    /// Says where it ends, where nothing is sent.
    pub fn set_end(&self, page: usize, end: i64) {
        if let Some(mut page) = self.page(page) {
            page.end = Some(end);
        }
    }

    /// All was sent and acknowledged: from here on the ends are known.
    ///
    /// # Errors
    /// Which partition has offsets that were never given.
    pub fn close(&self) -> Result<(), (usize, Wrong)> {
        for at in 0..self.pages.len() {
            let Some(mut page) = self.page(at) else { continue };
            if !page.ahead.is_empty() {
                return Err((at, Wrong::NeverGiven { missing: page.given_to }));
            }
            page.end = Some(page.given_to);
        }
        Ok(())
    }

    fn page(&self, page: usize) -> Option<MutexGuard<'_, Page>> {
        self.pages.get(page).map(|page| page.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Page {
    fn give(&mut self, base_offset: i64) -> Result<(), Wrong> {
        let batch_records = self.batch_records.unwrap_or(1).max(1);
        let (expected, found) = (self.given_to, base_offset);
        if found < self.start || (found - self.start) % batch_records != 0 {
            return Err(Wrong::OutOfStep { expected, found });
        }
        if found < expected || !self.ahead.insert(found) {
            return Err(Wrong::GivenTwice { offset: found });
        }
        while self.ahead.remove(&self.given_to) {
            self.given_to += batch_records;
        }
        Ok(())
    }
}

fn meet(sent: Sent, seen: Seen, batch_records: Option<i64>) -> Result<Met, Wrong> {
    let offset = seen.base_offset;
    let changed = |what, sent, found| Err(Wrong::Changed { offset, what, sent, found });
    match (batch_records, seen.timestamp_ms) {
        (Some(count), _) if count != seen.record_count => {
            changed("the number of records", count, seen.record_count)
        }
        (_, Some(found)) if found != sent.timestamp_ms => changed("the timestamp", sent.timestamp_ms, found),
        _ => Ok(Met { sent, at_ns: seen.at_ns }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(due_ns: u64) -> Sent {
        Sent { due_ns, timestamp_ms: due_ns as i64, counts: true }
    }

    fn seen(base_offset: i64, at_ns: u64, timestamp_ms: i64) -> Seen {
        Seen { base_offset, record_count: 10, timestamp_ms: Some(timestamp_ms), at_ns }
    }

    fn ledger(readers: usize) -> Ledger {
        Ledger::new(&[100], Some(10), &[readers])
    }

    #[test]
    fn whoever_comes_second_learns_how_long_it_took() {
        let ledger = ledger(2);
        assert_eq!(ledger.seen(0, 1, seen(100, 9, 5)), Ok(None));
        assert_eq!(ledger.given(0, 100, sent(5)), Ok(vec![Met { sent: sent(5), at_ns: 9 }]));
        assert_eq!(ledger.seen(0, 0, seen(100, 12, 5)), Ok(Some(Met { sent: sent(5), at_ns: 12 })));
        assert_eq!((ledger.next_of(0, 0), ledger.next_of(0, 1)), (110, 110));
    }

    #[test]
    fn a_batch_that_is_lost_or_comes_twice_is_noticed() {
        let ledger = ledger(1);
        ledger.seen(0, 0, seen(100, 1, 0)).unwrap();
        assert_eq!(ledger.seen(0, 0, seen(120, 1, 0)), Err(Wrong::Gap { expected: 110, found: 120 }));
        assert_eq!(ledger.seen(0, 0, seen(100, 1, 0)), Err(Wrong::Doubled { expected: 110, found: 100 }));
    }

    #[test]
    fn an_offset_belongs_to_one_batch_and_lies_where_batches_begin() {
        let ledger = ledger(0);
        ledger.given(0, 110, sent(1)).unwrap();
        assert_eq!(ledger.given(0, 110, sent(2)), Err(Wrong::GivenTwice { offset: 110 }));
        assert_eq!(ledger.given(0, 115, sent(2)), Err(Wrong::OutOfStep { expected: 100, found: 115 }));
        assert_eq!(ledger.given(0, 90, sent(2)), Err(Wrong::OutOfStep { expected: 100, found: 90 }));
        assert_eq!(ledger.close(), Err((0, Wrong::NeverGiven { missing: 100 })));
        ledger.given(0, 100, sent(2)).unwrap();
        assert_eq!(ledger.given(0, 100, sent(2)), Err(Wrong::GivenTwice { offset: 100 }));
        assert_eq!((ledger.close(), ledger.end_of(0)), (Ok(()), Some(120)));
    }

    #[test]
    fn another_batch_at_the_same_offset_is_noticed() {
        let ledger = ledger(1);
        ledger.given(0, 100, sent(5)).unwrap();
        let changed = Wrong::Changed { offset: 100, what: "the timestamp", sent: 5, found: 6 };
        assert_eq!(ledger.seen(0, 0, seen(100, 9, 6)), Err(changed));
    }

    #[test]
    fn what_was_there_before_is_read_for_its_offsets_only() {
        let ledger = Ledger::new(&[103], None, &[1]);
        assert_eq!(ledger.seen(0, 0, seen(100, 1, 0)), Ok(None));
        assert_eq!(ledger.next_of(0, 0), 110);
        assert!(ledger.seen(0, 0, seen(100, 1, 0)).is_err());
    }
}
