//! What a file holds, by its name alone.

use ottla::Offset;
use ottla::dir::{FileKind, FileName, OffsetCheckpoint};
use ottla::metadata::bootstrap::BOOTSTRAP_FILE;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Batches from this offset on.
    Log(Offset),
    /// Offsets to positions.
    Index(Offset),
    /// Timestamps to offsets.
    TimeIndex(Offset),
    /// Aborted transactions.
    TxnIndex(Offset),
    /// The state of producers.
    Producers,
    /// A snapshot of the cluster's metadata, up to this offset.
    Snapshot {
        /// The offset after the last record that it stands for.
        end_offset: i64,
        /// The epoch of that record.
        epoch: i32,
    },
    /// `bootstrap.checkpoint`.
    Bootstrap,
    /// A small file of a data or partition directory.
    Small(SmallFile),
}

/// A small file that is read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmallFile {
    /// An offset for each partition.
    Checkpoint(OffsetCheckpoint),
    /// `leader-epoch-checkpoint`
    LeaderEpochs,
    /// `partition.metadata`
    PartitionMetadata,
    /// `meta.properties`
    MetaProperties,
    /// `.kafka_cleanshutdown`
    CleanShutdown,
    /// `quorum-state`
    QuorumState,
}

impl Kind {
    /// What the file of this name holds; `None` where the name does not say.
    pub fn of(name: &str) -> Option<Kind> {
        if let Some(name) = FileName::parse(name) {
            return Some(match name.kind {
                FileKind::Log => Kind::Log(name.base_offset),
                FileKind::Index => Kind::Index(name.base_offset),
                FileKind::TimeIndex => Kind::TimeIndex(name.base_offset),
                FileKind::TxnIndex => Kind::TxnIndex(name.base_offset),
                FileKind::Snapshot => Kind::Producers,
            });
        }
        if let Some(checkpoint) = OffsetCheckpoint::ALL.into_iter().find(|c| c.file_name() == name) {
            return Some(Kind::Small(SmallFile::Checkpoint(checkpoint)));
        }
        match name {
            BOOTSTRAP_FILE => Some(Kind::Bootstrap),
            "leader-epoch-checkpoint" => Some(Kind::Small(SmallFile::LeaderEpochs)),
            "partition.metadata" => Some(Kind::Small(SmallFile::PartitionMetadata)),
            "meta.properties" => Some(Kind::Small(SmallFile::MetaProperties)),
            ".kafka_cleanshutdown" => Some(Kind::Small(SmallFile::CleanShutdown)),
            "quorum-state" => Some(Kind::Small(SmallFile::QuorumState)),
            _ => metadata_snapshot(name),
        }
    }
}

/// `<end offset, 20 digits>-<epoch, 10 digits>.checkpoint`, also while it is removed.
fn metadata_snapshot(name: &str) -> Option<Kind> {
    let name = name.strip_suffix(".deleted").unwrap_or(name);
    let (end_offset, epoch) = name.strip_suffix(".checkpoint")?.split_once('-')?;
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(end_offset, 20) || !digits(epoch, 10) {
        return None;
    }
    Some(Kind::Snapshot { end_offset: end_offset.parse().ok()?, epoch: epoch.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_data_directory_holds_is_known() {
        assert_eq!(Kind::of("00000000000000000053.log"), Some(Kind::Log(Offset::new(53))));
        assert_eq!(Kind::of("00000000000000000053.index.deleted"), Some(Kind::Index(Offset::new(53))));
        assert_eq!(Kind::of("00000000000000000053.timeindex"), Some(Kind::TimeIndex(Offset::new(53))));
        assert_eq!(Kind::of("00000000000000000053.txnindex"), Some(Kind::TxnIndex(Offset::new(53))));
        assert_eq!(Kind::of("00000000000000000053.snapshot"), Some(Kind::Producers));
        assert_eq!(
            Kind::of("00000000000000000053-0000000002.checkpoint"),
            Some(Kind::Snapshot { end_offset: 53, epoch: 2 })
        );
        assert_eq!(Kind::of("bootstrap.checkpoint"), Some(Kind::Bootstrap));
        for name in [
            "recovery-point-offset-checkpoint",
            "log-start-offset-checkpoint",
            "replication-offset-checkpoint",
            "cleaner-offset-checkpoint",
            "leader-epoch-checkpoint",
            "partition.metadata",
            "meta.properties",
            ".kafka_cleanshutdown",
            "quorum-state",
        ] {
            assert!(matches!(Kind::of(name), Some(Kind::Small(_))), "{name}");
        }
    }

    #[test]
    fn other_names_are_not_guessed_about() {
        for name in ["", "README.md", "53.log", "0.checkpoint", "00000000000000000053-2.checkpoint", ".lock"]
        {
            assert_eq!(Kind::of(name), None, "{name}");
        }
    }
}
