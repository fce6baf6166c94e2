use std::fmt;
use std::path::PathBuf;

use crate::offset::Offset;

/// What opening a log looked at and changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Whether the last close was clean, so that nothing had to be looked at.
    pub clean: bool,
    /// Everything below was known to be on disk.
    pub recovery_point: Offset,
    /// How many segments there are.
    pub segments: usize,
    /// Bytes of batches that were read and checked.
    pub scanned_bytes: u64,
    /// What was cut from the end.
    pub truncated: Option<Truncation>,
    /// What is damaged below the recovery point. It stays as it is; reads of it are told.
    pub damaged: Vec<Damage>,
    /// Index files that were built anew.
    pub rebuilt_indexes: Vec<PathBuf>,
    /// Files that an interrupted delete or swap had left, and that are gone now.
    pub removed_leftovers: Vec<PathBuf>,
}

impl RecoveryReport {
    /// What was taken out behind a cut is part of it.
    pub(super) fn add_to_cut(&mut self, behind: Option<Truncation>) {
        if let (Some(cut), Some(behind)) = (self.truncated.as_mut(), behind) {
            cut.cut_bytes += behind.cut_bytes;
            cut.kept_aside.extend(behind.kept_aside);
        }
    }

    /// Whether opening found everything as it should be.
    pub fn is_uneventful(&self) -> bool {
        self.truncated.is_none()
            && self.damaged.is_empty()
            && self.rebuilt_indexes.is_empty()
            && self.removed_leftovers.is_empty()
    }
}

/// What recovery cut from the end of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// The segment that was cut.
    pub path: PathBuf,
    /// Its size now.
    pub position: u64,
    /// How many bytes were cut, later segments included.
    pub cut_bytes: u64,
    /// The log ends here now.
    pub log_end_offset: Offset,
    /// What stood at the cut.
    pub reason: String,
    /// Files that keep the bytes that were cut, where they were more than a torn last write.
    pub kept_aside: Vec<PathBuf>,
}

/// Bytes that were on disk before the crash and are no whole batch now. Recovery leaves them alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub path: PathBuf,
    /// The first damaged byte.
    pub position: u64,
    /// How many there are up to the next whole batch, or to the end of the segment.
    pub bytes: u64,
    /// The first offset that cannot be read.
    pub next_offset: Offset,
    /// What stands there.
    pub reason: String,
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.clean {
            write!(f, "closed cleanly, {} segments", self.segments)?;
        } else {
            write!(
                f,
                "recovered {} segments from offset {}: {} bytes checked",
                self.segments, self.recovery_point, self.scanned_bytes
            )?;
        }
        if let Some(cut) = &self.truncated {
            let Truncation { cut_bytes, log_end_offset, reason, .. } = cut;
            write!(f, ", {cut_bytes} bytes cut at offset {log_end_offset} ({reason})")?;
        }
        for Damage { path, position, bytes, next_offset, reason } in &self.damaged {
            write!(
                f,
                ", {bytes} bytes at {position} of {}, from offset {next_offset} on, are damaged and left as they are ({reason})",
                path.display()
            )?;
        }
        if !self.rebuilt_indexes.is_empty() {
            write!(f, ", {} index files rebuilt", self.rebuilt_indexes.len())?;
        }
        Ok(())
    }
}
