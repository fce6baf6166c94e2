//! Step 4: checkpoints of the data directory that cannot be read are written anew, as far as the logs know
//! what they said. What they do not know is claimed by none: recovery then looks at more than it had to.

use std::path::Path;

use ottla::dir::{LeaderEpochs, OffsetCheckpoint, Offsets, TopicPartition};
use ottla::fs::FileSystem;
use ottla::{Error, Offset};

use super::hand::Hand;
use crate::error::{At, Result};
use crate::partition::PartitionDir;
use crate::verify::partitions_in;

/// Rewrites the checkpoints that are broken; the others are not touched.
///
/// # Errors
/// As the system reports it.
pub(super) fn mend(hand: &mut Hand, data_dir: &Path) -> Result<()> {
    for checkpoint in OffsetCheckpoint::ALL {
        match checkpoint.read(&*hand.fs, data_dir) {
            Ok(_) => {}
            Err(Error::Corrupt(corruption)) => {
                let offsets = from_the_logs(&*hand.fs, data_dir, checkpoint)?;
                checkpoint.write(&*hand.fs, data_dir, &offsets)?;
                let path = checkpoint.path(data_dir);
                let bytes = hand.fs.metadata(&path).at("look at", &path)?.len;
                hand.wrote(&path, bytes, format!("{}; {}", corruption.what, meaning(checkpoint)))?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What the checkpoint may say without claiming what nobody knows.
fn from_the_logs(fs: &dyn FileSystem, data_dir: &Path, checkpoint: OffsetCheckpoint) -> Result<Offsets> {
    let mut offsets = Offsets::new();
    for partition in partitions_in(fs, data_dir)? {
        let dir = data_dir.join(partition.dir_name());
        let Ok(log) = PartitionDir::open(fs, &dir) else { continue };
        let Some(first) = log.segments.first() else { continue };
        let start = start_of(fs, &dir, first.base_offset);
        insert(&mut offsets, checkpoint, partition, first.base_offset, start);
    }
    Ok(offsets)
}

fn insert(
    offsets: &mut Offsets,
    checkpoint: OffsetCheckpoint,
    partition: TopicPartition,
    first: Offset,
    start: Offset,
) {
    let says = match checkpoint {
        OffsetCheckpoint::RecoveryPoint | OffsetCheckpoint::Replication => true,
        // A start that the oldest segment's name tells needs no entry.
        OffsetCheckpoint::LogStart => start > first,
        OffsetCheckpoint::Cleaner => false,
    };
    if says {
        offsets.insert(partition, start);
    }
}

/// Where the log begins: its first epoch begins there too, once records before it were deleted.
fn start_of(fs: &dyn FileSystem, dir: &Path, first: Offset) -> Offset {
    let epochs = LeaderEpochs::read(fs, dir).unwrap_or_default();
    epochs.entries().first().map_or(first, |entry| entry.start_offset.max(first))
}

fn meaning(checkpoint: OffsetCheckpoint) -> &'static str {
    match checkpoint {
        OffsetCheckpoint::RecoveryPoint => "the next start looks at every segment",
        OffsetCheckpoint::LogStart => "starts are those that the leader epochs tell",
        OffsetCheckpoint::Replication => "high watermarks are found anew",
        OffsetCheckpoint::Cleaner => "compaction begins at the start of each log",
    }
}
