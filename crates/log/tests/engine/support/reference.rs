use std::collections::BTreeMap;

use ottla::Offset;
use ottla_record::{ControlRecord, Decoded};

/// Transactions as the batches of a log tell them, found slowly and obviously (KIP-98).
#[derive(Debug, Default)]
pub(crate) struct Reference {
    open: BTreeMap<i64, Offset>,
    records: Vec<(Offset, String, i64, bool)>,
    aborted: Vec<Aborted>,
}

#[derive(Debug)]
struct Aborted {
    producer_id: i64,
    first_offset: Offset,
    last_offset: Offset,
    last_stable_offset: Offset,
}

impl Reference {
    pub(crate) fn take(&mut self, batch: &Decoded<'_>) {
        let head = batch.head();
        let Some(producer) = head.producer().filter(|producer| producer.transactional) else {
            self.take_records(batch, -1);
            return;
        };
        if !head.is_control() {
            self.open.entry(producer.producer_id).or_insert(head.base_offset());
            self.take_records(batch, producer.producer_id);
            return;
        }
        let marker = batch.records().next().unwrap().unwrap();
        let first_offset = self.open.remove(&producer.producer_id);
        let marker = ControlRecord::parse(marker.key, marker.value).unwrap();
        if let (ControlRecord::Abort { .. }, Some(first_offset)) = (marker, first_offset) {
            let last_offset = head.last_offset();
            let last_stable_offset = self.last_stable_offset().unwrap_or(last_offset + 1);
            let producer_id = producer.producer_id;
            self.aborted.push(Aborted { producer_id, first_offset, last_offset, last_stable_offset });
        }
    }

    fn take_records(&mut self, batch: &Decoded<'_>, producer_id: i64) {
        for record in batch.records().map(Result::unwrap) {
            let value = String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned();
            self.records.push((record.offset, value, producer_id, producer_id >= 0));
        }
    }

    /// Where the oldest open transaction begins.
    pub(crate) fn last_stable_offset(&self) -> Option<Offset> {
        self.open.values().min().copied()
    }

    pub(crate) fn committed(&self) -> Vec<(Offset, String)> {
        let unstable = self.last_stable_offset();
        let is_aborted = |offset: Offset, producer_id: i64| {
            self.aborted.iter().any(|aborted| {
                aborted.producer_id == producer_id
                    && (aborted.first_offset..aborted.last_offset).contains(&offset)
            })
        };
        let seen = self.records.iter().filter(|(offset, _, producer_id, transactional)| {
            unstable.is_none_or(|unstable| *offset < unstable)
                && !(*transactional && is_aborted(*offset, *producer_id))
        });
        seen.map(|(offset, value, ..)| (*offset, value.clone())).collect()
    }

    /// The bytes of the `.txnindex` of the segment with these offsets.
    pub(crate) fn txn_index(&self, base_offset: Offset, end_offset: Offset) -> Vec<u8> {
        let mut bytes = Vec::new();
        for aborted in &self.aborted {
            if (base_offset..end_offset).contains(&aborted.last_offset) {
                bytes.extend_from_slice(&0_i16.to_be_bytes());
                bytes.extend_from_slice(&aborted.producer_id.to_be_bytes());
                bytes.extend_from_slice(&aborted.first_offset.get().to_be_bytes());
                bytes.extend_from_slice(&aborted.last_offset.get().to_be_bytes());
                bytes.extend_from_slice(&aborted.last_stable_offset.get().to_be_bytes());
            }
        }
        bytes
    }
}
