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
    /// There is metadata of topics, and no `meta.properties`.
    MetaPropertiesMissing,
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
    /// A file is left of an interrupted delete, compaction or recovery.
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
            Kind::MetaPropertiesMissing => (
                "meta-properties-missing",
                "Apache Kafka does not start without it, and `ottla serve` makes another cluster of the directory, with a new id; restore the file",
            ),
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
                "a delete, a compaction or a recovery was interrupted; no record is lost by it, and the space comes back",
            ),
        }
    }
}
