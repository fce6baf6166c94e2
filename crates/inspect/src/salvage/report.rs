use std::path::PathBuf;

use ottla::Offset;

/// What a salvage came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// In the order of their names.
    pub partitions: Vec<SalvagedPartition>,
    /// Small files that could not be brought along, and why.
    pub left_behind: Vec<(PathBuf, String)>,
}

impl Salvaged {
    /// Whether nothing was lost.
    pub fn is_whole(&self) -> bool {
        self.left_behind.is_empty() && self.partitions.iter().all(|partition| partition.lost_bytes.is_empty())
    }
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalvagedPartition {
    /// Its directory's name.
    pub name: String,
    /// Segments that were written.
    pub segments: u64,
    /// Batches in them.
    pub batches: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Batches that stood there more than once, or across the end of another one, and were passed over.
    pub passed_over: u64,
    /// Where the new log begins.
    pub log_start_offset: Offset,
    /// Where it ends.
    pub log_end_offset: Offset,
    /// Bytes that are no whole batches.
    pub lost_bytes: Vec<LostBytes>,
    /// Offsets that these bytes may have had, and that are nowhere else.
    pub lost_offsets: Vec<LostOffsets>,
}

/// Bytes of a file that are no whole batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostBytes {
    /// The file.
    pub file: PathBuf,
    /// The first byte.
    pub position: u64,
    /// How many.
    pub bytes: u64,
    /// The offsets that they may have had.
    pub offsets: LostOffsets,
    /// What stands there.
    pub what: String,
}

/// Offsets that were lost. Compaction may have taken some of them before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LostOffsets {
    /// The first.
    pub from: Offset,
    /// The one after the last; `None` where nobody knows how far the log went.
    pub to: Option<Offset>,
}

impl LostOffsets {
    /// What of these lies between two batches that were saved; `to` is `None` behind the last.
    pub(super) fn within(self, from: Offset, to: Option<Offset>) -> Option<LostOffsets> {
        let from = self.from.max(from);
        let to = match (self.to, to) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        to.is_none_or(|to| from < to).then_some(LostOffsets { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_is_what_no_other_file_has() {
        let at = Offset::new;
        let lost = LostOffsets { from: at(10), to: Some(at(20)) };
        assert_eq!(lost.within(at(0), Some(at(10))), None);
        assert_eq!(lost.within(at(15), Some(at(30))), Some(LostOffsets { from: at(15), to: Some(at(20)) }));
        assert_eq!(lost.within(at(0), None), Some(lost));
        let tail = LostOffsets { from: at(10), to: None };
        assert_eq!(tail.within(at(12), None), Some(LostOffsets { from: at(12), to: None }));
        assert_eq!(tail.within(at(12), Some(at(13))), Some(LostOffsets { from: at(12), to: Some(at(13)) }));
    }
}
