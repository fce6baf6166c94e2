//! A consumer at the end of its partitions: one fetch after the other, and every batch that comes is looked at.

use std::sync::atomic::Ordering;

use ottla_protocol::wire::Writer;
use ottla_protocol::{ApiKey, ErrorCode};
use ottla_record::{Head, TimestampType, verify_crc};

use super::error::{LoadError, Wrong};
use super::lanes::{Lane, Slot};
use super::ledger::Seen;
use super::part::Part;
use super::sender::Shared;
use crate::client::{
    ClientError, Connection, FetchAsk, FetchFrom, NEWEST_FETCH, PartitionRecords, decode_fetch, encode_fetch,
};

/// How long a broker may wait for the first byte: also how often a consumer looks whether it is done.
const MAX_WAIT_MS: i32 = 250;

/// One consumer's connection to one broker.
pub struct Consumer<'a> {
    shared: &'a Shared<'a>,
    lane: &'a Lane,
    connection: Connection,
    version: i16,
    part: Part,
    /// Since when something is owed, and nothing has come.
    owed_since_ns: Option<u64>,
}

impl<'a> Consumer<'a> {
    /// Over this connection.
    ///
    /// # Errors
    /// Where its broker speaks no version of Fetch that this client does.
    pub fn new(shared: &'a Shared<'a>, lane: &'a Lane, connection: Connection) -> Result<Self, LoadError> {
        let version = connection.version_of(ApiKey::Fetch, NEWEST_FETCH)?;
        Ok(Consumer { shared, lane, connection, version, part: Part::default(), owed_since_ns: None })
    }

    /// Reads until all that was sent has come.
    ///
    /// # Errors
    /// Where it does not come, or not as it was sent.
    pub fn run(mut self) -> Result<Part, LoadError> {
        let timeline = self.shared.timeline;
        let (mut writer, mut from) = (Writer::new(), Vec::new());
        timeline.wait_until(0);
        for round in 0.. {
            self.wanted(round, &mut from)?;
            if from.is_empty() || self.is_enough() {
                break;
            }
            self.fetch(&mut writer, &from)?;
        }
        self.part.note_share(0, timeline.now_ns());
        Ok(self.part)
    }

    /// A consumer without producers may be told to end before it has read everything. Where the load has failed, nobody
    /// says any more how far there is to read.
    fn is_enough(&self) -> bool {
        let live = &self.shared.live;
        live.has_failed() || (self.shared.settings.producers == 0 && live.is_over())
    }

    /// What is still to be read; which partition comes first changes from round to round, so that none is starved.
    fn wanted(&mut self, round: usize, from: &mut Vec<FetchFrom>) -> Result<(), LoadError> {
        from.clear();
        let ledger = self.shared.ledger;
        let slots = &self.lane.slots;
        let turned = slots.iter().cycle().skip(round % slots.len().max(1)).take(slots.len());
        let (patience, now_ns) = (self.connection.patience(), self.shared.timeline.now_ns());
        for slot in turned {
            let (offset, end) = (ledger.next_of(slot.page, slot.nth), ledger.end_of(slot.page));
            if end.is_some_and(|end| offset >= end) {
                continue;
            }
            let owed_since_ns = end.map(|_| *self.owed_since_ns.get_or_insert(now_ns));
            let waited_ns = owed_since_ns.map_or(0, |since_ns| now_ns.saturating_sub(since_ns));
            if u128::from(waited_ns) > patience.as_nanos() {
                return Err(self
                    .shared
                    .wrong(slot.page, Wrong::NeverCame { next: offset, waited: patience }));
            }
            from.push(FetchFrom { partition: self.shared.partition(slot.page), offset });
        }
        Ok(())
    }

    fn fetch(&mut self, writer: &mut Writer, from: &[FetchFrom]) -> Result<(), LoadError> {
        let (shared, settings, lane) = (self.shared, self.shared.settings, self.lane);
        let ask = FetchAsk {
            version: self.version,
            client_id: &settings.client_id,
            topic: &settings.topic.name,
            max_bytes: settings.fetch_max_bytes,
            max_wait_ms: MAX_WAIT_MS,
        };
        let (api, address) = (ApiKey::Fetch, || lane.address.clone());
        let correlation_id = self.connection.next_correlation_id();
        writer.clear();
        encode_fetch(writer, ask, correlation_id, from)
            .map_err(|source| ClientError::Encode { address: address(), source })?;
        self.connection.send(writer.bytes())?;
        let frame = self.connection.receive()?;
        let mut look = Look { shared, lane, part: &mut self.part, now_ns: shared.timeline.now_ns(), seen: 0 };
        let mut result = Ok(());
        let (found, code) = decode_fetch(frame, self.version, |partition| {
            if result.is_ok() {
                result = look.partition(&partition, from);
            }
        })
        .map_err(|source| ClientError::Malformed { address: address(), api, source })?;
        if found != correlation_id {
            let (expected, address) = (correlation_id, address());
            return Err(ClientError::OutOfTurn { address, expected, found }.into());
        }
        if code != ErrorCode::None {
            let (address, what) = (address(), settings.topic.name.clone());
            return Err(ClientError::Refused { address, api, what, code, message: None }.into());
        }
        result?;
        if look.seen > 0 {
            self.owed_since_ns = None;
        }
        Ok(())
    }
}

/// A look at one answer.
struct Look<'s, 'a> {
    shared: &'a Shared<'a>,
    lane: &'a Lane,
    part: &'s mut Part,
    now_ns: u64,
    seen: u64,
}

impl Look<'_, '_> {
    fn partition(&mut self, found: &PartitionRecords<'_>, from: &[FetchFrom]) -> Result<(), LoadError> {
        let shared = self.shared;
        if found.code == ErrorCode::None && found.records.is_empty() {
            return Ok(());
        }
        let slot = self.lane.slots.iter().find(|slot| shared.partition(slot.page) == found.partition);
        let asked = from.iter().find(|from| from.partition == found.partition);
        let (Some(slot), Some(asked)) = (slot, asked) else {
            let what = format!("the partitions that were asked for, but of {}", found.partition);
            return Err(ClientError::Missing {
                address: self.lane.address.clone(),
                api: ApiKey::Fetch,
                what,
            }
            .into());
        };
        if found.code != ErrorCode::None {
            let wrong = Wrong::Unreadable { offset: asked.offset, code: found.code };
            return Err(shared.wrong(slot.page, wrong));
        }
        self.batches(*slot, found.records).map_err(|wrong| shared.wrong(slot.page, wrong))
    }

    /// Every whole batch; the last one may be cut.
    fn batches(&mut self, slot: Slot, mut records: &[u8]) -> Result<(), Wrong> {
        let ledger = self.shared.ledger;
        while let Some((batch, rest)) = whole_batch(records, ledger.next_of(slot.page, slot.nth))? {
            records = rest;
            let seen = self.look(batch, ledger.next_of(slot.page, slot.nth))?;
            if let Some(met) = ledger.seen(slot.page, slot.nth, seen)? {
                self.part.met(met);
            }
            self.seen += 1;
            self.shared.live.seen.fetch_add(1, Ordering::Relaxed);
            self.shared.live.seen_bytes.fetch_add(batch.len() as u64, Ordering::Relaxed);
            if self.now_ns >= self.shared.counted_from_ns {
                self.part.consumed.add(seen.record_count, batch.len(), self.now_ns);
            }
        }
        Ok(())
    }

    fn look(&self, batch: &[u8], offset: i64) -> Result<Seen, Wrong> {
        let head = verify_crc(batch).map_err(|source| Wrong::Damaged { offset, source })?;
        let base_offset = head.base_offset().get();
        let is_create_time = head.timestamp_type() == Some(TimestampType::CreateTime);
        Ok(Seen {
            base_offset,
            record_count: head.last_offset().get() - base_offset + 1,
            timestamp_ms: is_create_time.then_some(head.max_timestamp_ms()),
            at_ns: self.now_ns,
        })
    }
}

type BatchAndRest<'r> = (&'r [u8], &'r [u8]);

/// The first batch, where all of it is there.
fn whole_batch(records: &[u8], offset: i64) -> Result<Option<BatchAndRest<'_>>, Wrong> {
    /// Up to where every format says how long a batch is, and which format it is.
    const ENOUGH: usize = ottla_record::HEAD_PEEK_LEN;
    if records.len() < ENOUGH {
        return Ok(None);
    }
    let head = Head::parse(records).map_err(|source| Wrong::Damaged { offset, source })?;
    Ok(records.split_at_checked(head.size_bytes()))
}
