//! The four checkpoint files that hold an offset for each partition of a data directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::checkpoint_file::{self, CheckpointFile};
use super::topic_partition::TopicPartition;
use super::whole_file::{read_whole, write_atomically};
use crate::fs::FileSystem;
use crate::{Corruption, Offset, Result};

/// What a checkpoint holds.
pub type Offsets = BTreeMap<TopicPartition, Offset>;

/// One checkpoint file of a data directory: `<topic> <partition> <offset>` lines. Kafka:
/// `OffsetCheckpointFile`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OffsetCheckpoint {
    /// Recovery points: all before is on disk and need not be looked at after a crash.
    RecoveryPoint,
    /// Log starts: all before was deleted.
    LogStart,
    /// High watermarks.
    Replication,
    /// Cleaner points: all before was compacted.
    Cleaner,
}

impl OffsetCheckpoint {
    /// All there are.
    pub const ALL: [OffsetCheckpoint; 4] = [
        OffsetCheckpoint::RecoveryPoint,
        OffsetCheckpoint::LogStart,
        OffsetCheckpoint::Replication,
        OffsetCheckpoint::Cleaner,
    ];

    /// The file's name.
    pub const fn file_name(self) -> &'static str {
        match self {
            OffsetCheckpoint::RecoveryPoint => "recovery-point-offset-checkpoint",
            OffsetCheckpoint::LogStart => "log-start-offset-checkpoint",
            OffsetCheckpoint::Replication => "replication-offset-checkpoint",
            OffsetCheckpoint::Cleaner => "cleaner-offset-checkpoint",
        }
    }

    /// The file's path in a data directory.
    pub fn path(self, data_dir: &Path) -> PathBuf {
        data_dir.join(self.file_name())
    }

    /// Reads the file. A missing one holds no offsets.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) for anything that Kafka would not have written whole; what the
    /// offsets were is then not known. [`Error::Io`](crate::Error::Io) for what the system refuses.
    pub fn read(self, fs: &dyn FileSystem, data_dir: &Path) -> Result<Offsets> {
        let path = self.path(data_dir);
        match read_whole(fs, &path)? {
            None => Ok(Offsets::new()),
            Some(bytes) => Ok(self.parse(&path, &bytes)?),
        }
    }

    /// Replaces the file, durably (see [`write_atomically`]).
    ///
    /// # Errors
    /// As [`write_atomically`].
    pub fn write(self, fs: &dyn FileSystem, data_dir: &Path, offsets: &Offsets) -> Result<()> {
        write_atomically(fs, &self.path(data_dir), format(offsets).as_bytes())
    }

    fn parse(self, path: &Path, bytes: &[u8]) -> Result<Offsets, Corruption> {
        let file = CheckpointFile { path, advice: self.advice() };
        let mut offsets = Offsets::new();
        for line in file.entries(bytes)? {
            let Some((partition, offset)) = parse_entry(line.text) else {
                return Err(file.broken(&line, "the entry is not valid", "<topic> <partition> <offset>"));
            };
            if offsets.insert(partition, offset).is_some() {
                return Err(file.broken(&line, "a partition is listed twice", "each partition once"));
            }
        }
        Ok(offsets)
    }

    const fn advice(self) -> &'static str {
        match self {
            OffsetCheckpoint::RecoveryPoint => {
                "restore the file, or move it away: recovery then looks at every segment"
            }
            OffsetCheckpoint::LogStart => {
                "restore the file, or move it away: each log then starts at its first segment, and deleted records before the old start are seen again"
            }
            OffsetCheckpoint::Replication => {
                "restore the file, or move it away: high watermarks are then found anew"
            }
            OffsetCheckpoint::Cleaner => {
                "restore the file, or move it away: compaction then begins at the start of each log"
            }
        }
    }
}

fn parse_entry(line: &str) -> Option<(TopicPartition, Offset)> {
    let mut fields = line.split_ascii_whitespace();
    let (topic, partition, offset) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() {
        return None;
    }
    let partition = TopicPartition::new(topic, partition.parse().ok()?).ok()?;
    let offset = offset.parse().ok().filter(|offset| *offset >= 0)?;
    Some((partition, Offset::new(offset)))
}

fn format(offsets: &Offsets) -> String {
    let entry =
        |(tp, offset): (&TopicPartition, &Offset)| format!("{} {} {offset}", tp.topic(), tp.partition());
    checkpoint_file::format(offsets.iter().map(entry))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::fs::Os;

    fn offsets(entries: &[(&str, i32, i64)]) -> Offsets {
        let entry = |&(topic, partition, offset): &(&str, i32, i64)| {
            (TopicPartition::new(topic, partition).unwrap(), Offset::new(offset))
        };
        entries.iter().map(entry).collect()
    }

    fn read(text: &str) -> Result<Offsets> {
        let dir = tempfile::tempdir().unwrap();
        write_atomically(&Os, &dir.path().join("recovery-point-offset-checkpoint"), text.as_bytes()).unwrap();
        OffsetCheckpoint::RecoveryPoint.read(&Os, dir.path())
    }

    #[test]
    fn what_kafka_wrote_is_read() {
        let found = read("0\n3\n__consumer_offsets 22 0\nletters 0 1560140921\nletters 10 7\n").unwrap();
        assert_eq!(
            found,
            offsets(&[("__consumer_offsets", 22, 0), ("letters", 0, 1_560_140_921), ("letters", 10, 7)])
        );
    }

    #[test]
    fn a_missing_and_an_empty_file_hold_no_offsets() {
        let dir = tempfile::tempdir().unwrap();
        for checkpoint in OffsetCheckpoint::ALL {
            assert_eq!(checkpoint.read(&Os, dir.path()).unwrap(), Offsets::new());
        }
        assert_eq!(read("").unwrap(), Offsets::new());
    }

    #[test]
    fn what_is_written_is_read_back_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let written = offsets(&[("b", 0, 9), ("a", 10, i64::MAX), ("a", 2, 0)]);
        OffsetCheckpoint::LogStart.write(&Os, dir.path(), &written).unwrap();
        let text = std::fs::read_to_string(dir.path().join("log-start-offset-checkpoint")).unwrap();
        assert_eq!(text, "0\n3\na 2 0\na 10 9223372036854775807\nb 0 9\n");
        assert_eq!(OffsetCheckpoint::LogStart.read(&Os, dir.path()).unwrap(), written);
        OffsetCheckpoint::LogStart.write(&Os, dir.path(), &Offsets::new()).unwrap();
        let text = std::fs::read_to_string(dir.path().join("log-start-offset-checkpoint")).unwrap();
        assert_eq!(text, "0\n0\n");
    }

    #[test]
    fn a_broken_entry_is_pointed_at() {
        for entry in [
            "letters 0",
            "letters 0 1 2",
            "letters x 1",
            "letters 0 x",
            "letters 0 -1",
            "letters -1 1",
            "letters 0 9223372036854775808",
            "letters 2147483648 1",
            "../letters 0 1",
            "",
        ] {
            let text = format!("0\n2\nparcels 0 1\n{entry}\n");
            let Err(Error::Corrupt(found)) = read(&text) else { panic!("{entry:?} was taken") };
            assert_eq!((found.what, found.position), ("the entry is not valid", Some(16)), "{entry:?}");
            assert_eq!(found.path.file_name().unwrap(), "recovery-point-offset-checkpoint");
        }
    }

    #[test]
    fn a_partition_listed_twice_is_not_guessed_about() {
        let Err(Error::Corrupt(found)) = read("0\n2\na 0 1\na 0 2\n") else { panic!("taken") };
        assert_eq!((found.what, found.position), ("a partition is listed twice", Some(10)));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(0..=255_u8, 0..64)) {
            let _ = OffsetCheckpoint::Cleaner.parse(Path::new("f"), &bytes);
        }

        #[test]
        fn one_changed_byte_never_loses_an_entry(at in 0..31_usize, byte in 0..=255_u8) {
            let mut bytes = *b"0\n2\nletters 0 1234\nparcels 0 5\n";
            bytes[at] = byte;
            if let Ok(found) = OffsetCheckpoint::Cleaner.parse(Path::new("f"), &bytes) {
                proptest::prop_assert_eq!(found.len(), 2);
            }
        }
    }
}
