use std::collections::VecDeque;

use ottla::Offset;
use ottla::segment::TimeIndexEntry;

use super::index_file::IndexFile;
use super::kind::Kind;
use super::seen::Seen;

type Problem = (u64, Kind, String);

/// Each entry of a `.timeindex` file has the largest timestamp of all batches up to its offset.
#[derive(Clone, Debug)]
pub struct TimeIndexCheck {
    base_offset: Offset,
    ahead: VecDeque<(usize, TimeIndexEntry)>,
    last: Option<TimeIndexEntry>,
    newest_ms: i64,
}

impl TimeIndexCheck {
    /// A check of these entries; those that are out of order are told at once, and not looked at again.
    pub fn new(base_offset: Offset, entries: &[TimeIndexEntry]) -> (TimeIndexCheck, Vec<Problem>) {
        let mut ahead: VecDeque<(usize, TimeIndexEntry)> = VecDeque::new();
        let mut problems = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            let follows = ahead.back().is_none_or(|(_, last)| {
                entry.timestamp_ms > last.timestamp_ms && entry.relative_offset >= last.relative_offset
            });
            if follows {
                ahead.push_back((number, *entry));
            } else {
                let what = "it does not lie after the entry before it, by time and offset";
                problems.push(problem(number, *entry, Kind::IndexOrder, what));
            }
        }
        let last = ahead.back().map(|(_, entry)| *entry);
        (TimeIndexCheck { base_offset, ahead, last, newest_ms: -1 }, problems)
    }

    /// Looks at one batch.
    pub fn observe(&mut self, seen: &Seen<'_>, problems: &mut Vec<Problem>) {
        let before_ms = self.newest_ms;
        self.newest_ms = before_ms.max(seen.head.max_timestamp_ms());
        while let Some((number, entry)) = self.ahead.front().copied() {
            let offset = entry.offset(self.base_offset);
            if offset > seen.head.last_offset() {
                break;
            }
            self.ahead.pop_front();
            let newest_ms = if offset < seen.head.base_offset() { before_ms } else { self.newest_ms };
            if newest_ms != entry.timestamp_ms {
                let what = format!("the newest record up to there is of {newest_ms} ms");
                problems.push(problem(number, entry, Kind::IndexEntry, &what));
            }
        }
    }

    /// What is left when the log has ended. The index of a closed segment says how new its newest record is.
    pub fn end(self, closed: bool, problems: &mut Vec<Problem>) {
        for (number, entry) in self.ahead {
            problems.push(problem(number, entry, Kind::IndexEntry, "it lies past the last whole batch"));
        }
        let said_ms = self.last.map_or(-1, |entry| entry.timestamp_ms);
        let newest_ms = self.newest_ms;
        if closed && said_ms < newest_ms {
            let what = format!("it ends at {said_ms} ms, and the newest batch is of {newest_ms} ms");
            problems.push((0, Kind::TimeIndexShort, what));
        }
    }
}

fn problem(number: usize, entry: TimeIndexEntry, kind: Kind, what: &str) -> Problem {
    let TimeIndexEntry { timestamp_ms, relative_offset } = entry;
    let text = format!("entry {number} ({timestamp_ms} ms, relative offset {relative_offset}): {what}");
    (IndexFile::<TimeIndexEntry>::position_of(number), kind, text)
}

#[cfg(test)]
mod tests {
    use ottla_record::{BatchBuilder, Head};

    use super::*;

    /// Batches of two records from offset 100 on, each with one timestamp.
    fn problems(entries: &[(i64, u32)], timestamps: &[i64], sealed: bool) -> Vec<(u64, Kind)> {
        let entries: Vec<_> = entries
            .iter()
            .map(|(timestamp_ms, relative)| TimeIndexEntry {
                timestamp_ms: *timestamp_ms,
                relative_offset: *relative,
            })
            .collect();
        let (mut check, mut problems) = TimeIndexCheck::new(Offset::new(100), &entries);
        for (n, timestamp_ms) in (0..).zip(timestamps) {
            let mut builder = BatchBuilder::new().base_offset(Offset::new(100 + 2 * n));
            builder.push(*timestamp_ms, None, None, &[]).unwrap();
            builder.push(*timestamp_ms, None, None, &[]).unwrap();
            let head = Head::parse(&builder.build().unwrap()).unwrap();
            check.observe(&Seen { position: 0, head: &head, marker: None }, &mut problems);
        }
        check.end(sealed, &mut problems);
        problems.into_iter().map(|(position, kind, _)| (position, kind)).collect()
    }

    #[test]
    fn entries_with_the_largest_timestamp_so_far_are_fine() {
        assert_eq!(problems(&[(50, 1), (60, 5)], &[50, 40, 60, 60], true), []);
        assert_eq!(problems(&[(50, 1)], &[50, 40], true), []);
        assert_eq!(problems(&[], &[-1, -1], true), []);
        assert_eq!(problems(&[(50, 1)], &[50, 60], false), []);
    }

    #[test]
    fn every_wrong_entry_is_found_with_its_place() {
        assert_eq!(problems(&[(40, 3)], &[50, 40], false), [(0, Kind::IndexEntry)]);
        assert_eq!(problems(&[(50, 1), (70, 5)], &[50, 40, 60], false), [(12, Kind::IndexEntry)]);
        assert_eq!(problems(&[(50, 1), (50, 3)], &[50, 50], false), [(12, Kind::IndexOrder)]);
        assert_eq!(problems(&[(50, 9)], &[50], false), [(0, Kind::IndexEntry)]);
        assert_eq!(problems(&[(50, 1)], &[50, 60], true), [(0, Kind::TimeIndexShort)]);
    }
}
