//! The files of a partition as runs of whole batches.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla::dir::{FileKind, FileName, Suffix};
use ottla::fs::{File, FileSystem, OpenMode};
use ottla::segment::{BatchScan, ScanEnd, WalkEnd, next_whole_batch_of_any_magic};
use ottla::{Offset, Position};
use ottla_record::{HEAD_PEEK_LEN, Head};

use super::report::{LostBytes, LostOffsets};
use crate::error::{At, Result};
use crate::partition::Damage;
use crate::repair::first_offset;

const BUFFER_BYTES: usize = 1 << 20;

/// One file that may hold batches.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) base_offset: Offset,
    pub(super) path: PathBuf,
    pub(super) file: Arc<dyn File>,
    /// The base offset of the next segment.
    next_base_offset: Option<Offset>,
}

/// Whole batches that stand one after the other, their offsets growing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The number of the file.
    pub(super) source: usize,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) first_offset: Offset,
    /// The offset after its last batch.
    end_offset: Offset,
}

/// The segments of a directory, and behind them the replacements that an interrupted compaction has left: what
/// they replace may be gone.
///
/// # Errors
/// As the system reports it.
pub(super) fn sources(fs: &dyn FileSystem, dir: &Path) -> Result<Vec<Source>> {
    let entries = fs.read_dir(dir).at("list", dir)?;
    let logs = entries.iter().filter(|entry| !entry.is_dir).filter_map(|entry| FileName::parse(&entry.name));
    let mut names: Vec<_> = logs
        .filter(|name| name.kind == FileKind::Log)
        .filter(|name| matches!(name.suffix, None | Some(Suffix::Swap)))
        .collect();
    names.sort_by_key(|name| (name.suffix.is_some(), name.base_offset));
    let mut sources = Vec::with_capacity(names.len());
    for (number, name) in names.iter().enumerate() {
        let path = name.in_dir(dir);
        let file = fs.open(&path, OpenMode::Read).at("open", &path)?;
        let next = names.get(number + 1).filter(|next| next.suffix == name.suffix);
        let next_base_offset = next.map(|next| next.base_offset);
        sources.push(Source { base_offset: name.base_offset, path, file, next_base_offset });
    }
    Ok(sources)
}

/// What stands in one file.
pub(super) struct Scanned {
    pub(super) runs: Vec<Run>,
    pub(super) lost: Vec<LostBytes>,
}

impl Source {
    /// Looks at every byte. `number` is the file's own; `progress` is told of bytes.
    ///
    /// # Errors
    /// As the system reports it.
    pub(super) fn scan(&self, number: usize, progress: &mut dyn FnMut(u64)) -> Result<Scanned> {
        let size = self.file.len().at("look at", &self.path)?;
        let mut scanned = Scanned { runs: Vec::new(), lost: Vec::new() };
        let mut position = 0;
        loop {
            let stopped = self.take_runs(number, position, size, &mut scanned.runs)?;
            progress(stopped.position - position);
            if stopped.end == WalkEnd::Clean {
                break;
            }
            let next = self.next_batch(&stopped, size, &scanned.runs)?;
            let end = next.unwrap_or(size);
            progress(end - stopped.position);
            scanned.lost.push(self.lost(&stopped, end, &scanned.runs));
            match next {
                Some(next) => position = next,
                None => break,
            }
        }
        self.close_lost(&mut scanned);
        Ok(scanned)
    }

    /// Reads whole batches from `position` on, and tells where they stop.
    fn take_runs(&self, number: usize, position: u64, size: u64, runs: &mut Vec<Run>) -> Result<ScanEnd> {
        let Ok(start) = u32::try_from(position).map(Position::new) else {
            return Ok(ScanEnd { position, end: WalkEnd::Torn { needed: size, found: size - position } });
        };
        let mut scan = BatchScan::new(&*self.file, start, size, BUFFER_BYTES);
        loop {
            let batch = match scan.step().at("read", &self.path)? {
                Err(stopped) => return Ok(stopped),
                Ok(batch) => batch,
            };
            let (start, head) = (u64::from(batch.position.get()), batch.head);
            let (first, end) = (first_offset(&head), start + head.size_bytes() as u64);
            let end_offset = head.last_offset() + 1;
            match runs.last_mut().filter(|run| run.end == start && run.end_offset <= first) {
                Some(run) => (run.end, run.end_offset) = (end, end_offset),
                None => runs.push(Run { source: number, start, end, first_offset: first, end_offset }),
            }
        }
    }

    fn next_batch(&self, stopped: &ScanEnd, size: u64, runs: &[Run]) -> Result<Option<u64>> {
        if matches!(stopped.end, WalkEnd::Zeros { .. }) {
            return Ok(None);
        }
        // Another segment's bytes may stand under this name.
        let least = runs.iter().map(|run| run.first_offset).min().unwrap_or(self.base_offset);
        let expected = least.min(self.base_offset);
        let next = next_whole_batch_of_any_magic(&*self.file, stopped.position, size, expected);
        Ok(next.at("read", &self.path)?.map(|next| u64::from(next.get())))
    }

    fn lost(&self, stopped: &ScanEnd, end: u64, runs: &[Run]) -> LostBytes {
        let position = stopped.position;
        let damage = Damage::of(&stopped.end, self.path.clone(), position);
        let from = runs.last().map_or(self.base_offset, |run| run.end_offset);
        LostBytes {
            file: self.path.clone(),
            position,
            bytes: end - position,
            offsets: LostOffsets { from, to: self.next_base_offset },
            what: damage.map_or_else(String::new, |damage| damage.what),
        }
    }

    /// What was lost before a batch had offsets before those of the batch.
    fn close_lost(&self, scanned: &mut Scanned) {
        for lost in &mut scanned.lost {
            let behind = scanned.runs.iter().find(|run| run.start >= lost.position + lost.bytes);
            if let Some(run) = behind {
                lost.offsets.to = Some(run.first_offset.max(lost.offsets.from));
            }
            lost.offsets = self.by_head(lost).unwrap_or(lost.offsets);
        }
    }

    /// The offsets by the head of a damaged batch, where it agrees with everything around it.
    fn by_head(&self, lost: &LostBytes) -> Option<LostOffsets> {
        let mut prefix = [0; HEAD_PEEK_LEN];
        self.file.read_exact_at(&mut prefix, lost.position).ok()?;
        let head = Head::parse(&prefix).ok().filter(|head| head.size_bytes() as u64 == lost.bytes)?;
        let said = LostOffsets { from: first_offset(&head), to: Some(head.last_offset() + 1) };
        let is_within = said.from >= lost.offsets.from
            && said.to > Some(said.from)
            && lost.offsets.to.is_none_or(|to| said.to <= Some(to));
        is_within.then_some(said)
    }
}
