//! Step 3, where `leader-epoch-checkpoint` is missing or empty: every batch says under which epoch it was
//! appended.

use std::collections::BTreeMap;

use super::survey::SegmentNames;
use crate::dir::{FileKind, LeaderEpochs};
use crate::error::{Error, Result};
use crate::fs::OpenMode;
use crate::offset::{Offset, Position};
use crate::segment::{HeadWalk, Home, Walked};

/// The epochs of a log: as its file tells them, or else its batch heads.
pub(crate) fn load(home: &Home, names: &BTreeMap<Offset, SegmentNames>) -> Result<LeaderEpochs> {
    let mut epochs = LeaderEpochs::read(&*home.fs, &home.dir)?;
    // Logs of before Kafka 0.11 have no epochs; their first head tells, and the others need not be read.
    if epochs.latest().is_some()
        || !names.keys().next().map_or(Ok(false), |first| has_epochs(home, *first))?
    {
        return Ok(epochs);
    }
    for base_offset in names.keys() {
        read_heads(home, *base_offset, &mut epochs)?;
    }
    tracing::warn!(dir = %home.dir.display(), epochs = epochs.entries().len(), "found the leader epochs in the batches: there is no checkpoint of them");
    Ok(epochs)
}

fn has_epochs(home: &Home, base_offset: Offset) -> Result<bool> {
    let path = home.path(base_offset, FileKind::Log);
    let fail = |e| Error::io("read", &path, e);
    let file = home.fs.open(&path, OpenMode::Read).map_err(fail)?;
    let first = HeadWalk::new(&*file, Position::ZERO, file.len().map_err(fail)?).step().map_err(fail)?;
    Ok(matches!(first, Walked::Batch(_, head) if head.leader_epoch() >= 0))
}

fn read_heads(home: &Home, base_offset: Offset, epochs: &mut LeaderEpochs) -> Result<()> {
    let path = home.path(base_offset, FileKind::Log);
    let fail = |e| Error::io("read", &path, e);
    let file = home.fs.open(&path, OpenMode::Read).map_err(fail)?;
    let mut walk = HeadWalk::new(&*file, Position::ZERO, file.len().map_err(fail)?);
    let mut next_offset = base_offset;
    while let Some((_, head)) = walk.step_over_damage(next_offset).map_err(fail)? {
        next_offset = head.last_offset() + 1;
        // An epoch only grows: one that does not is outside the checksum, and was changed.
        if epochs.latest().is_none_or(|latest| latest.epoch < head.leader_epoch()) {
            // What compaction took before the first batch was of its epoch too.
            let is_first = epochs.latest().is_none();
            epochs.assign(head.leader_epoch(), if is_first { base_offset } else { head.base_offset() });
        }
    }
    Ok(())
}
