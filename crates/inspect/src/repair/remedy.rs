//! Which finding has which remedy.

use crate::verify::Kind;

const SALVAGE: &str = "`ottla salvage` copies what is whole into a new directory";
const BEYOND: &str =
    "restore the records from another replica or a backup, or give them up with --cut-below-recovery-point";

/// What is made anew because of a finding.
pub(super) enum Remedy {
    Index,
    TxnIndex,
    Snapshot,
    Epochs,
    PartitionMetadata,
    /// There is none here; this is what else can be done.
    None(&'static str),
}

/// The remedy for findings of this kind.
pub(super) fn remedy_of(kind: Kind) -> Remedy {
    match kind {
        Kind::IndexMissing
        | Kind::IndexPadded
        | Kind::IndexLength
        | Kind::IndexOrder
        | Kind::IndexEntry
        | Kind::IndexShort
        | Kind::TimeIndexShort => Remedy::Index,
        Kind::TxnIndexDamaged | Kind::TxnIndexEntry | Kind::TxnIndexLacks => Remedy::TxnIndex,
        Kind::SnapshotDamaged | Kind::SnapshotDisagrees | Kind::SnapshotMissing => Remedy::Snapshot,
        Kind::EpochsDamaged | Kind::EpochsDisagree | Kind::EpochsMissing => Remedy::Epochs,
        Kind::PartitionMetadataDamaged | Kind::PartitionMetadataMissing => Remedy::PartitionMetadata,
        Kind::CheckpointBeyondEnd => Remedy::None(BEYOND),
        Kind::DamagedRecords => Remedy::None(SALVAGE),
        kind if harms_the_log(kind) => Remedy::None(SALVAGE),
        kind => Remedy::None(kind.meaning()),
    }
}

/// Whether batches are missing or out of their place, so that what follows from all batches is not known.
pub(super) fn harms_the_log(kind: Kind) -> bool {
    misplaces(kind) || matches!(kind, Kind::TornTail | Kind::ZeroTail | Kind::DamagedBatch)
}

/// Whether batches are out of their place.
pub(super) fn misplaces(kind: Kind) -> bool {
    matches!(kind, Kind::OffsetsFall | Kind::OffsetOutsideSegment)
}
