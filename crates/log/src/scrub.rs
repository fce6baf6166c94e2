//! Reading what lies on the disk piece by piece and checking every byte, so that damage is found before
//! somebody needs what it took.

use std::sync::Arc;

use crate::dir::FileKind;
use crate::error::{Error, Result};
use crate::offset::{Offset, Position};
use crate::recover::Damage;
use crate::segment::{BatchScan, Segment, WalkEnd};
use crate::shared::Shared;

const BUFFER_BYTES: usize = 256 * 1024;

/// Where the next piece of a log begins.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    segment: Arc<Segment>,
    position: Position,
    /// No batch from here on may begin below this offset.
    next_offset: Offset,
}

impl Place {
    fn start_of(segment: Arc<Segment>) -> Place {
        let next_offset = segment.base_offset();
        Place { segment, position: Position::ZERO, next_offset }
    }
}

/// What one piece held.
#[derive(Debug)]
pub(crate) struct Piece {
    pub bytes: u64,
    pub damaged: Vec<Damage>,
    /// `None` at the end of the log.
    pub next: Option<Place>,
}

/// Checks about `max_bytes` of one segment, from `place` on, or from the start of the log.
pub(crate) fn check(shared: &Shared, place: Option<Place>, max_bytes: u64) -> Result<Piece> {
    let Some(place) = still_there(shared, place) else {
        return Ok(Piece { bytes: 0, damaged: Vec::new(), next: None });
    };
    let cuts = shared.truncations();
    let mut piece = check_from(shared, &place, max_bytes)?;
    // Compaction, retention or a cut may have given the file away meanwhile: then this was no damage.
    if !shared.segments.holds(&place.segment) || shared.truncations() != cuts {
        piece.damaged.clear();
    }
    Ok(piece)
}

/// The place itself while its segment is part of the log, else the start of what stands there now.
fn still_there(shared: &Shared, place: Option<Place>) -> Option<Place> {
    match place {
        None => shared.segments.first().map(Place::start_of),
        Some(place) if shared.segments.holds(&place.segment) => Some(place),
        Some(place) => {
            let base_offset = place.segment.base_offset();
            let now = shared.segments.floor(base_offset).or_else(|| shared.segments.first());
            now.map(Place::start_of)
        }
    }
}

fn check_from(shared: &Shared, place: &Place, max_bytes: u64) -> Result<Piece> {
    let segment = &place.segment;
    let path = shared.home.path(segment.base_offset(), FileKind::Log);
    let fail = |e| Error::io("read", &path, e);
    let files = segment.files()?;
    let size = segment.size_bytes()?;
    // After the size: what is published below it ends below this, too.
    let after = shared.segments.after(segment.base_offset());
    let end_offset = after.as_ref().map_or_else(|| shared.log_end_offset(), |after| after.base_offset());
    let start = u64::from(place.position.get());
    let mut scan = BatchScan::new(&*files.log, place.position, size, BUFFER_BYTES);
    let mut next_offset = place.next_offset;
    let mut damaged = Vec::new();
    loop {
        let position = scan.position();
        if position.saturating_sub(start) >= max_bytes {
            let next = u32::try_from(position).ok().map(Position::new);
            let next = next.map(|position| Place { segment: segment.clone(), position, next_offset });
            return Ok(Piece { bytes: position - start, damaged, next });
        }
        let reason = match scan.step().map_err(fail)? {
            // No checksum covers a batch's base offset.
            Ok(batch) if batch.head.base_offset() < next_offset || batch.head.last_offset() >= end_offset => {
                format!(
                    "a batch of offsets {} to {} where {next_offset} to {} are due",
                    batch.head.base_offset(),
                    batch.head.last_offset(),
                    end_offset - 1
                )
            }
            Ok(batch) => {
                next_offset = batch.head.last_offset() + 1;
                continue;
            }
            Err(end) => match end.end {
                WalkEnd::Clean => break,
                WalkEnd::Torn { needed, found } => {
                    format!("a batch of {needed} bytes, of which {found} are there")
                }
                WalkEnd::Zeros { bytes } => format!("{bytes} zero bytes"),
                WalkEnd::Invalid(error) => error.to_string(),
            },
        };
        let whole = scan.skip_damage(position, next_offset).map_err(fail)?;
        let bytes = whole.map_or(size, |whole| u64::from(whole.get())) - position;
        damaged.push(Damage { path: path.clone(), position, bytes, next_offset, reason });
        if whole.is_none() {
            break;
        }
    }
    Ok(Piece { bytes: size - start, damaged, next: after.map(Place::start_of) })
}
