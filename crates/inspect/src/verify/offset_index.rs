use std::collections::VecDeque;

use ottla::Offset;
use ottla::segment::OffsetIndexEntry;

use super::index_file::IndexFile;
use super::kind::Kind;
use super::seen::Seen;

type Problem = (u64, Kind, String);

/// Each entry of a `.index` file leads to a batch from which a walk forward finds its offset.
///
/// An entry stands for the last of the batches of one append, and has the position of the first of them;
/// since Kafka 4.0 each batch is an append of its own.
#[derive(Clone, Debug)]
pub struct OffsetIndexCheck {
    base_offset: Offset,
    /// The number of each entry in the file, and the entry; in order of both offset and position.
    ahead: VecDeque<(usize, OffsetIndexEntry)>,
    /// Entries whose position was passed, and whose offset was not.
    begun: VecDeque<(usize, OffsetIndexEntry)>,
    rule: Rule,
}

/// The rule by which entries are made: a batch gets one that begins more than the interval behind the last
/// batch that got one. An index of another interval, or of appends of several batches, does not follow it.
#[derive(Clone, Debug)]
struct Rule {
    interval_bytes: u64,
    /// The batch that the last entry leads to, or would lead to.
    last: u64,
    /// The first batch behind the last entry that would have got one.
    due: Option<u64>,
    /// How many would have got one.
    missing: u64,
    is_followed: bool,
}

impl Rule {
    fn observe(&mut self, position: u64, has_entry: bool) {
        let is_due = position.saturating_sub(self.last) > self.interval_bytes;
        if has_entry {
            self.is_followed &= is_due && self.due.is_none();
            (self.last, self.due, self.missing) = (position, None, 0);
        } else if is_due {
            self.due.get_or_insert(position);
            self.last = position;
            self.missing += 1;
        }
    }
}

impl OffsetIndexCheck {
    /// A check of these entries; those that are out of order are told at once, and not looked at again.
    pub fn new(
        base_offset: Offset,
        interval_bytes: u32,
        entries: &[OffsetIndexEntry],
    ) -> (OffsetIndexCheck, Vec<Problem>) {
        let interval_bytes = u64::from(interval_bytes);
        let rule = Rule { interval_bytes, last: 0, due: None, missing: 0, is_followed: true };
        let mut check =
            OffsetIndexCheck { base_offset, ahead: VecDeque::new(), begun: VecDeque::new(), rule };
        let mut problems = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            let follows = check.ahead.back().is_none_or(|(_, last)| {
                entry.relative_offset > last.relative_offset && entry.position > last.position
            });
            if follows {
                check.ahead.push_back((number, *entry));
            } else {
                let what = "it does not lie after the entry before it, by offset and position";
                problems.push(problem(number, *entry, Kind::IndexOrder, what));
            }
        }
        (check, problems)
    }

    /// Looks at one batch.
    pub fn observe(&mut self, seen: &Seen<'_>, problems: &mut Vec<Problem>) {
        let mut has_entry = false;
        while let Some((number, entry)) = self.ahead.front().copied() {
            if u64::from(entry.position.get()) > seen.position {
                break;
            }
            self.ahead.pop_front();
            has_entry |= u64::from(entry.position.get()) == seen.position;
            if u64::from(entry.position.get()) < seen.position {
                problems.push(problem(number, entry, Kind::IndexEntry, "no batch begins at its position"));
            } else if entry.offset(self.base_offset) < seen.head.base_offset() {
                let what = format!("the batch at its position begins later, at {}", seen.head.base_offset());
                problems.push(problem(number, entry, Kind::IndexEntry, &what));
            } else {
                self.begun.push_back((number, entry));
            }
        }
        while let Some((number, entry)) = self.begun.front().copied() {
            let offset = entry.offset(self.base_offset);
            if offset > seen.head.last_offset() {
                break;
            }
            self.begun.pop_front();
            if offset < seen.head.last_offset() {
                let what = format!("no batch ends with offset {offset}");
                problems.push(problem(number, entry, Kind::IndexEntry, &what));
            }
        }
        self.rule.observe(seen.position, has_entry);
    }

    /// Goes past bytes that are no whole batch: entries that lead there say nothing any more.
    pub fn skip(&mut self, from: u64, to: u64) {
        self.begun.clear();
        // What was lost may have had entries, or been too small for one.
        self.rule.is_followed = false;
        self.ahead.retain(|(_, entry)| !(from..to).contains(&u64::from(entry.position.get())));
    }

    /// What is left when the log has ended. The index of a closed segment has all its entries; those of an open
    /// one may be on their way.
    pub fn end(self, closed: bool, problems: &mut Vec<Problem>) {
        if let Some(due) = self.rule.due.filter(|_| closed && self.rule.is_followed) {
            let what = format!("{} entries are missing at its end, from byte {due} on", self.rule.missing);
            problems.push((0, Kind::IndexShort, what));
        }
        for (number, entry) in self.begun.into_iter().chain(self.ahead) {
            problems.push(problem(number, entry, Kind::IndexEntry, "it lies past the last whole batch"));
        }
    }
}

fn problem(number: usize, entry: OffsetIndexEntry, kind: Kind, what: &str) -> Problem {
    let OffsetIndexEntry { relative_offset, position } = entry;
    let text = format!("entry {number} (relative offset {relative_offset}, position {position}): {what}");
    (IndexFile::<OffsetIndexEntry>::position_of(number), kind, text)
}

#[cfg(test)]
mod tests {
    use ottla::Position;
    use ottla_record::{BatchBuilder, Head};

    use super::*;

    /// Batches of two records from offset 100 on, 1,000 bytes apart.
    fn problems(entries: &[(u32, u32)], batches: u64) -> Vec<(u64, Kind)> {
        let entries: Vec<_> = entries
            .iter()
            .map(|(relative, position)| OffsetIndexEntry {
                relative_offset: *relative,
                position: Position::new(*position),
            })
            .collect();
        let (mut check, mut problems) = OffsetIndexCheck::new(Offset::new(100), 1 << 30, &entries);
        for n in 0..batches {
            let mut builder = BatchBuilder::new().base_offset(Offset::new(100 + 2 * n as i64));
            builder.push(0, None, None, &[]).unwrap();
            builder.push(0, None, None, &[]).unwrap();
            let head = Head::parse(&builder.build().unwrap()).unwrap();
            check.observe(&Seen { position: n * 1000, head: &head, marker: None }, &mut problems);
        }
        check.end(true, &mut problems);
        problems.into_iter().map(|(position, kind, _)| (position, kind)).collect()
    }

    #[test]
    fn entries_that_lead_to_their_batch_are_fine() {
        assert_eq!(problems(&[(3, 1000), (7, 3000)], 5), []);
        // One append of the batches 1 to 3.
        assert_eq!(problems(&[(7, 1000)], 5), []);
        assert_eq!(problems(&[], 5), []);
    }

    #[test]
    fn every_wrong_entry_is_found_with_its_place() {
        assert_eq!(problems(&[(3, 1001)], 5), [(0, Kind::IndexEntry)]);
        assert_eq!(problems(&[(3, 1000), (4, 3000)], 5), [(8, Kind::IndexEntry)]);
        assert_eq!(problems(&[(2, 1000)], 5), [(0, Kind::IndexEntry)]);
        assert_eq!(problems(&[(3, 1000), (3, 3000)], 5), [(8, Kind::IndexOrder)]);
        assert_eq!(problems(&[(3, 1000), (11, 5000)], 5), [(8, Kind::IndexEntry)]);
        assert_eq!(problems(&[(900, 4000)], 5), [(0, Kind::IndexEntry)]);
    }
}
