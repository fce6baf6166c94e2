//! The oracle: what was sent and what was promised, kept outside the image, and whether what came back may be that.
//!
//! Promised is: every record below the end at a `sync_to`, `flush` or `close` that was answered; every topic made, grown,
//! altered or deleted by a call that was answered; every log start that was moved; every producer id that was given
//! out. What came back must be a prefix of what was sent, in whole batches, and hold all that was promised. One call may
//! have been under way: either it has happened or it has not.

use std::collections::{BTreeMap, BTreeSet};

use crate::found::{Found, FoundPartition};
use crate::op::{At, Batch, Op, Producer};
use crate::records;

/// What stands at one offset.
#[derive(Clone, Debug)]
pub struct Record {
    /// The offset of the batch it came in.
    pub base: i64,
    /// Its number and length; `None` for the marker that ends a transaction, which nobody reads.
    pub value: Option<(u64, u32)>,
    /// Who sent it.
    pub producer: Option<Producer>,
    /// For a marker, whether it commits.
    pub commits: bool,
}

/// What a partition must hold.
#[derive(Clone, Debug, Default)]
pub struct Partition {
    /// By offset.
    pub records: BTreeMap<i64, Record>,
    /// The first offset.
    pub start: i64,
    /// The offset after the last record.
    pub end: i64,
    /// Everything below this must be there.
    pub promised_end: i64,
    /// Whether it is compacted.
    pub compacted: bool,
    /// Below this, records may have been replaced by later ones of their key.
    pub compacted_end: i64,
    /// A pass has begun when the log ended there, and was not answered.
    pub pass_under_way: Option<i64>,
    /// Whether a pass was broken off. Until another has ended, recovery cannot tell its gaps from records that were lost.
    pub broken_off: bool,
}

/// What a topic must be.
#[derive(Clone, Debug, Default)]
pub struct Topic {
    /// By number.
    pub partitions: Vec<Partition>,
    /// A setting of its own.
    pub max_message_bytes: u32,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// By name.
    pub topics: BTreeMap<String, Topic>,
    /// The number of the next record.
    pub next_number: u64,
    /// The largest producer id that was given out.
    pub producer_id: i64,
    /// Whether the workload has the store open.
    pub is_open: bool,
    /// Whether the last call that was made is a close, and was answered: then opening has nothing to recover.
    pub is_closed: bool,
}

/// What a new topic has as `max.message.bytes`.
pub const MAX_MESSAGE_BYTES: u32 = 100_000;

impl Model {
    /// A partition that must be there.
    pub fn partition(&mut self, at: &At) -> Option<&mut Partition> {
        self.topics.get_mut(&at.topic)?.partitions.get_mut(usize::try_from(at.partition).ok()?)
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Partition> {
        self.topics.values_mut().flat_map(|topic| &mut topic.partitions)
    }

    /// A call was made: what holds from here on, whether it is ever answered or not.
    pub fn begun(&mut self, op: &Op) {
        self.is_closed = false;
        match op {
            Op::Truncate { at, to } => {
                if let Some(partition) = self.partition(at) {
                    partition.promised_end = partition.promised_end.min(*to);
                }
            }
            Op::Compact { at } => {
                if let Some(partition) = self.partition(at) {
                    partition.compacted = true;
                    partition.pass_under_way = Some(partition.end);
                }
            }
            Op::Append { batch, .. } => self.next_number = batch.first + u64::from(batch.count),
            _ => {}
        }
    }

    /// A call was answered, with this value where it has one.
    pub fn answered(&mut self, op: &Op, value: i64) {
        match op {
            Op::Open => self.is_open = true,
            Op::Drop => self.is_open = false,
            Op::Close => {
                (self.is_open, self.is_closed) = (false, true);
                self.all().for_each(|partition| partition.promised_end = partition.end);
            }
            Op::Create { topic, partitions } => {
                let partitions = (0..*partitions).map(|_| Partition::new(topic)).collect();
                let made = Topic { partitions, max_message_bytes: MAX_MESSAGE_BYTES };
                self.topics.insert(topic.clone(), made);
            }
            Op::Delete { topic } => drop(self.topics.remove(topic)),
            Op::Grow { topic, total } => {
                if let Some(there) = self.topics.get_mut(topic) {
                    there.partitions.resize(usize::try_from(*total).unwrap_or(0), Partition::new(topic));
                }
            }
            Op::Alter { topic, max_message_bytes } => {
                if let Some(topic) = self.topics.get_mut(topic) {
                    topic.max_message_bytes = *max_message_bytes;
                }
            }
            Op::ProducerId => self.producer_id = value,
            Op::Housekeep => {}
            Op::Compact { at } => {
                if let Some(partition) = self.partition(at) {
                    partition.pass_under_way = None;
                    // It may have found that there was nothing to do.
                    if value > 0 {
                        partition.compacted_end = value;
                        partition.broken_off = false;
                    }
                }
            }
            Op::Append { at, .. }
            | Op::EndTransaction { at, .. }
            | Op::Sync { at }
            | Op::Flush { at }
            | Op::Truncate { at, .. }
            | Op::DeleteRecords { at, .. } => {
                if let Some(partition) = self.partition(at) {
                    partition.answered(op);
                }
            }
        }
    }

    /// Retention moved the start of a log.
    pub fn start_moved(&mut self, at: &At, start: i64) {
        if let Some(partition) = self.partition(at) {
            partition.trim(start);
        }
    }

    /// Whether this may be what came back; takes it over then.
    ///
    /// # Errors
    /// Why not.
    pub fn accept(&mut self, found: &Found, under_way: Option<&Op>) -> Result<(), String> {
        let mut may_be = vec![self.clone()];
        if let Some(op) = under_way {
            self.begun(op);
            let mut then = self.clone();
            then.answered(op, self.producer_id);
            may_be = vec![self.clone(), then];
        }
        let mut refusals = Vec::new();
        for mut model in may_be {
            match model.fits(found, under_way) {
                Ok(()) => {
                    model.take_over(found);
                    *self = model;
                    return Ok(());
                }
                Err(refusal) => refusals.push(refusal),
            }
        }
        Err(refusals.join("; or "))
    }

    fn fits(&self, found: &Found, under_way: Option<&Op>) -> Result<(), String> {
        if !self.topics.keys().eq(found.topics.keys()) {
            let (expected, came) = (self.topics.keys(), found.topics.keys());
            return Err(format!("topics {came:?}, not {expected:?}"));
        }
        for ((name, topic), there) in self.topics.iter().zip(found.topics.values()) {
            if topic.partitions.len() != there.partitions.len() {
                let (expected, came) = (topic.partitions.len(), there.partitions.len());
                return Err(format!("{name} has {came} partitions, not {expected}"));
            }
            if topic.max_message_bytes != there.max_message_bytes {
                let (expected, came) = (topic.max_message_bytes, there.max_message_bytes);
                return Err(format!("{name} has the setting {came}, not {expected}"));
            }
            let start_may_move = name.starts_with('r') && under_way == Some(&Op::Housekeep);
            for (number, (partition, there)) in topic.partitions.iter().zip(&there.partitions).enumerate() {
                partition.fits(there, start_may_move).map_err(|e| format!("{name}-{number}: {e}"))?;
            }
        }
        Ok(())
    }

    fn take_over(&mut self, found: &Found) {
        (self.is_open, self.is_closed) = (false, false);
        for (topic, there) in self.topics.values_mut().zip(found.topics.values()) {
            for (partition, there) in topic.partitions.iter_mut().zip(&there.partitions) {
                partition.take_over(there);
            }
        }
    }
}

impl Partition {
    fn new(topic: &str) -> Partition {
        Partition { compacted: topic.starts_with('c'), ..Partition::default() }
    }

    fn append(&mut self, batch: &Batch) {
        let base = self.end;
        for number in batch.first..batch.first + u64::from(batch.count) {
            let value = Some((number, batch.len));
            let record = Record { base, value, producer: batch.producer, commits: false };
            self.records.insert(self.end, record);
            self.end += 1;
        }
    }

    fn answered(&mut self, op: &Op) {
        match op {
            Op::Append { batch, .. } => self.append(batch),
            Op::EndTransaction { producer_id, commit, .. } => {
                let producer = Some(Producer { id: *producer_id, sequence: -1, transactional: true });
                let marker = Record { base: self.end, value: None, producer, commits: *commit };
                self.records.insert(self.end, marker);
                self.end += 1;
            }
            Op::Sync { .. } | Op::Flush { .. } => self.promised_end = self.end,
            Op::Truncate { to, .. } => {
                drop(self.records.split_off(to));
                self.end = *to;
                self.promised_end = self.promised_end.min(*to);
            }
            Op::DeleteRecords { before, .. } => self.trim(*before),
            _ => {}
        }
    }

    fn trim(&mut self, start: i64) {
        self.records = self.records.split_off(&start);
        self.start = start;
        self.promised_end = self.promised_end.max(start);
    }

    fn fits(&self, there: &FoundPartition, start_may_move: bool) -> Result<(), String> {
        let starts = if start_may_move { self.start..=self.end } else { self.start..=self.start };
        if !starts.contains(&there.start) {
            return Err(format!("starts at {}, not at {}", there.start, self.start));
        }
        let least = self.promised_end.max(there.start);
        if !(least..=self.end).contains(&there.end) {
            let (promised, end) = (self.promised_end, self.end);
            return Err(format!("ends at {}; {promised} was promised and {end} sent", there.end));
        }
        // Where its start was moved up past all that came back, a log is empty there, in the middle of a lost batch.
        let is_empty = there.start == there.end;
        if !is_empty && self.records.get(&there.end).is_some_and(|next| next.base < there.end) {
            return Err(format!("ends at {}, inside a batch", there.end));
        }
        for (offset, bytes) in &there.records {
            let sent = self.records.get(offset).and_then(|record| record.value);
            if sent.map(|(number, len)| records::value(number, len)).as_ref() != Some(bytes) {
                return Err(format!("at {offset} is not what was sent there ({sent:?})"));
            }
        }
        self.lacks_nothing(there)?;
        self.shows_what_is_committed(there)
    }

    /// No holes, but where a pass has put a later record of the same key in the place of one. What was not promised
    /// may be missing too where recovery cannot tell it from the gaps of a cleaner: behind a pass that was broken off,
    /// and where no record is left at all since the last one.
    fn lacks_nothing(&self, there: &FoundPartition) -> Result<(), String> {
        let here: BTreeSet<i64> = there.records.iter().map(|(offset, _)| *offset).collect();
        let first_since_pass = here.range(self.compacted_end..).next().copied().unwrap_or(i64::MAX);
        let is_in_doubt = self.pass_under_way.is_some() || self.broken_off;
        let replaced_below = self.pass_under_way.unwrap_or(0).max(self.compacted_end);
        let nothing_is_left = self.compacted_end..first_since_pass;
        let mut later_keys = BTreeSet::new();
        for (offset, record) in self.records.range(there.start..there.end).rev() {
            let Some((number, _)) = record.value else { continue };
            let key = records::key(number);
            let is_replaced = *offset < replaced_below && later_keys.contains(&key);
            let cannot_be_told = self.compacted && (is_in_doubt || nothing_is_left.contains(offset));
            if here.contains(offset) {
                later_keys.insert(key);
            } else if !is_replaced && (*offset < self.promised_end || !cannot_be_told) {
                return Err(format!("a hole at {offset}, in {}..{}", there.start, there.end));
            }
        }
        Ok(())
    }

    /// A careful reader sees exactly the records of committed transactions and of none, up to the first that is open.
    fn shows_what_is_committed(&self, there: &FoundPartition) -> Result<(), String> {
        let mut open: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        let mut seen = Vec::new();
        for (offset, record) in self.records.range(there.start..there.end) {
            match (record.value, record.producer) {
                (None, Some(producer)) => {
                    let ended = open.remove(&producer.id).unwrap_or_default();
                    seen.extend(ended.into_iter().filter(|_| record.commits));
                }
                (Some(_), Some(producer)) if producer.transactional => {
                    open.entry(producer.id).or_default().push(*offset);
                }
                _ => seen.push(*offset),
            }
        }
        let stable = open.values().filter_map(|offsets| offsets.first()).min().copied().unwrap_or(there.end);
        seen.retain(|offset| *offset < stable && (!self.compacted || there.committed.contains(offset)));
        seen.sort_unstable();
        if seen == there.committed {
            return Ok(());
        }
        Err(format!("a careful reader sees {:?}, not {seen:?}", there.committed))
    }

    fn take_over(&mut self, there: &FoundPartition) {
        drop(self.records.split_off(&there.end));
        if there.start > self.start {
            self.records = self.records.split_off(&there.start);
        }
        if self.compacted {
            let here: BTreeSet<i64> = there.records.iter().map(|(offset, _)| *offset).collect();
            self.records.retain(|offset, record| record.value.is_none() || here.contains(offset));
        }
        (self.start, self.end) = (there.start, there.end);
        if let Some(end) = self.pass_under_way.take() {
            self.broken_off = true;
            self.compacted_end = self.compacted_end.max(end);
        }
        self.compacted_end = self.compacted_end.min(there.end);
        // It was read from the device after a loss of power, so the next one may not take it either.
        self.promised_end = there.end;
    }

    /// The sequence number that a producer's next record gets.
    pub fn next_sequence(&self, producer_id: i64) -> i32 {
        let own = |record: &&Record| {
            record.value.is_some() && record.producer.is_some_and(|producer| producer.id == producer_id)
        };
        let Some(last) = self.records.values().rev().find(own) else { return 0 };
        let in_batch = self.records.values().filter(|record| record.base == last.base).count();
        last.producer.map_or(0, |producer| producer.sequence + i32::try_from(in_batch).unwrap_or(0))
    }

    /// The last batch of a producer, and where it went.
    pub fn last_batch(&self, producer_id: i64) -> Option<(Batch, i64)> {
        let own = |record: &&Record| {
            record.value.is_some() && record.producer.is_some_and(|producer| producer.id == producer_id)
        };
        let base = self.records.values().rev().find(own)?.base;
        let mut records = self.records.values().filter(|record| record.base == base);
        let first = records.next()?;
        let ((first_number, len), count) = (first.value?, 1 + records.count());
        let count = u32::try_from(count).ok()?;
        Some((Batch { first: first_number, count, len, producer: first.producer }, base))
    }

    /// The producers that have an open transaction.
    pub fn in_transaction(&self) -> BTreeSet<i64> {
        let mut open = BTreeSet::new();
        for record in self.records.values() {
            match record.producer {
                Some(producer) if record.value.is_none() => drop(open.remove(&producer.id)),
                Some(producer) if producer.transactional => drop(open.insert(producer.id)),
                _ => {}
            }
        }
        open
    }

    /// Where batches begin, the end too.
    pub fn bases(&self) -> Vec<i64> {
        let bases: BTreeSet<i64> = self.records.values().map(|record| record.base).collect();
        let whole = bases.into_iter().filter(|base| *base >= self.start);
        whole.chain([self.end]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> At {
        At { topic: "b".to_owned(), partition: 0 }
    }

    fn append(first: u64) -> Op {
        Op::Append { at: at(), batch: Batch { first, count: 2, len: 30, producer: None } }
    }

    /// Three batches of two records, the first of which is promised.
    fn sent() -> Model {
        let mut model = Model::default();
        let create = Op::Create { topic: "b".to_owned(), partitions: 1 };
        for op in [create, append(0), Op::Sync { at: at() }, append(2), append(4)] {
            model.begun(&op);
            model.answered(&op, 0);
        }
        model
    }

    fn found(offsets: impl IntoIterator<Item = i64>, end: i64) -> Found {
        let records: Vec<_> =
            offsets.into_iter().map(|offset| (offset, records::value(offset as u64, 30))).collect();
        let committed = records.iter().map(|(offset, _)| *offset).collect();
        let partition = FoundPartition { start: 0, end, records, committed };
        let topic =
            crate::found::FoundTopic { partitions: vec![partition], max_message_bytes: MAX_MESSAGE_BYTES };
        Found { topics: BTreeMap::from([("b".to_owned(), topic)]) }
    }

    fn refusal(found: &Found) -> String {
        sent().accept(found, None).unwrap_err()
    }

    #[test]
    fn a_prefix_that_holds_what_was_promised_is_accepted() {
        for end in [2, 4, 6] {
            let mut model = sent();
            model.accept(&found(0..end, end), None).unwrap();
            assert_eq!(model.partition(&at()).unwrap().promised_end, end, "it was on the device");
        }
    }

    #[test]
    fn what_was_promised_and_is_gone_is_noticed() {
        assert!(refusal(&found(0..0, 0)).contains("2 was promised"));
        assert!(refusal(&Found::default()).contains("topics"));
    }

    #[test]
    fn holes_halves_and_what_was_never_sent_are_noticed() {
        assert!(refusal(&found([0, 1, 4, 5], 6)).contains("a hole at 3"));
        assert!(refusal(&found(0..3, 3)).contains("inside a batch"));
        assert!(refusal(&found(0..8, 8)).contains("6 sent"));
        let mut wrong = found(0..4, 4);
        wrong.topics.get_mut("b").unwrap().partitions[0].records[1].1[20] ^= 1;
        assert!(refusal(&wrong).contains("at 1 is not what was sent"));
    }

    #[test]
    fn a_call_under_way_has_happened_or_has_not() {
        for (end, fits) in [(6, true), (8, true), (7, false)] {
            assert_eq!(sent().accept(&found(0..end, end), Some(&append(6))).is_ok(), fits, "{end}");
        }
        let mut gone = sent();
        gone.accept(&Found::default(), Some(&Op::Delete { topic: "b".to_owned() })).unwrap();
    }

    #[test]
    fn a_record_goes_from_a_compacted_topic_only_where_a_later_one_has_its_key() {
        let mut model = Model::default();
        for op in [
            Op::Create { topic: "b".to_owned(), partitions: 1 },
            append(0),
            append(7),
            Op::Sync { at: at() },
            Op::Compact { at: at() },
        ] {
            model.begun(&op);
            model.answered(&op, 4);
        }
        let mut left = found([], 4);
        let partition = &mut left.topics.get_mut("b").unwrap().partitions[0];
        // Number 7 has the key of number 0, and number 8 that of number 1.
        partition.records = vec![(2, records::value(7, 30)), (3, records::value(8, 30))];
        partition.committed = vec![2, 3];
        model.clone().accept(&left, None).unwrap();
        left.topics.get_mut("b").unwrap().partitions[0].records.remove(0);
        assert!(model.accept(&left, None).is_err());
    }

    #[test]
    fn a_hole_in_a_compacted_topic_is_let_pass_only_where_recovery_cannot_tell() {
        let compact = Op::Compact { at: at() };
        let sent = |ops: &[Op]| {
            let mut model = Model::default();
            let create = Op::Create { topic: "b".to_owned(), partitions: 1 };
            for op in [&create, &append(0), &compact].into_iter().chain(ops) {
                model.begun(op);
                model.answered(op, 2);
            }
            model
        };
        let hole = |offsets: &[i64], end| found(offsets.iter().copied(), end);
        let mut model = sent(&[append(2), append(4)]);
        assert!(model.accept(&hole(&[0, 1, 2, 4, 5], 6), None).is_err(), "a record is left since the pass");
        assert!(model.accept(&hole(&[1, 2, 3, 4, 5], 6), None).is_err(), "the pass has made it durable");
        sent(&[append(2), append(4)]).accept(&hole(&[0, 1, 4, 5], 6), None).unwrap();
        // A pass that was broken off.
        let mut model = sent(&[append(2)]);
        model.begun(&compact);
        model.accept(&hole(&[0, 1, 3], 4), None).unwrap();
    }
}
