use std::path::{Path, PathBuf};

use crate::error::Result;
use ottla::Error;
use ottla::dir::{FileKind, read_whole};
use ottla::fs::FileSystem;
use ottla::segment::{Entry, OffsetIndexEntry, TimeIndexEntry};

use super::context::Context as Partition;
use super::finding::{Finding, Report};
use super::index_file::IndexFile;
use super::kind::Kind;
use super::offset_index::OffsetIndexCheck;
use super::seen::Seen;
use super::time_index::TimeIndexCheck;
use crate::partition::SegmentFile;

/// Both indexes of one segment while its batches are looked at.
pub struct Indexes {
    offset_path: PathBuf,
    offsets: OffsetIndexCheck,
    time_path: PathBuf,
    /// `None` behind damage: batches that are lost may have been the newest.
    times: Option<TimeIndexCheck>,
}

impl Indexes {
    /// Reads both files; what can be told without the log is told at once.
    ///
    /// # Errors
    /// As the system reports it.
    pub fn read(partition: &Partition<'_>, segment: &SegmentFile, report: &mut Report) -> Result<Indexes> {
        let base = segment.base_offset;
        let (offset_path, time_path) =
            (segment.sibling(FileKind::Index), segment.sibling(FileKind::TimeIndex));
        let entries = entries::<OffsetIndexEntry>(partition, &offset_path, report)?;
        let (offsets, problems) =
            OffsetIndexCheck::new(base, partition.settings.index_interval_bytes, &entries);
        tell(&offset_path, problems, false, report);
        let entries = self::entries::<TimeIndexEntry>(partition, &time_path, report)?;
        let (times, problems) = TimeIndexCheck::new(base, &entries);
        tell(&time_path, problems, false, report);
        Ok(Indexes { offset_path, offsets, time_path, times: Some(times) })
    }

    /// Looks at one batch.
    pub fn observe(&mut self, seen: &Seen<'_>, report: &mut Report) {
        let mut problems = Vec::new();
        self.offsets.observe(seen, &mut problems);
        tell(&self.offset_path, std::mem::take(&mut problems), false, report);
        if let Some(times) = &mut self.times {
            times.observe(seen, &mut problems);
            tell(&self.time_path, problems, false, report);
        }
    }

    /// Goes past bytes in the middle of the log that are no whole batch.
    pub fn skip(&mut self, from: u64, to: u64) {
        self.offsets.skip(from, to);
        self.times = None;
    }

    /// What is left when the segment has ended. Entries past its end are harmless where recovery makes the
    /// index anew.
    pub fn end(self, closed: bool, harmless: bool, report: &mut Report) {
        let mut problems = Vec::new();
        self.offsets.end(closed, &mut problems);
        tell(&self.offset_path, std::mem::take(&mut problems), harmless, report);
        if let Some(times) = self.times {
            times.end(closed, &mut problems);
            tell(&self.time_path, problems, harmless, report);
        }
    }
}

fn tell(path: &Path, problems: Vec<(u64, Kind, String)>, harmless: bool, report: &mut Report) {
    for (position, kind, what) in problems {
        let harmless = (harmless && kind == Kind::IndexEntry) || kind == Kind::IndexShort;
        report.add(Finding { file: path.to_path_buf(), position: Some(position), kind, what, harmless });
    }
}

fn entries<E: Entry>(partition: &Partition<'_>, path: &Path, report: &mut Report) -> Result<Vec<E>> {
    let fs: &dyn FileSystem = &**partition.fs;
    let finding = |position, kind, what: String, harmless| Finding {
        file: path.to_path_buf(),
        position,
        kind,
        what,
        harmless,
    };
    let bytes = match read_whole(fs, path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            report.add(finding(None, Kind::IndexMissing, "there is no such file".to_owned(), true));
            return Ok(Vec::new());
        }
        Err(Error::Corrupt(corruption)) => {
            report.add(finding(None, Kind::IndexLength, corruption.to_string(), false));
            return Ok(Vec::new());
        }
        Err(error) => return Err(error.into()),
    };
    let index = IndexFile::<E>::of(&bytes);
    let entries_end = IndexFile::<E>::position_of(index.entries.len());
    let is_mended = !partition.settings.recovery.marked_clean;
    if index.padding_bytes > 0 {
        let what = format!("{} zero bytes follow the last entry", index.padding_bytes);
        report.add(finding(Some(entries_end), Kind::IndexPadded, what, is_mended));
    }
    if index.odd_bytes > 0 {
        let what = format!("{} bytes at the end are no whole entry", index.odd_bytes);
        let position = bytes.len() as u64 - index.odd_bytes;
        report.add(finding(Some(position), Kind::IndexLength, what, is_mended));
    }
    Ok(index.entries)
}
