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
    /// The last batch is not all there.
    TornTail,
    /// Zeros follow the last batch.
    ZeroTail,
    /// Bytes are no whole batch.
    DamagedBatch,
    /// A batch does not come after the one before it.
    OffsetsFall,
    /// A batch lies outside the offsets of its segment.
    OffsetOutsideSegment,
    /// A leader epoch is older than the one before it.
    EpochFalls,
    /// A whole batch holds records that cannot be read.
    DamagedRecords,
    /// An index is not there.
    IndexMissing,
    /// Zeros follow the last entry of an index.
    IndexPadded,
    /// An index ends inside an entry.
    IndexLength,
    /// Entries of an index are out of order.
    IndexOrder,
    /// An entry of an index does not lead where it says.
    IndexEntry,
    /// An index ends before the log does.
    IndexShort,
    /// A time index does not know the newest record.
    TimeIndexShort,
    /// An index of aborted transactions cannot be read.
    TxnIndexDamaged,
    /// An entry speaks of a transaction that the log does not have so.
    TxnIndexEntry,
    /// An aborted transaction has no entry.
    TxnIndexLacks,
    /// A snapshot of the producers cannot be read.
    SnapshotDamaged,
    /// A snapshot of the producers that must be there is not.
    SnapshotMissing,
    /// A snapshot of the producers says other than the log.
    SnapshotDisagrees,
    /// The leader epochs are not there.
    EpochsMissing,
    /// The leader epochs cannot be read.
    EpochsDamaged,
    /// The leader epochs are not those of the batches.
    EpochsDisagree,
    /// A checkpoint cannot be read.
    CheckpointDamaged,
    /// A checkpoint speaks of records that are not there.
    CheckpointBeyondEnd,
    /// `partition.metadata` cannot be read.
    PartitionMetadataDamaged,
    /// `partition.metadata` is not there.
    PartitionMetadataMissing,
    /// `meta.properties` cannot be read.
    MetaPropertiesDamaged,
    /// The metadata of topics cannot be read.
    ClusterMetadataDamaged,
    /// The directory is of another topic of its name.
    TopicIdDisagrees,
    /// The metadata does not know the partition.
    TopicUnknown,
    /// A name is none that Kafka or ottla gives.
    UnknownName,
    /// A file goes with a segment that is not there.
    OrphanFile,
    /// A file is left of an interrupted delete or compaction.
    Leftover,
}

impl Kind {
    /// Whether it is worth a word, but may stand in a directory of which nothing is wrong: who reopens a log
    /// counts from zero to the next entry of its index, so that some may be further apart.
    pub const fn is_remark(self) -> bool {
        matches!(self, Kind::IndexShort)
    }

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
                "bytes changed after they were written: these records are lost here; copy them from another replica or a backup, or `ottla salvage` what is whole",
            ),
            Kind::OffsetsFall => (
                "offsets-fall",
                "offsets repeat or go back: readers skip or repeat records; restore the segment, or `ottla salvage` what can be put in order",
            ),
            Kind::OffsetOutsideSegment => (
                "offset-outside-segment",
                "the batch cannot be found by the segment's name; restore the segment, or `ottla salvage` what can be put in order",
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
                ("index-missing", "lookups walk the whole segment; `ottla repair` makes the index anew")
            }
            Kind::IndexPadded => (
                "index-padded",
                "space was allocated for entries, as Kafka does in the active segment, and the log was not closed since; recovery cuts it off",
            ),
            Kind::IndexLength => {
                ("index-length", "the file ends inside an entry; `ottla repair` makes the index anew")
            }
            Kind::IndexOrder => {
                ("index-order", "binary search does not work in it; `ottla repair` makes the index anew")
            }
            Kind::IndexEntry => {
                ("index-entry", "lookups through this entry go wrong; `ottla repair` makes the index anew")
            }
            Kind::TimeIndexShort => (
                "time-index-short",
                "retention and lookups by time take the segment for older than it is; `ottla repair` makes the index anew",
            ),
            Kind::IndexShort => (
                "index-short",
                "lookups behind its last entry walk to the end of the segment; `ottla repair` makes the index anew",
            ),
            Kind::TxnIndexDamaged => (
                "txn-index-damaged",
                "readers of committed records fail; `ottla repair` makes it anew from the log",
            ),
            Kind::TxnIndexEntry => (
                "txn-index-entry",
                "readers of committed records are told of a transaction that the log does not bear out; `ottla repair` makes it anew from the log",
            ),
            Kind::TxnIndexLacks => (
                "txn-index-lacks",
                "readers of committed records get records of an aborted transaction; `ottla repair` makes it anew from the log",
            ),
            Kind::SnapshotDamaged => (
                "snapshot-damaged",
                "producers are then read from an older snapshot or from the log; `ottla repair` makes it anew",
            ),
            Kind::SnapshotDisagrees => (
                "snapshot-disagrees",
                "repeated batches may be stored twice or new ones refused; `ottla repair` makes it anew from the log",
            ),
            Kind::SnapshotMissing => (
                "snapshot-missing",
                "after a crash more of the log is read, and after a clean stop producers are forgotten; `ottla repair` makes it anew from the log",
            ),
            Kind::EpochsMissing => (
                "epochs-missing",
                "clients that ask where an epoch ended get no answer; `ottla repair` finds them anew in the log",
            ),
            Kind::EpochsDamaged => ("epochs-damaged", "`ottla repair` finds them anew in the log"),
            Kind::EpochsDisagree => (
                "epochs-disagree",
                "clients that ask where an epoch ended get a wrong answer; `ottla repair` finds them anew in the log",
            ),
            Kind::CheckpointDamaged => (
                "checkpoint-damaged",
                "the checkpoint counts for nothing; restore it, or let `ottla repair` write what the logs know of it",
            ),
            Kind::CheckpointBeyondEnd => (
                "checkpoint-beyond-end",
                "records that were on disk are missing from the end of the log; restore them from another replica or a backup",
            ),
            Kind::PartitionMetadataDamaged => (
                "partition-metadata-damaged",
                "the topic id is not known from this directory; restore the file",
            ),
            Kind::PartitionMetadataMissing => (
                "partition-metadata-missing",
                "the topic id is not known from this directory; `ottla repair` writes it as the metadata has it",
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
            Kind::Leftover => (
                "leftover",
                "a delete or a compaction was interrupted; no record is lost by it, and the space comes back",
            ),
        }
    }
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Partition directories.
    pub partitions: u64,
    /// Segments.
    pub segments: u64,
    /// Whole batches.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of whole batches.
    pub bytes: u64,
}

/// What a check came to.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order in which they were found.
    pub findings: Vec<Finding>,
    /// What was looked at.
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

    /// Whether anything was found in this file.
    pub fn has(&self, file: &Path) -> bool {
        self.findings.iter().any(|finding| finding.file == file)
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

    /// Whether nothing is wrong: there is nothing but remarks.
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.kind.is_remark())
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
