//! What is done next, from what there is: a script of calls that would all succeed.
//!
//! The first letter of a topic says what happens to it: `a` idempotent producers and cuts, `b` deleted prefixes and
//! cuts, `c` compaction, `r` retention by size, `x` transactions.

use crate::model::{Model, Partition};
use crate::op::{At, Batch, Op, Producer};
use crate::rng::Rng;

const TOPICS: [&str; 7] = ["a1", "a2", "b", "c1", "c2", "r", "x"];
/// Topics of all kinds are made in the first calls of a data directory.
const FIRST: [&str; 5] = ["a1", "b", "c1", "r", "x"];
const PRODUCERS: i64 = 3;

/// So many calls, the first of which opens the store.
pub fn script(model: &Model, calls: u64, rng: &mut Rng) -> Vec<Op> {
    // The model here is what would be if all is answered; nothing in it is told to anybody.
    let mut model = model.clone();
    let mut script = Vec::new();
    let do_next = |op: Op, model: &mut Model, script: &mut Vec<Op>| {
        model.begun(&op);
        let value = model.producer_id;
        model.answered(&op, value);
        script.push(op);
    };
    do_next(Op::Open, &mut model, &mut script);
    for topic in FIRST.iter().filter(|_| model.topics.is_empty()).collect::<Vec<_>>() {
        let op = Op::Create { topic: (*topic).to_owned(), partitions: 1 };
        do_next(op, &mut model, &mut script);
    }
    while (script.len() as u64) < calls {
        if !model.is_open {
            do_next(Op::Open, &mut model, &mut script);
        } else if let Some(op) = next(&model, rng) {
            do_next(op, &mut model, &mut script);
        }
    }
    script
}

fn next(model: &Model, rng: &mut Rng) -> Option<Op> {
    match rng.below(100) {
        0..2 => Some(Op::Close),
        2..3 => Some(Op::Drop),
        3..7 => Some(Op::Housekeep),
        7..9 => Some(Op::ProducerId),
        9..17 => about_topics(model, rng),
        kind => {
            let (at, partition) = somewhere(model, rng)?;
            match kind {
                17..35 => Some(Op::Sync { at }),
                35..40 => Some(Op::Flush { at }),
                40..52 => shorten(at, partition, rng),
                _ => append(model, at, partition, rng),
            }
        }
    }
}

fn about_topics(model: &Model, rng: &mut Rng) -> Option<Op> {
    let topic = (*rng.pick(&TOPICS)?).to_owned();
    let Some(there) = model.topics.get(&topic) else {
        return Some(Op::Create { topic, partitions: 1 + rng.below(3) as i32 });
    };
    match rng.below(4) {
        0 => Some(Op::Delete { topic }),
        1 if there.partitions.len() < 4 => Some(Op::Grow { topic, total: there.partitions.len() as i32 + 1 }),
        _ => Some(Op::Alter { topic, max_message_bytes: 90_000 + rng.below(20_000) as u32 }),
    }
}

fn somewhere<'a>(model: &'a Model, rng: &mut Rng) -> Option<(At, &'a Partition)> {
    let names: Vec<&String> = model.topics.keys().collect();
    let topic = *rng.pick(&names)?;
    let partitions = &model.topics.get(topic)?.partitions;
    let number = rng.below(partitions.len() as u64);
    let partition = partitions.get(number as usize)?;
    Some((At { topic: topic.clone(), partition: number as i32 }, partition))
}

/// Cuts, deletes or compacts, as it is done to topics of this kind.
fn shorten(at: At, partition: &Partition, rng: &mut Rng) -> Option<Op> {
    let is_cut = rng.one_in(3);
    match at.topic.chars().next()? {
        'c' => Some(Op::Compact { at }),
        'r' => Some(Op::Housekeep),
        'a' | 'b' if is_cut => {
            // Mostly little is lost, sometimes all.
            let bases = partition.bases();
            let back = if rng.one_in(6) { bases.len() } else { 6.min(bases.len()) };
            let to = *rng.pick(bases.get(bases.len() - back..)?)?;
            Some(Op::Truncate { at, to })
        }
        'b' => {
            let span = u64::try_from(partition.end - partition.start).ok()?;
            let before = partition.start + rng.below(span + 1) as i64;
            (before > partition.start).then_some(Op::DeleteRecords { at, before })
        }
        _ => None,
    }
}

fn append(model: &Model, at: At, partition: &Partition, rng: &mut Rng) -> Option<Op> {
    let count = 1 + rng.below(5) as u32;
    // Some fit into a sector, most into a page, some need several.
    let len = match rng.below(4) {
        0 => 20 + rng.below(100),
        1 | 2 => 200 + rng.below(800),
        _ => 1500 + rng.below(3000),
    };
    let mut batch = Batch { first: model.next_number, count, len: len as u32, producer: None };
    let kind = at.topic.chars().next()?;
    if (kind == 'a' || kind == 'x') && !rng.one_in(4) {
        let id = rng.below(PRODUCERS as u64) as i64;
        let transactional = kind == 'x';
        if transactional && partition.in_transaction().contains(&id) && rng.one_in(2) {
            return Some(Op::EndTransaction { at, producer_id: id, commit: rng.one_in(2) });
        }
        let sequence = partition.next_sequence(id);
        batch.producer = Some(Producer { id, sequence, transactional });
    }
    Some(Op::Append { at, batch })
}
