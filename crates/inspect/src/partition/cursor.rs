use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{At, Result};
use ottla::fs::{File, FileSystem, OpenMode};
use ottla::segment::{BatchScan, WalkEnd};
use ottla::{Offset, Position};
use ottla_record::Head;

use super::{Damage, PartitionDir, SegmentFile};

/// So many bytes are read at once; a larger batch is read by itself.
const CHUNK_BYTES: usize = 1 << 20;

/// A batch whose every byte was checked, and where it was found.
#[derive(Debug)]
pub struct StoredBatch<'a> {
    /// The file that it stands in.
    pub segment: &'a SegmentFile,
    /// The byte that it begins at.
    pub position: u64,
    /// Its head.
    pub head: Head,
    /// All of it.
    pub bytes: &'a [u8],
}

/// What stands next in a log.
#[derive(Debug)]
pub enum Step<'a> {
    /// A whole batch.
    Batch(StoredBatch<'a>),
    /// Nothing yet: the log ends here.
    End,
    /// The last segment does not end with a whole batch. Another process may be writing it right now.
    Unfinished(Damage),
    /// No whole batch, though the log goes on.
    Damage(Damage),
}

/// Goes through the batches of a log from segment to segment, also while another process appends to it:
/// after [`Step::End`] and [`Step::Unfinished`], the next call looks at the files anew.
#[derive(Debug)]
pub struct BatchCursor<'f> {
    fs: &'f dyn FileSystem,
    dir: PathBuf,
    segment: SegmentFile,
    file: Arc<dyn File>,
    /// The first byte that is not in the chunk.
    position: u64,
    chunk: Chunk,
    next_offset: Offset,
}

/// Whole batches in memory.
#[derive(Debug, Default)]
struct Chunk {
    bytes: Vec<u8>,
    batches: VecDeque<(u64, Head, Range<usize>)>,
}

impl Chunk {
    fn clear(&mut self) {
        self.bytes.clear();
        self.batches.clear();
    }
}

/// Why a chunk ends.
enum Stop {
    Full,
    End(WalkEnd),
}

impl<'f> BatchCursor<'f> {
    /// A cursor at the batch that begins at `position` of `segment`.
    ///
    /// # Errors
    /// As the system reports it.
    pub fn open(
        fs: &'f dyn FileSystem,
        dir: &Path,
        segment: SegmentFile,
        position: Position,
    ) -> Result<BatchCursor<'f>> {
        let file = open(fs, &segment)?;
        let next_offset = segment.base_offset;
        let position = u64::from(position.get());
        let dir = dir.to_path_buf();
        Ok(BatchCursor { fs, dir, segment, file, position, chunk: Chunk::default(), next_offset })
    }

    /// Goes past the batch that [`BatchCursor::step`] showed.
    pub fn pass(&mut self) {
        if let Some((_, head, _)) = self.chunk.batches.pop_front() {
            self.next_offset = head.last_offset() + 1;
        }
    }

    /// Shows what stands next; a batch is shown again until it is passed.
    ///
    /// # Errors
    /// As the system reports it.
    pub fn step(&mut self) -> Result<Step<'_>> {
        if self.chunk.batches.is_empty()
            && let Some(step) = self.fill()?
        {
            return Ok(step);
        }
        let Some((position, head, range)) = self.chunk.batches.front() else { return Ok(Step::End) };
        if head.base_offset() < self.next_offset {
            let what = format!(
                "the batch begins at offset {}, and {} comes next",
                head.base_offset(),
                self.next_offset
            );
            return Ok(Step::Damage(Damage::new(self.segment.path.clone(), *position, what)));
        }
        let bytes = self.chunk.bytes.get(range.clone()).unwrap_or_default();
        Ok(Step::Batch(StoredBatch { segment: &self.segment, position: *position, head: *head, bytes }))
    }

    /// Reads the next batches. `None` once there are some, else what stands in their place.
    fn fill(&mut self) -> Result<Option<Step<'static>>> {
        self.chunk.clear();
        let mut looked_again = false;
        loop {
            let end = self.len()?;
            if end < self.position {
                let what = format!("the file was cut to {end} bytes while it was read");
                return Ok(Some(Step::Damage(Damage::new(self.segment.path.clone(), self.position, what))));
            }
            let stop = self.read_chunk(end)?;
            let Stop::End(walk_end) = stop else { return Ok(None) };
            if !self.chunk.batches.is_empty() {
                // What follows them is met again by the next call.
                return Ok(None);
            }
            let next = PartitionDir::segment_after(self.fs, &self.dir, self.segment.base_offset)?;
            if next.is_some() && !looked_again {
                // The segment may have grown before the next one was made.
                looked_again = true;
                continue;
            }
            match (Damage::of(&walk_end, self.segment.path.clone(), self.position), next) {
                (None, None) => return Ok(Some(Step::End)),
                (None, Some(next)) => {
                    if !self.enter(next)? {
                        continue;
                    }
                }
                (Some(damage), None) => return Ok(Some(Step::Unfinished(damage))),
                (Some(damage), Some(_)) => return Ok(Some(Step::Damage(damage))),
            }
            looked_again = false;
        }
    }

    /// Goes on with the next segment; tells whether it was still there.
    fn enter(&mut self, segment: SegmentFile) -> Result<bool> {
        match open(self.fs, &segment) {
            Ok(file) => self.file = file,
            Err(_) if is_gone(self.fs, &segment) => return Ok(false),
            Err(error) => return Err(error),
        }
        self.segment = segment;
        self.position = 0;
        Ok(true)
    }

    fn read_chunk(&mut self, end: u64) -> Result<Stop> {
        let Ok(start) = u32::try_from(self.position).map(Position::new) else {
            return Ok(Stop::End(WalkEnd::Torn { needed: end, found: self.position }));
        };
        let path = &self.segment.path;
        let mut scan = BatchScan::new(&*self.file, start, end, CHUNK_BYTES);
        while self.chunk.bytes.len() < CHUNK_BYTES {
            match scan.step().at("read", path)? {
                Ok(batch) => {
                    let from = self.chunk.bytes.len();
                    let position = u64::from(batch.position.get());
                    let size = batch.head.size_bytes();
                    match batch.bytes {
                        Some(bytes) => self.chunk.bytes.extend_from_slice(bytes),
                        None => {
                            // The scan has found the whole batch in the file, so its size is no mere claim.
                            self.chunk.bytes.resize(from.saturating_add(size), 0);
                            let place = self.chunk.bytes.get_mut(from..).unwrap_or_default();
                            self.file.read_exact_at(place, position).at("read", path)?;
                        }
                    }
                    let range = from..self.chunk.bytes.len();
                    self.chunk.batches.push_back((position, batch.head, range));
                    self.position = position.saturating_add(size as u64);
                }
                Err(stopped) => return Ok(Stop::End(stopped.end)),
            }
        }
        Ok(Stop::Full)
    }

    fn len(&self) -> Result<u64> {
        self.file.len().at("look at", &self.segment.path)
    }
}

fn is_gone(fs: &dyn FileSystem, segment: &SegmentFile) -> bool {
    fs.metadata(&segment.path).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound)
}

fn open(fs: &dyn FileSystem, segment: &SegmentFile) -> Result<Arc<dyn File>> {
    fs.open(&segment.path, OpenMode::Read).at("open", &segment.path)
}
