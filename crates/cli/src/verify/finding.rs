use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file or directory.
    pub file: PathBuf,
    /// The byte, where one can be named.
    pub position: Option<u64>,
    /// What is wrong.
    pub kind: Kind,
    /// What was found, in numbers.
    pub what: String,
    /// Whether it is what a crash leaves behind: recovery cuts it off the next time the log is opened, and
    /// nothing that was said to be on disk goes with it.
    pub harmless: bool,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    TornTail,
    ZeroTail,
    DamagedBatch,
    OffsetsFall,
    OffsetOutsideSegment,
    EpochFalls,
    DamagedRecords,
    IndexMissing,
    IndexPadded,
    IndexLength,
    IndexOrder,
    IndexEntry,
    TimeIndexShort,
    TxnIndexDamaged,
    TxnIndexEntry,
    TxnIndexLacks,
    SnapshotDamaged,
    SnapshotDisagrees,
    EpochsDamaged,
    EpochsDisagree,
    CheckpointDamaged,
    CheckpointBeyondEnd,
    PartitionMetadataDamaged,
    MetaPropertiesDamaged,
    ClusterMetadataDamaged,
    TopicIdDisagrees,
    TopicUnknown,
    UnknownName,
    OrphanFile,
}

impl Kind {
    /// The name that machines get.
    pub const fn name(self) -> &'static str {
        self.texts().0
    }

    /// What it means, and what to do.
    pub const fn meaning(self) -> &'static str {
        self.texts().1
    }

    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Kind::TornTail => (
                "torn-tail",
                "the last write did not finish, as in a crash; where that is harmless, recovery cuts it off when the log is opened next",
            ),
            Kind::ZeroTail => (
                "zero-tail",
                "space was allocated and never written, as in a crash or by preallocation; where that is harmless, recovery cuts it off when the log is opened next",
            ),
            Kind::DamagedBatch => (
                "damaged-batch",
                "bytes changed after they were written: these records are lost here; copy them from another replica or a backup",
            ),
            Kind::OffsetsFall => (
                "offsets-fall",
                "offsets repeat or go back: readers skip or repeat records; keep a copy and restore the segment",
            ),
            Kind::OffsetOutsideSegment => (
                "offset-outside-segment",
                "the batch cannot be found by the segment's name; keep a copy and restore the segment",
            ),
            Kind::EpochFalls => (
                "epoch-falls",
                "a batch was appended under an older leader epoch than the one before it, which no leader does",
            ),
            Kind::DamagedRecords => (
                "damaged-records",
                "the batch is as it was stored, yet its records cannot be read: what stored it was at fault",
            ),
            Kind::IndexMissing => {
                ("index-missing", "lookups walk the whole segment; `ottla reindex` makes the index anew")
            }
            Kind::IndexPadded => (
                "index-padded",
                "space was allocated for entries, as Kafka does in the active segment, and the log was not closed since; recovery cuts it off",
            ),
            Kind::IndexLength => {
                ("index-length", "the file ends inside an entry; `ottla reindex` makes the index anew")
            }
            Kind::IndexOrder => {
                ("index-order", "binary search does not work in it; `ottla reindex` makes the index anew")
            }
            Kind::IndexEntry => {
                ("index-entry", "lookups through this entry go wrong; `ottla reindex` makes the index anew")
            }
            Kind::TimeIndexShort => (
                "time-index-short",
                "retention and lookups by time take the segment for older than it is; `ottla reindex` makes the index anew",
            ),
            Kind::TxnIndexDamaged => (
                "txn-index-damaged",
                "readers of committed records fail; move the file away, and it is made anew from the log",
            ),
            Kind::TxnIndexEntry => (
                "txn-index-entry",
                "readers of committed records are told of a transaction that the log does not bear out; move the file away, and it is made anew from the log",
            ),
            Kind::TxnIndexLacks => (
                "txn-index-lacks",
                "readers of committed records get records of an aborted transaction; move the file away, and it is made anew from the log",
            ),
            Kind::SnapshotDamaged => (
                "snapshot-damaged",
                "move the file away: producers are then read from an older snapshot or from the log",
            ),
            Kind::SnapshotDisagrees => (
                "snapshot-disagrees",
                "repeated batches may be stored twice or new ones refused; move the file away: producers are then read from the log",
            ),
            Kind::EpochsDamaged => {
                ("epochs-damaged", "move the file away: epochs are then found anew in the log")
            }
            Kind::EpochsDisagree => (
                "epochs-disagree",
                "clients that ask where an epoch ended get a wrong answer; move the file away: epochs are then found anew in the log",
            ),
            Kind::CheckpointDamaged => {
                ("checkpoint-damaged", "the checkpoint counts for nothing until it is restored or moved away")
            }
            Kind::CheckpointBeyondEnd => (
                "checkpoint-beyond-end",
                "records that were on disk are missing from the end of the log; restore them from another replica or a backup",
            ),
            Kind::PartitionMetadataDamaged => (
                "partition-metadata-damaged",
                "the topic id is not known from this directory; restore the file",
            ),
            Kind::MetaPropertiesDamaged => {
                ("meta-properties-damaged", "nobody knows whose directory this is; restore the file")
            }
            Kind::ClusterMetadataDamaged => {
                ("cluster-metadata-damaged", "topics and their settings cannot be read; restore the file")
            }
            Kind::TopicIdDisagrees => (
                "topic-id-disagrees",
                "the log belongs to a deleted topic of the same name: Kafka sets it aside as stray",
            ),
            Kind::TopicUnknown => (
                "topic-unknown",
                "the metadata has no such topic or partition: Kafka sets the log aside as stray",
            ),
            Kind::UnknownName => ("unknown-name", "nothing reads it; it may have been put here by mistake"),
            Kind::OrphanFile => {
                ("orphan-file", "it goes with a segment that is not there; the next start removes it")
            }
        }
    }
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub partitions: u64,
    pub segments: u64,
    pub batches: u64,
    pub records: u64,
    pub bytes: u64,
}

/// What a check came to.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order in which they were found.
    pub findings: Vec<Finding>,
    pub summary: Summary,
    /// How many findings of one kind in one file there were.
    counts: HashMap<(PathBuf, Kind), u64>,
}

impl Report {
    /// So many findings of one kind in one file are kept; of the others only the number.
    const KEPT: u64 = 10;

    /// Takes a finding in.
    pub fn add(&mut self, finding: Finding) {
        let count = self.counts.entry((finding.file.clone(), finding.kind)).or_default();
        *count += 1;
        if *count <= Report::KEPT {
            self.findings.push(finding);
        }
    }

    /// Takes in a finding that recovery does not put right.
    pub fn harm(
        &mut self,
        file: &Path,
        position: impl Into<Option<u64>>,
        kind: Kind,
        what: impl Into<String>,
    ) {
        let (file, position, what) = (file.to_path_buf(), position.into(), what.into());
        self.add(Finding { file, position, kind, what, harmless: false });
    }

    /// Takes in what another check came to.
    pub fn absorb(&mut self, other: Report) {
        let not_kept: Vec<_> =
            other.not_kept().iter().map(|(f, kind, n)| (f.to_path_buf(), *kind, *n)).collect();
        for finding in other.findings {
            self.add(finding);
        }
        for (file, kind, count) in not_kept {
            *self.counts.entry((file, kind)).or_default() += count;
        }
        let (mine, more) = (&mut self.summary, other.summary);
        mine.partitions += more.partitions;
        mine.segments += more.segments;
        mine.batches += more.batches;
        mine.records += more.records;
        mine.bytes += more.bytes;
    }

    /// The findings that were only counted, by file and kind.
    pub fn not_kept(&self) -> Vec<(&Path, Kind, u64)> {
        let mut rest: Vec<_> = self
            .counts
            .iter()
            .filter(|(_, count)| **count > Report::KEPT)
            .map(|((file, kind), count)| (file.as_path(), *kind, *count - Report::KEPT))
            .collect();
        rest.sort_by_key(|(file, kind, _)| (file.to_path_buf(), kind.name()));
        rest
    }

    /// The number of all findings.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_wrong_all_over_does_not_fill_the_memory() {
        let mut report = Report::default();
        for position in 0..1000 {
            report.harm(Path::new("a.index"), position, Kind::IndexEntry, "wrong");
        }
        report.harm(Path::new("a.index"), None, Kind::IndexOrder, "wrong");
        assert_eq!((report.findings.len(), report.total()), (11, 1001));
        assert_eq!(report.not_kept(), [(Path::new("a.index"), Kind::IndexEntry, 990)]);
        let mut whole = Report::default();
        whole.absorb(report);
        assert_eq!((whole.findings.len(), whole.total()), (11, 1001));
    }
}
