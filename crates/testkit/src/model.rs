//! A log as a vector: what every log must look like from outside.

use std::fmt::Debug;

use ottla::Offset;

/// The offset that was asked for is not in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// Where the log starts.
    pub log_start_offset: Offset,
    /// Where it ends, exclusive.
    pub log_end_offset: Offset,
}

/// Records by offset. It does slowly and obviously what a log does fast.
///
/// ```
/// use ottla::Offset;
/// use ottla_testkit::ModelLog;
/// let mut log = ModelLog::default();
/// assert_eq!(log.append(["a", "b"]), Offset::new(0));
/// assert_eq!(log.append(["c"]), Offset::new(2));
/// log.delete_prefix(Offset::new(1));
/// log.truncate(Offset::new(2));
/// assert_eq!(log.append(["d"]), Offset::new(2));
/// assert_eq!(log.read(Offset::new(1)).unwrap(), [(Offset::new(1), "b"), (Offset::new(2), "d")]);
/// assert!(log.read(Offset::new(0)).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelLog<R> {
    log_start_offset: Offset,
    log_end_offset: Offset,
    records: Vec<(Offset, R)>,
}

impl<R> Default for ModelLog<R> {
    fn default() -> Self {
        ModelLog { log_start_offset: Offset::ZERO, log_end_offset: Offset::ZERO, records: Vec::new() }
    }
}

impl<R> ModelLog<R> {
    /// An empty log that starts at this offset.
    pub fn starting_at(log_start_offset: Offset) -> ModelLog<R> {
        ModelLog { log_start_offset, log_end_offset: log_start_offset, records: Vec::new() }
    }

    /// The first offset that may be read.
    pub fn log_start_offset(&self) -> Offset {
        self.log_start_offset
    }

    /// The offset that the next record gets.
    pub fn log_end_offset(&self) -> Offset {
        self.log_end_offset
    }

    /// Adds records. Returns the offset of the first.
    pub fn append(&mut self, records: impl IntoIterator<Item = R>) -> Offset {
        let base_offset = self.log_end_offset;
        for record in records {
            self.records.push((self.log_end_offset, record));
            self.log_end_offset = self.log_end_offset + 1;
        }
        base_offset
    }

    /// Cuts the end: the record at `to` and all after it go. Cutting before the start empties the log
    /// and moves its start there.
    pub fn truncate(&mut self, to: Offset) {
        if to < self.log_end_offset {
            self.records.retain(|(offset, _)| *offset < to);
            self.log_end_offset = to;
            self.log_start_offset = self.log_start_offset.min(to);
        }
    }

    /// Cuts the start: records before `before` go. The start never goes back, nor past the end.
    pub fn delete_prefix(&mut self, before: Offset) {
        self.log_start_offset = before.min(self.log_end_offset).max(self.log_start_offset);
        self.records.retain(|(offset, _)| *offset >= self.log_start_offset);
    }

    /// Takes away single records, as compaction does; offsets and both ends stay.
    pub fn retain(&mut self, keep: impl Fn(Offset, &R) -> bool) {
        self.records.retain(|(offset, record)| keep(*offset, record));
    }

    /// The records from `from` on; none at the end.
    ///
    /// # Errors
    /// [`OutOfRange`] before the start and after the end.
    pub fn read(&self, from: Offset) -> Result<&[(Offset, R)], OutOfRange> {
        let ends =
            OutOfRange { log_start_offset: self.log_start_offset, log_end_offset: self.log_end_offset };
        if from < self.log_start_offset || from > self.log_end_offset {
            return Err(ends);
        }
        let first = self.records.partition_point(|(offset, _)| *offset < from);
        Ok(&self.records[first..])
    }

    /// After a crash: the log that came back must be this one, cut somewhere at or after the offset up
    /// to which its records were promised to last. Takes over the cut.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn recover(
        &mut self,
        found: &[(Offset, R)],
        found_end: Offset,
        promised_end: Offset,
    ) -> Result<(), String>
    where
        R: PartialEq + Debug,
    {
        if found_end < promised_end {
            return Err(format!("the log ends at {found_end}, but it was promised up to {promised_end}"));
        }
        if found_end > self.log_end_offset {
            let sent = self.log_end_offset;
            return Err(format!("the log ends at {found_end}, but nothing was sent after {sent}"));
        }
        let first = found.first().map_or(found_end, |(offset, _)| *offset);
        let expected: Vec<_> = self.records.iter().filter(|(o, _)| (first..found_end).contains(o)).collect();
        if let Some((e, f)) = expected.iter().zip(found).find(|(e, f)| **e != *f) {
            return Err(format!("expected {e:?}, found {f:?}"));
        }
        if expected.len() != found.len() {
            return Err(format!("expected {} records, found {}", expected.len(), found.len()));
        }
        let lost_start = self.records.iter().find(|(o, _)| *o < first.min(found_end));
        if let Some((offset, _)) = lost_start {
            return Err(format!("the record at {offset} is gone from the start"));
        }
        self.truncate(found_end);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> ModelLog<char> {
        let mut log = ModelLog::starting_at(Offset::new(10));
        log.append(['a', 'b', 'c']);
        log
    }

    fn at(entries: &[(i64, char)]) -> Vec<(Offset, char)> {
        entries.iter().map(|(offset, record)| (Offset::new(*offset), *record)).collect()
    }

    #[test]
    fn both_ends_bound_what_can_be_read() {
        let log = log();
        assert_eq!(log.read(Offset::new(11)).unwrap(), at(&[(11, 'b'), (12, 'c')]));
        assert_eq!(log.read(Offset::new(13)).unwrap(), []);
        let ends = OutOfRange { log_start_offset: Offset::new(10), log_end_offset: Offset::new(13) };
        assert_eq!(log.read(Offset::new(9)), Err(ends));
        assert_eq!(log.read(Offset::new(14)), Err(ends));
    }

    #[test]
    fn the_start_never_goes_back_nor_past_the_end() {
        let mut log = log();
        log.delete_prefix(Offset::new(12));
        log.delete_prefix(Offset::new(11));
        assert_eq!(log.log_start_offset(), Offset::new(12));
        log.delete_prefix(Offset::new(99));
        assert_eq!((log.log_start_offset(), log.log_end_offset()), (Offset::new(13), Offset::new(13)));
    }

    #[test]
    fn a_cut_before_the_start_moves_it() {
        let mut log = log();
        log.truncate(Offset::new(99));
        assert_eq!(log.log_end_offset(), Offset::new(13));
        log.truncate(Offset::new(5));
        assert_eq!((log.log_start_offset(), log.log_end_offset()), (Offset::new(5), Offset::new(5)));
        assert_eq!(log.append(['z']), Offset::new(5));
    }

    #[test]
    fn compaction_leaves_gaps() {
        let mut log = log();
        log.retain(|_, record| *record != 'b');
        assert_eq!(log.read(Offset::new(11)).unwrap(), at(&[(12, 'c')]));
    }

    #[test]
    fn what_recovery_may_bring_back_is_a_prefix_that_holds_all_that_was_promised() {
        let recover = |found: &[(i64, char)], end, promised| {
            log().recover(&at(found), Offset::new(end), Offset::new(promised)).is_ok()
        };
        let (a, b, c) = ((10, 'a'), (11, 'b'), (12, 'c'));
        assert!(recover(&[a, b, c], 13, 13));
        assert!(recover(&[a, b], 12, 12));
        assert!(recover(&[], 10, 10));
        assert!(!recover(&[a], 11, 12), "a promised record is gone");
        assert!(!recover(&[a, b, c, (13, 'd')], 14, 10), "nobody sent the last");
        assert!(!recover(&[a, c], 13, 10), "a hole");
        assert!(!recover(&[b, c], 13, 10), "the first is gone");
        assert!(!recover(&[], 13, 10), "all are gone");
        assert!(!recover(&[a, (11, 'x')], 12, 10), "another record");
        assert!(!recover(&[a, (11, 'b'), (11, 'b')], 12, 10), "a duplicate");
        let mut log = log();
        log.recover(&at(&[a]), Offset::new(11), Offset::new(11)).unwrap();
        assert_eq!(log.append(['x']), Offset::new(11));
    }
}
