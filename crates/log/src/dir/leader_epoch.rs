//! Where each leader epoch of a log begins: the file `leader-epoch-checkpoint`, and what follows from
//! it for a client that asks how far its epoch reached.

use std::fmt;
use std::path::{Path, PathBuf};

use super::checkpoint_file::{self, CheckpointFile};
use super::whole_file::{read_whole, write_atomically};
use crate::fs::FileSystem;
use crate::{Corruption, Offset, Result};

const FILE_NAME: &str = "leader-epoch-checkpoint";
const ADVICE: &str =
    "restore the file, or move it away: epochs are then found anew in the log's batch headers";

/// An epoch and the offset of its first record. Kafka: `EpochEntry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochEntry {
    /// The epoch.
    pub epoch: i32,
    /// Its first offset.
    pub start_offset: Offset,
}

impl fmt::Display for EpochEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.epoch, self.start_offset)
    }
}

/// How far an epoch reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEndOffset {
    /// The epoch that the answer is about.
    pub epoch: i32,
    /// The offset after its last record.
    pub end_offset: Offset,
}

impl EpochEndOffset {
    /// Nothing is known of the epoch that was asked for: −1 and −1, as on the wire.
    pub const UNDEFINED: EpochEndOffset = EpochEndOffset { epoch: -1, end_offset: Offset::new(-1) };
}

/// The epochs of one log: both columns strictly rise. Kafka: `LeaderEpochFileCache`.
///
/// ```
/// use ottla::Offset;
/// use ottla::dir::LeaderEpochs;
/// let mut epochs = LeaderEpochs::default();
/// assert!(epochs.assign(0, Offset::new(0)));
/// assert!(!epochs.assign(0, Offset::new(10)));
/// assert!(epochs.assign(2, Offset::new(25)));
/// // Epoch 1 wrote nothing, so whoever followed it stands where epoch 0 ended.
/// let end = epochs.end_offset_for(1, Offset::new(40));
/// assert_eq!((end.epoch, end.end_offset), (0, Offset::new(25)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderEpochs {
    entries: Vec<EpochEntry>,
}

impl LeaderEpochs {
    /// The file's path in a partition directory.
    pub fn path(partition_dir: &Path) -> PathBuf {
        partition_dir.join(FILE_NAME)
    }

    /// Reads the file. A missing one holds no epochs.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) for anything that Kafka would not have written whole,
    /// [`Error::Io`](crate::Error::Io) for what the system refuses.
    pub fn read(fs: &dyn FileSystem, partition_dir: &Path) -> Result<LeaderEpochs> {
        let path = LeaderEpochs::path(partition_dir);
        match read_whole(fs, &path)? {
            None => Ok(LeaderEpochs::default()),
            Some(bytes) => Ok(parse(&path, &bytes)?),
        }
    }

    /// Replaces the file, durably (see [`write_atomically`]).
    ///
    /// # Errors
    /// As [`write_atomically`].
    pub fn write(&self, fs: &dyn FileSystem, partition_dir: &Path) -> Result<()> {
        let text = checkpoint_file::format(self.entries.iter());
        write_atomically(fs, &LeaderEpochs::path(partition_dir), text.as_bytes())
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    /// The newest epoch.
    pub fn latest(&self) -> Option<EpochEntry> {
        self.entries.last().copied()
    }

    /// Notes that the record at `start_offset` is of this epoch. Tells whether anything changed.
    ///
    /// Only the first record of an epoch changes anything. Entries that contradict the new one, by a
    /// larger epoch or a later start, are of records that are no longer there, and go. Batches older
    /// than epochs carry −1 and say nothing.
    pub fn assign(&mut self, epoch: i32, start_offset: Offset) -> bool {
        if epoch < 0 || start_offset < Offset::ZERO {
            return false;
        }
        if self.latest().is_some_and(|last| last.epoch == epoch && last.start_offset <= start_offset) {
            return false;
        }
        while self.latest().is_some_and(|last| last.epoch >= epoch || last.start_offset >= start_offset) {
            self.entries.pop();
        }
        self.entries.push(EpochEntry { epoch, start_offset });
        true
    }

    /// Forgets the epochs that begin at or after the log's new end. Tells whether anything changed.
    pub fn truncate_from_end(&mut self, log_end_offset: Offset) -> bool {
        let kept = self.entries.partition_point(|entry| entry.start_offset < log_end_offset);
        let changed = kept < self.entries.len();
        self.entries.truncate(kept);
        changed
    }

    /// Forgets the epochs that end at or before the log's new start; the one that holds the new start
    /// now begins there. Tells whether anything changed.
    pub fn truncate_from_start(&mut self, log_start_offset: Offset) -> bool {
        let begun = self.entries.partition_point(|entry| entry.start_offset <= log_start_offset);
        let Some(holder) = begun.checked_sub(1) else { return false };
        self.entries.drain(..holder);
        match self.entries.first_mut() {
            Some(first) if holder > 0 || first.start_offset < log_start_offset => {
                first.start_offset = log_start_offset;
                true
            }
            _ => false,
        }
    }

    /// The epoch of the record at this offset; `None` before the first entry.
    pub fn epoch_for(&self, offset: Offset) -> Option<i32> {
        let begun = self.entries.partition_point(|entry| entry.start_offset <= offset);
        begun.checked_sub(1).and_then(|i| self.entries.get(i)).map(|entry| entry.epoch)
    }

    /// How far the largest epoch up to `requested_epoch` reached: to the start of the next one, or for
    /// the newest to the log's end.
    ///
    /// Before the first entry the answer is the requested epoch and the first start, since what was
    /// before is gone. Beyond the newest, and for −1, nothing is known. Kafka:
    /// `LeaderEpochFileCache.endOffsetFor`.
    pub fn end_offset_for(&self, requested_epoch: i32, log_end_offset: Offset) -> EpochEndOffset {
        let Some(latest) = self.latest().filter(|latest| (0..=latest.epoch).contains(&requested_epoch))
        else {
            return EpochEndOffset::UNDEFINED;
        };
        if requested_epoch == latest.epoch {
            return EpochEndOffset { epoch: requested_epoch, end_offset: log_end_offset };
        }
        let floor = self.entries.iter().rfind(|entry| entry.epoch <= requested_epoch);
        let higher = self.entries.iter().find(|entry| entry.epoch > requested_epoch).unwrap_or(&latest);
        EpochEndOffset {
            epoch: floor.map_or(requested_epoch, |entry| entry.epoch),
            end_offset: higher.start_offset,
        }
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<LeaderEpochs, Corruption> {
    let file = CheckpointFile { path, advice: ADVICE };
    let mut epochs = LeaderEpochs::default();
    for line in file.entries(bytes)? {
        let Some(entry) = parse_entry(line.text) else {
            return Err(file.broken(&line, "the entry is not valid", "<epoch> <start offset>"));
        };
        if epochs.latest().is_some_and(|last| last.epoch >= entry.epoch) {
            return Err(file.broken(&line, "the epoch does not rise", "an epoch above the one before"));
        }
        if epochs.latest().is_some_and(|last| last.start_offset > entry.start_offset) {
            return Err(file.broken(&line, "the start offset falls", "an offset not below the one before"));
        }
        // Two epochs with one start: the earlier wrote nothing, and goes.
        epochs.assign(entry.epoch, entry.start_offset);
    }
    Ok(epochs)
}

fn parse_entry(line: &str) -> Option<EpochEntry> {
    let mut fields = line.split_ascii_whitespace();
    let epoch = fields.next()?.parse().ok().filter(|epoch| *epoch >= 0)?;
    let start_offset = fields.next()?.parse().ok().filter(|offset| *offset >= 0)?;
    fields.next().is_none().then_some(EpochEntry { epoch, start_offset: Offset::new(start_offset) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::fs::Os;

    fn epochs(entries: &[(i32, i64)]) -> LeaderEpochs {
        let mut epochs = LeaderEpochs::default();
        for &(epoch, start_offset) in entries {
            assert!(epochs.assign(epoch, Offset::new(start_offset)));
        }
        assert_eq!(pairs(&epochs), entries);
        epochs
    }

    fn pairs(epochs: &LeaderEpochs) -> Vec<(i32, i64)> {
        epochs.entries().iter().map(|entry| (entry.epoch, entry.start_offset.get())).collect()
    }

    fn end(epochs: &LeaderEpochs, epoch: i32, log_end: i64) -> (i32, i64) {
        let end = epochs.end_offset_for(epoch, Offset::new(log_end));
        (end.epoch, end.end_offset.get())
    }

    fn read(text: &str) -> Result<LeaderEpochs> {
        let dir = tempfile::tempdir().unwrap();
        write_atomically(&Os, &dir.path().join("leader-epoch-checkpoint"), text.as_bytes()).unwrap();
        LeaderEpochs::read(&Os, dir.path())
    }

    #[test]
    fn what_kafka_wrote_is_read_and_written_back_the_same() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["0\n1\n0 0\n", "0\n3\n0 0\n4 1500\n7 1560140921\n", "0\n0\n"] {
            let epochs = read(text).unwrap();
            epochs.write(&Os, dir.path()).unwrap();
            let written = std::fs::read_to_string(dir.path().join("leader-epoch-checkpoint")).unwrap();
            assert_eq!(written, text);
        }
    }

    #[test]
    fn a_missing_and_an_empty_file_hold_no_epochs() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(LeaderEpochs::read(&Os, dir.path()).unwrap(), LeaderEpochs::default());
        assert_eq!(read("").unwrap(), LeaderEpochs::default());
    }

    #[test]
    fn broken_entries_are_pointed_at() {
        for (entry, what) in [
            ("1", "the entry is not valid"),
            ("1 2 3", "the entry is not valid"),
            ("-1 2", "the entry is not valid"),
            ("1 -2", "the entry is not valid"),
            ("2147483648 2", "the entry is not valid"),
            ("3 20", "the epoch does not rise"),
            ("2 20", "the epoch does not rise"),
            ("4 9", "the start offset falls"),
        ] {
            let Err(Error::Corrupt(found)) = read(&format!("0\n2\n3 10\n{entry}\n")) else {
                panic!("{entry:?} was taken")
            };
            assert_eq!((found.what, found.position), (what, Some(9)), "{entry:?}");
        }
    }

    #[test]
    fn an_epoch_that_wrote_nothing_is_left_out() {
        assert_eq!(pairs(&read("0\n3\n0 0\n1 5\n2 5\n").unwrap()), [(0, 0), (2, 5)]);
    }

    #[test]
    fn only_the_first_record_of_an_epoch_changes_anything() {
        let mut epochs = epochs(&[(0, 0), (3, 10)]);
        assert!(!epochs.assign(3, Offset::new(10)));
        assert!(!epochs.assign(3, Offset::new(11)));
        assert!(!epochs.assign(-1, Offset::new(20)));
        assert!(!epochs.assign(4, Offset::new(-1)));
        assert!(epochs.assign(4, Offset::new(20)));
        assert_eq!(pairs(&epochs), [(0, 0), (3, 10), (4, 20)]);
    }

    #[test]
    fn entries_that_contradict_a_new_one_go() {
        let all = [(0, 0), (3, 10), (4, 20)];
        let after = |epoch, offset| {
            let mut epochs = epochs(&all);
            epochs.assign(epoch, Offset::new(offset));
            pairs(&epochs)
        };
        assert_eq!(after(5, 20), [(0, 0), (3, 10), (5, 20)], "epoch 4 wrote nothing");
        assert_eq!(after(5, 15), [(0, 0), (3, 10), (5, 15)], "epoch 4 was cut");
        assert_eq!(after(2, 30), [(0, 0), (2, 30)], "epochs above 2 were wrong");
        assert_eq!(after(4, 15), [(0, 0), (3, 10), (4, 15)], "epoch 4 began earlier");
        assert_eq!(after(0, 30), [(0, 30)], "all were wrong");
    }

    #[test]
    fn cutting_the_end_forgets_epochs_that_begin_there_or_later() {
        let cut = |at| {
            let mut epochs = epochs(&[(0, 5), (3, 10), (4, 20)]);
            let changed = epochs.truncate_from_end(Offset::new(at));
            (changed, pairs(&epochs))
        };
        assert_eq!(cut(21), (false, vec![(0, 5), (3, 10), (4, 20)]));
        assert_eq!(cut(20), (true, vec![(0, 5), (3, 10)]));
        assert_eq!(cut(6), (true, vec![(0, 5)]));
        assert_eq!(cut(0), (true, vec![]));
    }

    #[test]
    fn moving_the_start_moves_the_epoch_that_holds_it() {
        let moved = |to| {
            let mut epochs = epochs(&[(0, 5), (3, 10), (4, 20)]);
            let changed = epochs.truncate_from_start(Offset::new(to));
            (changed, pairs(&epochs))
        };
        assert_eq!(moved(4), (false, vec![(0, 5), (3, 10), (4, 20)]));
        assert_eq!(moved(5), (false, vec![(0, 5), (3, 10), (4, 20)]));
        assert_eq!(moved(7), (true, vec![(0, 7), (3, 10), (4, 20)]));
        assert_eq!(moved(10), (true, vec![(3, 10), (4, 20)]));
        assert_eq!(moved(15), (true, vec![(3, 15), (4, 20)]));
        assert_eq!(moved(99), (true, vec![(4, 99)]));
        assert!(!LeaderEpochs::default().truncate_from_start(Offset::new(1)));
    }

    #[test]
    fn the_end_of_an_epoch_is_the_start_of_the_next() {
        let epochs = epochs(&[(2, 5), (3, 10), (6, 20)]);
        assert_eq!(end(&epochs, 2, 30), (2, 10));
        assert_eq!(end(&epochs, 3, 30), (3, 20));
        assert_eq!(end(&epochs, 4, 30), (3, 20), "no record is of epoch 4");
        assert_eq!(end(&epochs, 6, 30), (6, 30), "the newest ends with the log");
        assert_eq!(end(&epochs, 0, 30), (0, 5), "what was before is gone");
    }

    #[test]
    fn of_unknown_epochs_nothing_is_said() {
        let epochs = epochs(&[(2, 5), (6, 20)]);
        assert_eq!(end(&epochs, -1, 30), (-1, -1));
        assert_eq!(end(&epochs, 7, 30), (-1, -1));
        assert_eq!(end(&LeaderEpochs::default(), 0, 30), (-1, -1));
    }

    #[test]
    fn each_offset_has_the_epoch_that_began_last() {
        let epochs = epochs(&[(2, 5), (6, 20)]);
        let found: Vec<_> = [4, 5, 19, 20, 99].map(|o| epochs.epoch_for(Offset::new(o))).into();
        assert_eq!(found, [None, Some(2), Some(2), Some(6), Some(6)]);
    }

    proptest::proptest! {
        #[test]
        fn both_columns_rise_whatever_happens(ops in proptest::collection::vec((0..4, -1..6_i32, -1..30_i64), 0..40)) {
            let mut epochs = LeaderEpochs::default();
            for (op, epoch, offset) in ops {
                let before = epochs.clone();
                let changed = match op {
                    0 => epochs.truncate_from_start(Offset::new(offset)),
                    1 => epochs.truncate_from_end(Offset::new(offset)),
                    _ => epochs.assign(epoch, Offset::new(offset)),
                };
                proptest::prop_assert_eq!(changed, before != epochs);
                let rises = |w: &[EpochEntry]| w[0].epoch < w[1].epoch && w[0].start_offset < w[1].start_offset;
                proptest::prop_assert!(epochs.entries().windows(2).all(rises));
            }
        }
    }
}
