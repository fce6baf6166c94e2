//! A model that keeps the whole history and derives every answer from it.

use proptest::prelude::*;

use super::*;
use crate::error::Error;

#[derive(Clone, Debug)]
enum Op {
    /// A batch whose first sequence lies `skew` after the one that comes next.
    Data {
        producer_id: i64,
        epoch_step: i16,
        skew: i32,
        count: i32,
        transactional: bool,
    },
    /// One of the last batches of the producer once more.
    Again {
        producer_id: i64,
        back: usize,
    },
    Marker {
        producer_id: i64,
        epoch_step: i16,
        commit: bool,
        coordinator_epoch: i32,
    },
    HighWatermark {
        behind: i64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let data = (0i64..4, -1i16..2, prop_oneof![9 => Just(0), 1 => -3i32..3], 1i32..4, any::<bool>())
        .prop_map(|(producer_id, epoch_step, skew, count, transactional)| Op::Data {
            producer_id,
            epoch_step: if skew == 0 && count > 1 { 0 } else { epoch_step },
            skew,
            count,
            transactional,
        });
    let marker = (0i64..4, -1i16..2, any::<bool>(), 0i32..3).prop_map(
        |(producer_id, epoch_step, commit, coordinator_epoch)| Op::Marker {
            producer_id,
            epoch_step,
            commit,
            coordinator_epoch,
        },
    );
    prop_oneof![
        6 => data,
        2 => (0i64..4, 0usize..8).prop_map(|(producer_id, back)| Op::Again { producer_id, back }),
        2 => marker,
        1 => (0i64..30).prop_map(|behind| Op::HighWatermark { behind }),
    ]
}

#[derive(Default)]
struct Model {
    log: Vec<BatchStamp>,
    high_watermark: i64,
}

impl Model {
    fn end(&self) -> i64 {
        self.log.last().map_or(0, |stamp| stamp.last_offset.get() + 1)
    }

    fn of(&self, producer_id: i64) -> Vec<&BatchStamp> {
        self.log.iter().filter(|stamp| stamp.producer_id == producer_id).collect()
    }

    fn epoch(&self, producer_id: i64) -> Option<i16> {
        self.of(producer_id).last().map(|stamp| stamp.producer_epoch)
    }

    /// The data batches since the epoch last changed.
    fn batches(&self, producer_id: i64) -> Vec<BatchStamp> {
        let all = self.of(producer_id);
        let epoch = self.epoch(producer_id);
        let start = all.iter().rposition(|s| Some(s.producer_epoch) != epoch).map_or(0, |at| at + 1);
        all[start..].iter().filter(|s| s.control.is_none()).map(|s| **s).collect()
    }

    fn next_sequence(&self, producer_id: i64) -> i32 {
        self.batches(producer_id).last().map_or(0, |stamp| match stamp.last_sequence {
            i32::MAX => 0,
            last => last + 1,
        })
    }

    fn coordinator_epoch(&self, producer_id: i64) -> i32 {
        let mut markers = self.of(producer_id).into_iter().rev().filter_map(|stamp| stamp.control);
        markers.next().map_or(-1, |marker| marker.coordinator_epoch)
    }

    /// (first offset, producer) of transactions without a marker among the first `batches` of the log.
    fn open(&self, batches: usize) -> Vec<(i64, i64)> {
        let mut open = std::collections::BTreeMap::new();
        for stamp in &self.log[..batches] {
            if stamp.control.is_some() {
                open.remove(&stamp.producer_id);
            } else if stamp.transactional {
                open.entry(stamp.producer_id).or_insert(stamp.base_offset.get());
            }
        }
        let mut open: Vec<_> = open.into_iter().map(|(producer_id, first)| (first, producer_id)).collect();
        open.sort_unstable();
        open
    }

    fn completed(&self) -> Vec<CompletedTxn> {
        let mut completed = Vec::new();
        for (at, stamp) in self.log.iter().enumerate() {
            let Some(marker) = stamp.control else { continue };
            let before = self.open(at);
            let Some((first, _)) = before.iter().find(|(_, id)| *id == stamp.producer_id) else { continue };
            let stable = self.open(at + 1).first().map_or(stamp.last_offset + 1, |(next, _)| offset(*next));
            completed.push(CompletedTxn {
                producer_id: stamp.producer_id,
                first_offset: offset(*first),
                last_offset: stamp.last_offset,
                aborted: !marker.commit,
                last_stable_offset: stable,
            });
        }
        completed
    }

    fn last_stable_offset(&self, high_watermark: i64) -> Offset {
        let open = self.open(self.log.len()).into_iter().map(|(first, _)| offset(first));
        let pending = self.completed().into_iter().filter(|txn| txn.last_offset >= offset(high_watermark));
        let unstable = open.chain(pending.map(|txn| txn.first_offset)).min();
        unstable.map_or(offset(high_watermark), |first| first.min(offset(high_watermark)))
    }

    fn stamp(&self, op: &Op) -> Option<(BatchStamp, Origin)> {
        let end = self.end();
        match *op {
            Op::Data { producer_id, epoch_step, skew, count, transactional } => {
                let epoch = self.epoch(producer_id).unwrap_or(3).saturating_add(epoch_step).max(0);
                let unknown = self.epoch(producer_id).is_none();
                let next = if unknown { i32::MAX - 4 } else { self.next_sequence(producer_id) };
                let next = if epoch_step > 0 && !unknown { 0 } else { next };
                let base = (i64::from(next) + i64::from(skew)).rem_euclid(1 << 31) as i32;
                let last = (i64::from(base) + i64::from(count) - 1).rem_euclid(1 << 31) as i32;
                let stamp = range(epoch, (base, last), (end, end + i64::from(count) - 1));
                Some((BatchStamp { transactional, ..of(producer_id, stamp) }, Origin::Client))
            }
            Op::Again { producer_id, back } => {
                let mut batches =
                    self.of(producer_id).into_iter().rev().filter(|stamp| stamp.control.is_none());
                let batch = *batches.nth(back)?;
                let count = batch.last_offset - batch.base_offset;
                let (base_offset, last_offset) = (offset(end), offset(end + count));
                Some((BatchStamp { base_offset, last_offset, ..batch }, Origin::Client))
            }
            Op::Marker { producer_id, epoch_step, commit, coordinator_epoch } => {
                let epoch = self.epoch(producer_id).unwrap_or(3).saturating_add(epoch_step).max(0);
                Some((of(producer_id, marker(epoch, commit, coordinator_epoch, end)), Origin::Coordinator))
            }
            Op::HighWatermark { .. } => None,
        }
    }

    /// `Some` is the batch that was there before.
    fn expected(&self, stamp: &BatchStamp) -> Result<Option<BatchStamp>, &'static str> {
        let Some(epoch) = self.epoch(stamp.producer_id) else { return Ok(None) };
        let batches = self.batches(stamp.producer_id);
        let same = |b: &&BatchStamp| {
            (b.base_sequence, b.last_sequence, b.producer_epoch)
                == (stamp.base_sequence, stamp.last_sequence, stamp.producer_epoch)
        };
        let client = stamp.control.is_none();
        if let Some(batch) = batches.iter().rev().take(5).find(same).filter(|_| client) {
            return Ok(Some(*batch));
        }
        let open = self.open(self.log.len()).iter().any(|(_, id)| *id == stamp.producer_id);
        let next = if stamp.producer_epoch == epoch { self.next_sequence(stamp.producer_id) } else { 0 };
        match stamp.control {
            _ if stamp.producer_epoch < epoch => Err("epoch"),
            Some(m) if m.coordinator_epoch < self.coordinator_epoch(stamp.producer_id) => Err("txn"),
            Some(_) => Ok(None),
            None if stamp.base_sequence != next => Err("sequence"),
            None if open && !stamp.transactional => Err("txn"),
            None => Ok(None),
        }
    }
}

fn outcome(verdict: Result<Verdict>) -> Result<Option<(Offset, Offset)>, &'static str> {
    match verdict {
        Ok(Verdict::Next) => Ok(None),
        Ok(Verdict::Duplicate { base_offset, last_offset, .. }) => Ok(Some((base_offset, last_offset))),
        Err(Error::InvalidProducerEpoch { .. }) => Err("epoch"),
        Err(Error::OutOfOrderSequence { .. }) => Err("sequence"),
        Err(Error::InvalidTxnState { .. }) => Err("txn"),
        Err(other) => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn any_interleaving_of_producers_agrees_with_the_model(ops in prop::collection::vec(op(), 1..80)) {
        let mut model = Model::default();
        let mut state = empty();
        let mut completed = Vec::new();
        for op in &ops {
            if let Op::HighWatermark { behind } = op {
                model.high_watermark = model.high_watermark.max(model.end() - behind);
                state.on_high_watermark(offset(model.high_watermark));
            }
            if let Some((stamp, origin)) = model.stamp(op) {
                let expected = model.expected(&stamp).map(|found| found.map(|b| (b.base_offset, b.last_offset)));
                let found = outcome(state.check(&stamp, origin));
                prop_assert_eq!(&found, &expected, "{:?}", stamp);
                if found == Ok(None) {
                    completed.extend(state.apply(&stamp));
                    model.log.push(stamp);
                }
            }
            for high_watermark in model.high_watermark..=model.end() {
                let expected = model.last_stable_offset(high_watermark);
                prop_assert_eq!(state.last_stable_offset(offset(high_watermark)), expected);
            }
            let open: Vec<_> = state.open_transactions().iter().map(|t| (t.first_offset.get(), t.producer_id)).collect();
            prop_assert_eq!(open, model.open(model.log.len()));
            prop_assert_eq!(state.map_end_offset(), offset(model.end()));
        }
        prop_assert_eq!(completed, model.completed());
    }

    #[test]
    fn any_stamp_is_taken_without_a_panic(
        stamps in prop::collection::vec(
            (any::<(i16, i32, i32, i64, i64)>(), any::<(i64, bool, bool, bool, i32)>(), 0i64..2), 0..20),
    ) {
        let mut state = empty();
        for ((epoch, base, last, first_offset, last_offset), (ms, transactional, control, commit, c), id) in stamps {
            let stamp = BatchStamp {
                producer_id: id,
                producer_epoch: epoch,
                base_sequence: base,
                last_sequence: last,
                base_offset: offset(first_offset),
                last_offset: offset(last_offset),
                max_timestamp_ms: ms,
                transactional,
                control: control.then_some(Marker { commit, coordinator_epoch: c }),
            };
            let _ = state.check(&stamp, Origin::Client);
            state.apply(&stamp);
            state.expire(ms, 1_000);
            state.truncate_head(offset(first_offset));
            let _ = (state.first_unstable_offset(), state.last_stable_offset(offset(last_offset)));
        }
    }
}
