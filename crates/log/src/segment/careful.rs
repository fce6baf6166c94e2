//! Finding an offset where the batch heads cannot be believed: offsets and length lie outside the checksum, and
//! a walk over heads looks at no checksum at all. Here every batch is checked whole, and each against its
//! neighbours.

use std::io;

use ottla_record::Head;

use super::log_file::{BatchScan, ScanEnd, WalkEnd};
use crate::fs::File;
use crate::offset::{Offset, Position};

const BUFFER_BYTES: usize = 64 * 1024;

/// Of two batches that overlap one lies. Whether that is the earlier one, which leaves a gap before it: `next_offset` is
/// where the batch before it ends, `behind` the base offset of the one behind it.
pub(crate) fn lies_behind_gap(head: &Head, next_offset: Offset, behind: Offset) -> bool {
    head.base_offset() > next_offset && (next_offset..=head.last_offset()).contains(&behind)
}

/// Where an offset is.
#[derive(Clone, Debug)]
pub(crate) enum Whole {
    /// In this batch, or in a gap before it.
    Batch(Position, Head),
    /// Among damaged bytes.
    Damaged {
        /// The first of them, and what stands there.
        damage: Damage,
        /// Where the next whole batch begins.
        next: Option<Offset>,
    },
    /// Behind the last batch.
    Behind,
}

/// A byte where no batch is that could stand there, and why.
pub(crate) type Damage = (u64, String);

/// A whole batch, and where it begins.
type Batch = (Position, Head);

/// What is looked for, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub offset: Offset,
    /// A batch begins here.
    pub start: Position,
    pub end: u64,
    /// The offsets of all batches from `start` to `end` lie between these.
    pub least: Offset,
    pub limit: Offset,
}

/// The first whole batch that fits among its neighbours and reaches `offset`.
pub(crate) fn find(log: &dyn File, wanted: Wanted) -> io::Result<Whole> {
    let Wanted { offset, start, end, least, limit } = wanted;
    let mut scan = BatchScan::new(log, start, end, BUFFER_BYTES);
    let (mut next_offset, mut damage) = (least, None);
    let (mut next, mut before) = step(&mut scan, next_offset)?;
    while let Some((position, head)) = next {
        let (behind, between) = step(&mut scan, next_offset)?;
        damage = damage.or(before);
        // Of two batches that overlap one lies: the later, unless the earlier left a gap before it.
        let leaves_gap = head.base_offset() > next_offset;
        let bound = behind.as_ref().map_or(limit, |(_, behind)| behind.base_offset());
        let lies = head.base_offset() < next_offset || (leaves_gap && head.last_offset() >= bound);
        if lies {
            let what = format!("a batch of offset {} where {next_offset} is next", head.base_offset());
            damage.get_or_insert((u64::from(position.get()), what));
        } else if head.last_offset() >= offset {
            return Ok(match damage {
                Some(damage) if head.base_offset() > offset => {
                    Whole::Damaged { damage, next: Some(head.base_offset()) }
                }
                _ => Whole::Batch(position, head),
            });
        } else {
            (next_offset, damage) = (head.last_offset() + 1, None);
        }
        (next, before) = (behind, between);
    }
    let damage = damage.or(before);
    Ok(damage.map_or(Whole::Behind, |damage| Whole::Damaged { damage, next: None }))
}

/// The next whole batch, and what lies before it and is none.
fn step(scan: &mut BatchScan<'_>, next_offset: Offset) -> io::Result<(Option<Batch>, Option<Damage>)> {
    let mut damage = None;
    loop {
        let (position, found) = match scan.step()? {
            Ok(batch) => return Ok((Some((batch.position, batch.head)), damage)),
            Err(ScanEnd { end: WalkEnd::Clean, .. }) => return Ok((None, damage)),
            Err(ScanEnd { position, end }) => (position, end),
        };
        damage.get_or_insert_with(|| (position, format!("{found:?}")));
        if scan.skip_damage(position, next_offset)?.is_none() {
            return Ok((None, damage));
        }
    }
}
