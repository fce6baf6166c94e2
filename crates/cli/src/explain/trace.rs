//! What a lookup does, written down while it is done.

use std::cell::RefCell;

use anyhow::{Context, Result, bail};
use ottla::dir::FileKind;
use ottla::fs::{File, FileSystem, OpenMode};
use ottla::segment::{HeadWalk, IndexView, OffsetIndexEntry, Walked};
use ottla::{Offset, Position};
use ottla_record::{Head, verify_crc};

use crate::partition::{Damage, MAX_DECOMPRESSED_BYTES, PartitionDir, SegmentFile};

/// The lookup of one offset.
#[derive(Debug)]
pub struct Trace {
    pub wanted: Offset,
    /// Each segment that was searched: one, but for offsets that compaction took from the end of a segment.
    pub searches: Vec<Search>,
    pub found: Option<Found>,
    pub damage: Option<Damage>,
}

/// The search in one segment.
#[derive(Debug)]
pub struct Search {
    /// The number of the segment in the directory.
    pub segment: usize,
    pub index: Option<IndexSearch>,
    /// Where the walk began.
    pub start: Position,
    /// The batches that were passed, all of them before the wanted offset.
    pub passed: Vec<Passed>,
}

/// The binary search in a `.index` file.
#[derive(Debug)]
pub struct IndexSearch {
    pub entries: u32,
    /// The entries in the order in which they were looked at, and whether each was at or below.
    pub looked_at: Vec<(OffsetIndexEntry, bool)>,
    pub nearest: Option<OffsetIndexEntry>,
    /// Whether a batch that fits begins where the nearest entry says.
    pub agrees: bool,
}

/// A batch that was passed.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    pub position: Position,
    pub base_offset: Offset,
    pub last_offset: Offset,
    pub size_bytes: usize,
}

/// The batch that holds the offset.
#[derive(Debug)]
pub struct Found {
    pub position: Position,
    pub head: Head,
    /// The first record at or past the wanted offset.
    pub record: Option<FoundRecord>,
}

/// A record.
#[derive(Debug)]
pub struct FoundRecord {
    /// Its number in the batch, from 1.
    pub number: usize,
    /// How many records the batch holds.
    pub of: usize,
    pub offset: Offset,
    pub timestamp_ms: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
}

/// Looks the offset up.
///
/// # Errors
/// Where the log does not hold it, or cannot be read.
pub fn trace(fs: &dyn FileSystem, dir: &PartitionDir, wanted: Offset) -> Result<Trace> {
    let Some((mut segment_number, _)) = dir.floor(wanted) else {
        bail!(
            "{} begins at offset {}, after {wanted}: that was deleted, or never was",
            dir.path.display(),
            dir.log_start_offset
        );
    };
    let mut trace = Trace { wanted, searches: Vec::new(), found: None, damage: None };
    while let Some(segment) = dir.segments.get(segment_number) {
        let file = open(fs, segment)?;
        let (search, outcome) = search(fs, &*file, segment, segment_number, wanted)?;
        trace.searches.push(search);
        match outcome {
            Walked::Batch(position, head) => {
                trace.found = found(&*file, segment, position, head, wanted, &mut trace.damage)?;
                return Ok(trace);
            }
            Walked::End(end) => {
                let position = trace.searches.last().map_or(0, end_of_walk);
                trace.damage = Damage::of(&end, segment.path.clone(), position);
                if trace.damage.is_some() {
                    return Ok(trace);
                }
            }
        }
        segment_number += 1;
    }
    bail!("{} ends before offset {wanted}: no record has it yet", dir.path.display())
}

fn open(fs: &dyn FileSystem, segment: &SegmentFile) -> Result<std::sync::Arc<dyn File>> {
    fs.open(&segment.path, OpenMode::Read).with_context(|| format!("cannot open {}", segment.path.display()))
}

fn end_of_walk(search: &Search) -> u64 {
    search.passed.last().map_or(u64::from(search.start.get()), |last| {
        u64::from(last.position.get()).saturating_add(last.size_bytes as u64)
    })
}

fn search(
    fs: &dyn FileSystem,
    file: &dyn File,
    segment: &SegmentFile,
    number: usize,
    wanted: Offset,
) -> Result<(Search, Walked)> {
    let cannot_read = || format!("cannot read {}", segment.path.display());
    let end = file.len().with_context(cannot_read)?;
    let mut index = search_index(fs, segment, wanted)?;
    let mut start = Position::ZERO;
    if let Some(index) = &mut index
        && let Some(entry) = index.nearest
    {
        index.agrees = fits(file, segment, entry, end).with_context(cannot_read)?;
        start = if index.agrees { entry.position } else { Position::ZERO };
    }
    let mut passed = Vec::new();
    let mut walk = HeadWalk::new(file, start, end);
    let outcome = loop {
        match walk.step().with_context(cannot_read)? {
            Walked::Batch(position, head) if head.last_offset() < wanted => passed.push(Passed {
                position,
                base_offset: head.base_offset(),
                last_offset: head.last_offset(),
                size_bytes: head.size_bytes(),
            }),
            outcome => break outcome,
        }
    };
    Ok((Search { segment: number, index, start, passed }, outcome))
}

fn search_index(fs: &dyn FileSystem, segment: &SegmentFile, wanted: Offset) -> Result<Option<IndexSearch>> {
    let path = segment.sibling(FileKind::Index);
    let cannot_read = || format!("cannot read {}", path.display());
    let Some(index) = IndexView::<OffsetIndexEntry>::open(fs, &path).with_context(cannot_read)? else {
        return Ok(None);
    };
    let looked_at = RefCell::new(Vec::new());
    let at_or_below = |entry: OffsetIndexEntry| {
        let is = entry.offset(segment.base_offset) <= wanted;
        looked_at.borrow_mut().push((entry, is));
        is
    };
    let nearest = index.around(at_or_below).with_context(cannot_read)?.floor;
    let looked_at = looked_at.into_inner();
    Ok(Some(IndexSearch { entries: index.len(), looked_at, nearest, agrees: false }))
}

/// Whether a batch begins at the entry's position that the entry may stand for.
fn fits(file: &dyn File, segment: &SegmentFile, entry: OffsetIndexEntry, end: u64) -> std::io::Result<bool> {
    if u64::from(entry.position.get()) >= end {
        return Ok(false);
    }
    let base = segment.base_offset;
    Ok(match HeadWalk::new(file, entry.position, end).step()? {
        Walked::Batch(_, head) => (base..=entry.offset(base)).contains(&head.base_offset()),
        Walked::End(_) => false,
    })
}

fn found(
    file: &dyn File,
    segment: &SegmentFile,
    position: Position,
    head: Head,
    wanted: Offset,
    damage: &mut Option<Damage>,
) -> Result<Option<Found>> {
    let mut bytes = vec![0; head.size_bytes()];
    file.read_exact_at(&mut bytes, u64::from(position.get()))
        .with_context(|| format!("cannot read {}", segment.path.display()))?;
    let record = verify_crc(&bytes).and_then(|_| record_in(&bytes, wanted));
    let record = record.unwrap_or_else(|error| {
        let what = format!("the batch is not whole: {error}");
        *damage = Some(Damage::new(segment.path.clone(), u64::from(position.get()), what));
        None
    });
    Ok(Some(Found { position, head, record }))
}

fn record_in(batch: &[u8], wanted: Offset) -> Result<Option<FoundRecord>, ottla_record::RecordError> {
    let decoded = ottla_record::decode(batch, MAX_DECOMPRESSED_BYTES)?;
    let mut found = None;
    let mut count = 0;
    for record in decoded.records() {
        let record = record?;
        count += 1;
        if found.is_none() && record.offset >= wanted {
            found = Some(FoundRecord {
                number: count,
                of: 0,
                offset: record.offset,
                timestamp_ms: record.timestamp_ms,
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
            });
        }
    }
    Ok(found.map(|record| FoundRecord { of: count, ..record }))
}
