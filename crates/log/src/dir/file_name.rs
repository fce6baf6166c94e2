//! The names of the files in a partition directory: `<base offset, 20 digits>.<kind>[.<suffix>]`.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::Offset;

/// Digits of the base offset; zeros in front, so that names sort as offsets do.
const OFFSET_DIGITS: usize = 20;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// Record batches.
    Log,
    /// Offset to position.
    Index,
    /// Timestamp to offset.
    TimeIndex,
    /// Aborted transactions.
    TxnIndex,
    /// Producer state up to the base offset, exclusive.
    Snapshot,
}

impl FileKind {
    /// All there are.
    pub const ALL: [FileKind; 5] =
        [FileKind::Log, FileKind::Index, FileKind::TimeIndex, FileKind::TxnIndex, FileKind::Snapshot];

    /// The extension, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            FileKind::Log => "log",
            FileKind::Index => "index",
            FileKind::TimeIndex => "timeindex",
            FileKind::TxnIndex => "txnindex",
            FileKind::Snapshot => "snapshot",
        }
    }
}

/// What is being done with a file that is not, or no longer, part of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suffix {
    /// Taken out of the log; removed when readers had time to finish.
    Deleted,
    /// Being written by compaction; worthless after a crash.
    Cleaned,
    /// Complete, and about to replace what it was made from.
    Swap,
    /// Being written anew by recovery, which gives it its name once it is whole; worthless after a crash. Kafka
    /// has no such name.
    Rebuilt,
}

impl Suffix {
    /// All there are.
    pub const ALL: [Suffix; 4] = [Suffix::Deleted, Suffix::Cleaned, Suffix::Swap, Suffix::Rebuilt];

    /// The extension, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Suffix::Deleted => "deleted",
            Suffix::Cleaned => "cleaned",
            Suffix::Swap => "swap",
            Suffix::Rebuilt => "rebuilt",
        }
    }
}

/// The name of one file of a partition. Kafka: `LogFileUtils`.
///
/// ```
/// use ottla::Offset;
/// use ottla::dir::{FileKind, FileName};
/// let name = FileName::new(Offset::new(1_560_140), FileKind::Log);
/// assert_eq!(name.to_string(), "00000000000001560140.log");
/// assert_eq!(FileName::parse("00000000000001560140.log"), Some(name));
/// assert_eq!(FileName::parse("1560140.log"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName {
    /// The first offset the file is about.
    pub base_offset: Offset,
    /// What it holds.
    pub kind: FileKind,
    /// What is being done with it; `None` while it is part of the log.
    pub suffix: Option<Suffix>,
}

impl FileName {
    /// The name of a file that is part of the log. A base offset is never negative.
    pub fn new(base_offset: Offset, kind: FileKind) -> FileName {
        debug_assert!(base_offset >= Offset::ZERO, "base offset {base_offset}");
        FileName { base_offset, kind, suffix: None }
    }

    /// The same file with this suffix, or with none.
    pub fn with_suffix(self, suffix: impl Into<Option<Suffix>>) -> FileName {
        FileName { suffix: suffix.into(), ..self }
    }

    /// The path of this name in a directory.
    pub fn in_dir(self, dir: &Path) -> PathBuf {
        dir.join(self.to_string())
    }

    /// Reads a name. `None` for every name that [`Display`](fmt::Display) would not write exactly so:
    /// such a file is not ours to touch.
    pub fn parse(name: &str) -> Option<FileName> {
        let mut parts = name.split('.');
        let base_offset = parse_offset(parts.next()?)?;
        let kind = parts.next()?;
        let kind = FileKind::ALL.into_iter().find(|k| k.extension() == kind)?;
        let suffix = match parts.next() {
            None => None,
            Some(suffix) => Some(Suffix::ALL.into_iter().find(|s| s.extension() == suffix)?),
        };
        parts.next().is_none().then_some(FileName { base_offset, kind, suffix })
    }
}

fn parse_offset(digits: &str) -> Option<Offset> {
    let all_digits = digits.len() == OFFSET_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    all_digits.then(|| digits.parse().ok().map(Offset::new)).flatten()
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0OFFSET_DIGITS$}.{}", self.base_offset.get(), self.kind.extension())?;
        match self.suffix {
            Some(suffix) => write!(f, ".{}", suffix.extension()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_suffix_is_read_back() {
        for offset in [0, 1, 1_560_140_921, i64::MAX] {
            for kind in FileKind::ALL {
                for suffix in Suffix::ALL.into_iter().map(Some).chain([None]) {
                    let name = FileName::new(Offset::new(offset), kind).with_suffix(suffix);
                    assert_eq!(FileName::parse(&name.to_string()), Some(name), "{name}");
                }
            }
        }
    }

    #[test]
    fn names_are_kafkas() {
        let log = FileName::new(Offset::ZERO, FileKind::Log);
        assert_eq!(log.to_string(), "00000000000000000000.log");
        assert_eq!(log.with_suffix(Suffix::Swap).to_string(), "00000000000000000000.log.swap");
        let last = FileName::new(Offset::MAX, FileKind::TimeIndex).with_suffix(Suffix::Deleted);
        assert_eq!(last.to_string(), "09223372036854775807.timeindex.deleted");
        assert_eq!(last.in_dir(Path::new("t-0")), Path::new("t-0/09223372036854775807.timeindex.deleted"));
    }

    #[test]
    fn names_sort_as_offsets_do() {
        let name = |offset| FileName::new(Offset::new(offset), FileKind::Log).to_string();
        assert!(name(9) < name(10));
        assert!(name(999_999_999_999) < name(1_000_000_000_000));
    }

    #[test]
    fn other_names_do_not_parse() {
        for name in [
            "",
            ".",
            ".log",
            "00000000000000000000",
            "00000000000000000000.",
            "00000000000000000000.log.",
            "00000000000000000000..log",
            "00000000000000000000.log.swap.",
            "00000000000000000000.log.swap.deleted",
            "00000000000000000000.log.tmp",
            "00000000000000000000.LOG",
            "00000000000000000000.Log",
            "00000000000000000000.log ",
            " 00000000000000000000.log",
            "00000000000000000000.swap",
            "00000000000000000000.logs",
            "0000000000000000000.log",
            "000000000000000000000.log",
            "+0000000000000000001.log",
            "-0000000000000000001.log",
            "0000000000000000000a.log",
            "0x000000000000000000.log",
            "０００００００００００００００００００0.log",
            "09223372036854775808.log",
            "99999999999999999999.log",
            "00000000000000000000-0000000001.checkpoint",
            "00000000000000000000-0000000001.checkpoint.deleted",
            "00000000000000000000-6f1a6cb0-4d2f-4a35-9f0c-0f5d6b1c1e0a.snapshot",
            "00000000000000000000.checkpoint",
            "leader-epoch-checkpoint",
            "partition.metadata",
            "bootstrap.checkpoint",
        ] {
            assert_eq!(FileName::parse(name), None, "{name:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_parses_is_written_exactly_so(name in "[0-9]{18,21}(\\.[a-z]{1,9}){0,3}|\\PC{0,40}") {
            if let Some(parsed) = FileName::parse(&name) {
                assert_eq!(parsed.to_string(), name);
            }
        }

        #[test]
        fn every_offset_is_read_back(offset in 0..=i64::MAX) {
            let name = FileName::new(Offset::new(offset), FileKind::Index);
            assert_eq!(FileName::parse(&name.to_string()), Some(name));
        }
    }
}
