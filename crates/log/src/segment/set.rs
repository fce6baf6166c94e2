use std::collections::BTreeMap;
use std::sync::Arc;

use super::segment::Segment;
use crate::offset::Offset;
use crate::sync::{PoisonError, RwLock};

/// The segments of a log by base offset. The lock is held for a lookup or a change of the map only,
/// never across I/O, so readers do not wait for the appender's disk.
#[derive(Debug, Default)]
pub(crate) struct SegmentSet {
    segments: RwLock<BTreeMap<Offset, Arc<Segment>>>,
}

impl SegmentSet {
    pub(crate) fn new(segments: impl IntoIterator<Item = Arc<Segment>>) -> SegmentSet {
        let segments = segments.into_iter().map(|segment| (segment.base_offset(), segment)).collect();
        SegmentSet { segments: RwLock::new(segments) }
    }

    fn read<R>(&self, look: impl FnOnce(&BTreeMap<Offset, Arc<Segment>>) -> R) -> R {
        look(&self.segments.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<R>(&self, change: impl FnOnce(&mut BTreeMap<Offset, Arc<Segment>>) -> R) -> R {
        change(&mut self.segments.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The segment that may hold `offset`: the last one whose base offset is at or below it.
    pub(crate) fn floor(&self, offset: Offset) -> Option<Arc<Segment>> {
        self.read(|all| all.range(..=offset).next_back().map(|(_, segment)| segment.clone()))
    }

    /// The segment after the one that begins at `base_offset`.
    pub(crate) fn after(&self, base_offset: Offset) -> Option<Arc<Segment>> {
        self.read(|all| all.range(base_offset + 1..).next().map(|(_, segment)| segment.clone()))
    }

    pub(crate) fn first(&self) -> Option<Arc<Segment>> {
        self.read(|all| all.values().next().cloned())
    }

    pub(crate) fn last(&self) -> Option<Arc<Segment>> {
        self.read(|all| all.values().next_back().cloned())
    }

    pub(crate) fn len(&self) -> usize {
        self.read(BTreeMap::len)
    }

    /// All segments, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Segment>> {
        self.read(|all| all.values().cloned().collect())
    }

    /// The segments from the one that may hold `offset` on.
    pub(crate) fn from(&self, offset: Offset) -> Vec<Arc<Segment>> {
        self.read(|all| {
            let start = all.range(..=offset).next_back().map_or(offset, |(base, _)| *base);
            all.range(start..).map(|(_, segment)| segment.clone()).collect()
        })
    }

    /// Puts `sealed` in the place of the active segment and adds the new active one behind it.
    pub(crate) fn roll(&self, sealed: Arc<Segment>, active: Arc<Segment>) {
        self.write(|all| {
            all.insert(sealed.base_offset(), sealed);
            all.insert(active.base_offset(), active);
        });
    }

    /// Whether this very segment is part of the log, and not another one that has taken its place.
    pub(crate) fn holds(&self, segment: &Arc<Segment>) -> bool {
        self.read(|all| all.get(&segment.base_offset()).is_some_and(|found| Arc::ptr_eq(found, segment)))
    }

    /// Puts one segment in the place of several, in one step.
    pub(crate) fn replace(&self, old: &[Arc<Segment>], new: Arc<Segment>) {
        self.write(|all| {
            old.iter().for_each(|old| drop(all.remove(&old.base_offset())));
            all.insert(new.base_offset(), new);
        });
    }

    /// Takes out the segments with these base offsets.
    pub(crate) fn remove(&self, base_offsets: &[Offset]) -> Vec<Arc<Segment>> {
        self.write(|all| base_offsets.iter().filter_map(|base| all.remove(base)).collect())
    }

    /// Replaces everything from `from` on by `segments`.
    pub(crate) fn replace_from(&self, from: Offset, segments: Vec<Arc<Segment>>) -> Vec<Arc<Segment>> {
        self.write(|all| {
            let removed = all.split_off(&from);
            all.extend(segments.into_iter().map(|segment| (segment.base_offset(), segment)));
            removed.into_values().collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Os;
    use crate::segment::{HandleCache, Home};

    fn set(bases: &[i64]) -> SegmentSet {
        SegmentSet::new(bases.iter().map(|base| segment(*base)))
    }

    fn segment(base: i64) -> Arc<Segment> {
        let home = Home { fs: Arc::new(Os), dir: "none".into(), handles: Arc::new(HandleCache::new(1)) };
        Arc::new(Segment::sealed(Offset::new(base), Arc::new(home), false))
    }

    fn bases(segments: impl IntoIterator<Item = Arc<Segment>>) -> Vec<i64> {
        segments.into_iter().map(|segment| segment.base_offset().get()).collect()
    }

    #[test]
    fn segments_are_found_by_the_offsets_that_they_may_hold() {
        let set = set(&[10, 20, 30]);
        let at = Offset::new;
        for (offset, floor, after, from) in [
            (9, None, Some(10), &[10, 20, 30][..]),
            (10, Some(10), Some(20), &[10, 20, 30]),
            (19, Some(10), Some(20), &[10, 20, 30]),
            (20, Some(20), Some(30), &[20, 30]),
            (30, Some(30), None, &[30]),
            (99, Some(30), None, &[30]),
        ] {
            assert_eq!(bases(set.floor(at(offset))), bases(floor.map(segment)), "{offset}");
            assert_eq!(bases(set.after(at(offset))), bases(after.map(segment)), "{offset}");
            assert_eq!(bases(set.from(at(offset))), from, "{offset}");
        }
        assert_eq!(
            (bases(set.first()), bases(set.last()), bases(set.all())),
            (vec![10], vec![30], vec![10, 20, 30])
        );
        assert_eq!((set.len(), SegmentSet::default().len()), (3, 0));
    }

    #[test]
    fn only_the_very_segment_is_held_and_not_another_of_its_name() {
        let (one, other) = (segment(10), segment(10));
        let set = SegmentSet::new([one.clone()]);
        assert!(set.holds(&one) && !set.holds(&other));
        set.replace(std::slice::from_ref(&one), other.clone());
        assert!(!set.holds(&one) && set.holds(&other));
    }

    #[test]
    fn segments_come_and_go_in_one_step() {
        let set = set(&[10, 20, 30]);
        assert_eq!(bases(set.remove(&[20, 25].map(Offset::new))), [20]);
        set.roll(segment(30), segment(40));
        assert_eq!(bases(set.all()), [10, 30, 40]);
        assert_eq!(bases(set.replace_from(Offset::new(30), vec![segment(35)])), [30, 40]);
        assert_eq!(bases(set.all()), [10, 35]);
    }
}
