//! What a log holds before anything happens to it.

use std::collections::BTreeMap;

use ottla::{Isolation, Log, Offset};
use ottla_record::Head;

use crate::writer::NOW_MS;

/// A record that a careful reader sees.
pub(crate) type Committed = (Offset, Vec<u8>);

#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub start: Offset,
    pub end: Offset,
    /// The bytes of every batch, by base offset.
    pub batches: BTreeMap<Offset, Vec<u8>>,
    pub committed: Vec<Committed>,
    pub by_time: Vec<Option<Offset>>,
}

impl Truth {
    pub(crate) fn of(log: &Log) -> Truth {
        let mut batches = BTreeMap::new();
        let (start, end) = (log.log_start_offset(), log.log_end_offset());
        let mut next = start;
        while next < end {
            let found = log.read_batches(next, 1 << 20, Isolation::ReadUncommitted).unwrap();
            if found.is_empty() {
                break;
            }
            batches.extend(split(found.as_bytes()));
            next = found.next_offset();
        }
        assert!(!batches.is_empty());
        Truth { start, end, batches, committed: committed(log).unwrap(), by_time: by_time(log).unwrap() }
    }
}

/// Whole batches by base offset.
pub(crate) fn split(bytes: &[u8]) -> Vec<(Offset, Vec<u8>)> {
    let (mut found, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let head = Head::parse(rest).unwrap();
        let (batch, after) = rest.split_at(head.size_bytes());
        found.push((head.base_offset(), batch.to_vec()));
        rest = after;
    }
    found
}

/// What a careful reader finds who goes from batch to batch.
pub(crate) fn committed(log: &Log) -> ottla::Result<Vec<Committed>> {
    let (mut found, mut next, end) = (Vec::new(), log.log_start_offset(), log.last_stable_offset());
    while next < end {
        let batches = log.read_batches(next, 500, Isolation::ReadCommitted)?;
        if batches.is_empty() {
            break;
        }
        batches.for_each_record(|record| {
            found.push((record.offset, record.value.unwrap_or_default().to_vec()));
            Ok(())
        })?;
        next = batches.next_offset();
    }
    Ok(found)
}

/// Where some points in time are.
pub(crate) fn by_time(log: &Log) -> ottla::Result<Vec<Option<Offset>>> {
    let at = |ms| Ok(log.offset_for_timestamp(NOW_MS - 1_000 + ms)?.map(|found| found.offset));
    (0..60).step_by(4).map(at).collect()
}
