//! Which neighbouring segments become one, so that segments do not get smaller with each pass: a pure
//! decision (Kafka's `groupSegmentsBySize`).

use crate::config::LogConfig;
use crate::offset::Offset;

/// The files of one pass's output are open together with those of its input.
const MOST_SEGMENTS: usize = 128;

/// What is known of a segment, as far as grouping depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentSize {
    pub base_offset: Offset,
    /// The offset after the segment: the next one's base offset.
    pub end_offset: Offset,
    pub log_bytes: u64,
    pub index_bytes: u64,
    pub time_index_bytes: u64,
}

/// How many segments each group takes, in their order.
pub(crate) fn group(segments: &[SegmentSize], config: &LogConfig) -> Vec<usize> {
    let mut groups = Vec::new();
    let mut current: Option<(Group, usize)> = None;
    for segment in segments {
        current = match current.take() {
            Some((group, count)) if count < MOST_SEGMENTS && group.has_room_for(segment, config) => {
                Some((group.with(segment), count + 1))
            }
            full => {
                groups.extend(full.map(|(_, count)| count));
                Some((Group::of(segment), 1))
            }
        };
    }
    groups.extend(current.map(|(_, count)| count));
    groups
}

#[derive(Clone, Copy, Debug)]
struct Group {
    base_offset: Offset,
    log_bytes: u64,
    index_bytes: u64,
    time_index_bytes: u64,
}

impl Group {
    fn of(segment: &SegmentSize) -> Group {
        Group {
            base_offset: segment.base_offset,
            log_bytes: segment.log_bytes,
            index_bytes: segment.index_bytes,
            time_index_bytes: segment.time_index_bytes,
        }
    }

    fn has_room_for(&self, segment: &SegmentSize, config: &LogConfig) -> bool {
        let index_room = u64::from(config.segment_index_bytes);
        // An index holds offsets relative to the base in 32 bits.
        let narrow = segment.end_offset - 1 - self.base_offset <= i64::from(i32::MAX);
        self.log_bytes + segment.log_bytes <= u64::from(config.segment_bytes)
            && self.index_bytes + segment.index_bytes <= index_room
            && self.time_index_bytes + segment.time_index_bytes <= index_room
            && (narrow || segment.log_bytes == 0)
    }

    fn with(self, segment: &SegmentSize) -> Group {
        Group {
            log_bytes: self.log_bytes + segment.log_bytes,
            index_bytes: self.index_bytes + segment.index_bytes,
            time_index_bytes: self.time_index_bytes + segment.time_index_bytes,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(base: i64, end: i64, log_bytes: u64) -> SegmentSize {
        SegmentSize {
            base_offset: Offset::new(base),
            end_offset: Offset::new(end),
            log_bytes,
            index_bytes: 8,
            time_index_bytes: 12,
        }
    }

    fn config() -> LogConfig {
        LogConfig { segment_bytes: 100, segment_index_bytes: 1_000, ..Default::default() }
    }

    #[test]
    fn neighbours_that_fit_together_become_one() {
        let segments = [segment(0, 10, 40), segment(10, 20, 60), segment(20, 30, 1), segment(30, 40, 99)];
        assert_eq!(group(&segments, &config()), [2, 2]);
        assert_eq!(group(&[], &config()), [0_usize; 0]);
    }

    #[test]
    fn a_segment_that_is_too_large_stays_alone() {
        let segments = [segment(0, 10, 400), segment(10, 20, 400), segment(20, 30, 1)];
        assert_eq!(group(&segments, &config()), [1, 1, 1]);
    }

    #[test]
    fn indexes_have_their_own_limit() {
        let small = LogConfig { segment_index_bytes: 24, ..config() };
        let segments = [segment(0, 10, 1), segment(10, 20, 1), segment(20, 30, 1)];
        assert_eq!(group(&segments, &small), [2, 1]);
    }

    #[test]
    fn offsets_too_far_apart_are_not_put_together() {
        let far = i64::from(i32::MAX) + 1;
        assert_eq!(group(&[segment(0, 10, 1), segment(10, far, 1)], &config()), [2]);
        assert_eq!(group(&[segment(0, 10, 1), segment(10, far + 1, 1)], &config()), [1, 1]);
        assert_eq!(group(&[segment(0, 10, 1), segment(10, far + 1, 0)], &config()), [2]);
    }
}
