//! Step 1: what the names in a partition directory say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::dir::{FileKind, FileName, Leftovers};
use crate::error::{Error, Result};
use crate::fs::FileSystem;
use crate::offset::Offset;

/// The files of one segment, as far as names tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SegmentNames {
    pub log: bool,
    pub index: bool,
    pub time_index: bool,
    pub txn_index: bool,
}

/// The names in a partition directory, sorted into what they mean.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    /// By base offset, also those without a `.log` file.
    pub segments: BTreeMap<Offset, SegmentNames>,
    /// The offsets of producers' snapshots.
    pub snapshots: BTreeSet<Offset>,
    /// What a delete or a swap has left.
    pub leftovers: Leftovers,
}

impl Survey {
    pub(crate) fn of(fs: &dyn FileSystem, dir: &Path) -> Result<Survey> {
        let entries = fs.read_dir(dir).map_err(|e| Error::io("list", dir, e))?;
        let files = entries.iter().filter(|entry| !entry.is_dir);
        Ok(Survey::of_names(files.filter_map(|entry| FileName::parse(&entry.name))))
    }

    fn of_names(names: impl Iterator<Item = FileName>) -> Survey {
        let names: Vec<_> = names.collect();
        let mut survey = Survey { leftovers: Leftovers::among(names.iter().copied()), ..Survey::default() };
        for name in names {
            survey.take(name);
        }
        survey
    }

    fn take(&mut self, name: FileName) {
        if name.suffix.is_some() {
            return;
        }
        if name.kind == FileKind::Snapshot {
            self.snapshots.insert(name.base_offset);
            return;
        }
        let segment = self.segments.entry(name.base_offset).or_default();
        match name.kind {
            FileKind::Log => segment.log = true,
            FileKind::Index => segment.index = true,
            FileKind::TimeIndex => segment.time_index = true,
            FileKind::TxnIndex => segment.txn_index = true,
            FileKind::Snapshot => {}
        }
    }

    /// The segments that have a `.log` file.
    pub(crate) fn whole_segments(&self) -> BTreeMap<Offset, SegmentNames> {
        self.segments.iter().filter(|(_, names)| names.log).map(|(base, names)| (*base, *names)).collect()
    }

    /// Snapshots that nothing needs: neither at the base of a segment nor the newest of the others, or
    /// past the end of the log (Kafka's `removeStraySnapshots`).
    pub(crate) fn stray_snapshots(&self, log_end_offset: Offset) -> Vec<Offset> {
        let beside = |offset: &&Offset| !self.segments.contains_key(offset) && **offset <= log_end_offset;
        let newest = self.snapshots.iter().rfind(beside);
        self.snapshots
            .iter()
            .filter(|offset| {
                let at_segment = self.segments.contains_key(offset) && **offset <= log_end_offset;
                !at_segment && Some(*offset) != newest
            })
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(names: &[&str]) -> Survey {
        Survey::of_names(names.iter().filter_map(|name| FileName::parse(name)))
    }

    #[test]
    fn names_that_are_not_ours_are_passed_over() {
        let survey = survey(&["partition.metadata", "leader-epoch-checkpoint", "notes.txt", "1.log"]);
        assert!(survey.segments.is_empty() && survey.leftovers.worthless().is_empty());
    }

    #[test]
    fn an_index_without_its_log_is_no_segment() {
        let survey = survey(&["00000000000000000007.index", "00000000000000000000.log"]);
        assert_eq!((survey.segments.len(), survey.whole_segments().len()), (2, 1));
    }

    #[test]
    fn only_snapshots_at_segments_and_the_newest_other_are_kept() {
        let survey = survey(&[
            "00000000000000000000.log",
            "00000000000000000010.log",
            "00000000000000000005.snapshot",
            "00000000000000000010.snapshot",
            "00000000000000000012.snapshot",
            "00000000000000000013.snapshot",
            "00000000000000000099.snapshot",
        ]);
        let stray = survey.stray_snapshots(Offset::new(20));
        assert_eq!(stray, [5, 12, 99].map(Offset::new));
    }
}
