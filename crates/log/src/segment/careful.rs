//! Finding an offset where the batch heads cannot be believed: offsets and length lie outside the checksum, and
//! a walk over heads looks at no checksum at all. Here every batch is checked whole, and each against its
//! neighbours.

use std::io;

use ottla_record::Head;

use super::batch_scan::{BatchScan, ScanEnd};
use super::walk_end::WalkEnd;
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

#[cfg(test)]
mod tests {
    use ottla_record::BatchBuilder;

    use super::*;
    use crate::fs::counted::Counted;

    fn batch(first: i64, last: i64) -> Vec<u8> {
        let mut builder = BatchBuilder::new().base_offset(Offset::new(first)).last_offset(Offset::new(last));
        builder.push(0, None, Some(&[7; 30]), &[]).unwrap();
        builder.build().unwrap()
    }

    /// Where an offset is: the offsets of its batch, or those that are damaged: from which batch on, and what is next.
    #[derive(Debug, PartialEq, Eq)]
    enum Found {
        In(i64, i64),
        Damaged(u64, Option<i64>),
        Behind,
    }

    /// Looks for an offset among batches of these offsets, some of which are damaged, below `limit`.
    fn found(batches: &[(i64, i64)], damaged: &[usize], limit: i64, offset: i64) -> Found {
        let size = batch(0, 0).len();
        let mut bytes: Vec<u8> = batches.iter().flat_map(|(first, last)| batch(*first, *last)).collect();
        damaged.iter().for_each(|number| bytes[number * size + 70] ^= 1);
        let wanted = Wanted {
            offset: Offset::new(offset),
            start: Position::ZERO,
            end: bytes.len() as u64,
            least: Offset::ZERO,
            limit: Offset::new(limit),
        };
        match find(&*Counted::of(&bytes), wanted).unwrap() {
            Whole::Batch(position, head) => {
                let number = position.get() as usize / size;
                assert_eq!((head.base_offset().get(), head.last_offset().get()), batches[number]);
                Found::In(batches[number].0, batches[number].1)
            }
            Whole::Damaged { damage: (position, _), next } => {
                Found::Damaged(position / size as u64, next.map(Offset::get))
            }
            Whole::Behind => Found::Behind,
        }
    }

    #[test]
    fn the_earlier_of_two_that_overlap_lies_where_it_leaves_a_gap() {
        let head = Head::parse(&batch(10, 14)).unwrap();
        let lies = |next: i64, behind: i64| lies_behind_gap(&head, Offset::new(next), Offset::new(behind));
        assert!(lies(5, 5) && lies(5, 9) && lies(5, 10) && lies(5, 14));
        assert!(!lies(5, 4) && !lies(5, 15), "it does not overlap");
        assert!(!lies(10, 12) && !lies(11, 12), "there is no gap");
    }

    #[test]
    fn in_whole_batches_in_order_every_offset_is_found() {
        let batches = [(0, 4), (5, 5), (10, 14)];
        for (offset, expected) in [
            (0, Found::In(0, 4)),
            (4, Found::In(0, 4)),
            (5, Found::In(5, 5)),
            (6, Found::In(10, 14)),
            (14, Found::In(10, 14)),
            (15, Found::Behind),
        ] {
            assert_eq!(found(&batches, &[], 15, offset), expected, "{offset}");
        }
        assert_eq!(found(&[], &[], 15, 0), Found::Behind);
    }

    #[test]
    fn what_is_damaged_is_told_and_what_is_around_it_found() {
        let batches = [(0, 4), (5, 9), (10, 14), (20, 24)];
        for (damaged, offset, expected) in [
            (&[0][..], 3, Found::Damaged(0, Some(5))),
            (&[0], 5, Found::In(5, 9)),
            (&[1], 4, Found::In(0, 4)),
            (&[1], 5, Found::Damaged(1, Some(10))),
            (&[1], 9, Found::Damaged(1, Some(10))),
            (&[1], 10, Found::In(10, 14)),
            (&[1], 17, Found::In(20, 24)),
            (&[1, 2], 12, Found::Damaged(1, Some(20))),
            (&[3], 14, Found::In(10, 14)),
            (&[3], 15, Found::Damaged(3, None)),
            (&[3], 90, Found::Damaged(3, None)),
        ] {
            assert_eq!(found(&batches, damaged, 25, offset), expected, "{offset} with {damaged:?} damaged");
        }
    }

    #[test]
    fn a_batch_whose_offsets_do_not_fit_is_damage() {
        let early = [(0, 9), (5, 14), (10, 14)];
        assert_eq!(found(&early, &[], 15, 9), Found::In(0, 9));
        assert_eq!(found(&early, &[], 15, 12), Found::In(10, 14));
        let early_and_gap = [(0, 9), (5, 14), (11, 14)];
        assert_eq!(found(&early_and_gap, &[], 15, 10), Found::Damaged(1, Some(11)));
        assert_eq!(found(&early_and_gap, &[], 15, 11), Found::In(11, 14));
        let late = [(0, 4), (100, 104), (5, 9)];
        assert_eq!(found(&late, &[], 10, 5), Found::In(5, 9));
        assert_eq!(found(&late, &[], 10, 10), Found::Behind);
        // Without a batch behind it, the limit tells.
        assert_eq!(found(&[(0, 4), (7, 9)], &[], 10, 5), Found::In(7, 9));
        assert_eq!(found(&[(0, 4), (7, 9)], &[], 9, 5), Found::Damaged(1, None));
        assert_eq!(found(&[(0, 4), (5, 9)], &[], 9, 5), Found::In(5, 9), "which leaves no gap");
    }
}
