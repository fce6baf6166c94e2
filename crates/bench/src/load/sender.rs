//! What both ways of sending have in common: the frame of a batch, and the check of its answer.

use std::sync::atomic::Ordering;

use ottla_protocol::api::api_versions;
use ottla_protocol::{ApiKey, ErrorCode};

use super::error::{LoadError, Wrong};
use super::lanes::{Lane, Slot};
use super::ledger::{Ledger, Met, Sent};
use super::live::Live;
use super::part::Part;
use super::settings::{Acks, Settings};
use super::timeline::Timeline;
use crate::batch::{Batch, stamp};
use crate::client::{ClientError, Connection, ProduceFrame, decode_produced};

/// What all threads of a load see.
pub struct Shared<'a> {
    /// What was asked for.
    pub settings: &'a Settings,
    /// The number of each partition, by its page in the ledger.
    pub partitions: &'a [i32],
    /// What is sent.
    pub batch: &'a Batch,
    /// What was acknowledged and seen.
    pub ledger: &'a Ledger,
    /// When it began.
    pub timeline: Timeline,
    /// From when on it counts.
    pub counted_from_ns: u64,
    /// How far it is.
    pub live: &'a Live,
}

impl Shared<'_> {
    /// The number of a partition.
    pub fn partition(&self, page: usize) -> i32 {
        self.partitions.get(page).copied().unwrap_or(-1)
    }

    /// Something wrong, with the partition's name.
    pub fn wrong(&self, page: usize, wrong: Wrong) -> LoadError {
        let topic = self.settings.topic.name.clone();
        LoadError::Wrong { topic, partition: self.partition(page), wrong }
    }
}

/// A request that is not answered yet.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    correlation_id: i32,
    page: usize,
    sent: Sent,
}

/// The sending half of a lane.
pub struct Sender<'a> {
    shared: &'a Shared<'a>,
    lane: &'a Lane,
    frame: ProduceFrame,
    correlation_id: i32,
}

impl<'a> Sender<'a> {
    /// For this lane, in the version that its broker speaks.
    ///
    /// # Errors
    /// Where there is none.
    pub fn new(shared: &'a Shared<'a>, lane: &'a Lane, connection: &Connection) -> Result<Self, LoadError> {
        let version = produce_version(connection)?;
        let settings = shared.settings;
        let (topic, acks) = (&settings.topic.name, settings.acks.code());
        let frame = ProduceFrame::new(version, &settings.client_id, topic, acks, shared.batch.bytes())
            .map_err(|source| ClientError::Encode { address: lane.address.clone(), source })?;
        Ok(Sender { shared, lane, frame, correlation_id: 0 })
    }

    /// The frame of this lane's `nth` batch; with acks=0 it is taken for given at once.
    ///
    /// # Errors
    /// Where what consumers have seen does not fit to it.
    pub fn frame(&mut self, slot: Slot, sent: Sent, part: &mut Part) -> Result<(&[u8], Pending), LoadError> {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let (shared, page) = (self.shared, slot.page);
        if shared.settings.acks == Acks::None {
            given(shared, part, Given { page, base_offset: shared.ledger.next_given(page), sent })?;
        }
        shared.live.sent.fetch_add(1, Ordering::Relaxed);
        let change = |batch: &mut [u8]| stamp(batch, sent.timestamp_ms);
        let frame = self.frame.next(self.correlation_id, shared.partition(page), change);
        Ok((frame, Pending { correlation_id: self.correlation_id, page, sent }))
    }

    /// The `nth` batch of the lane: its number among all, and where it goes.
    pub fn batch(&self, nth: u64) -> (u64, Slot) {
        self.lane.batch(nth).unwrap_or((nth, Slot { number: 0, page: 0, nth: 0 }))
    }

    /// What is noted of a batch that is due then.
    pub fn sent(&self, due_ns: u64, counts: bool) -> Sent {
        let timestamp_ms = self.shared.timeline.timestamp_ms(self.shared.settings.timestamps, due_ns);
        Sent { due_ns, timestamp_ms, counts }
    }
}

/// The version of Produce that is spoken with a broker.
///
/// # Errors
/// Where there is none.
pub fn produce_version(connection: &Connection) -> Result<i16, ClientError> {
    connection.version_of(ApiKey::Produce, ProduceFrame::NEWEST)
}

/// Checks the answer to one batch.
///
/// # Errors
/// Where it was refused, or the answer is wrong.
pub fn answered(
    shared: &Shared<'_>,
    (address, version): (&str, i16),
    frame: &[u8],
    pending: Pending,
    part: &mut Part,
) -> Result<(), LoadError> {
    let (api, address) = (ApiKey::Produce, || address.to_owned());
    let answer = decode_produced(frame, version).map_err(|source| ClientError::Malformed {
        address: address(),
        api,
        source,
    })?;
    let Some(answer) = answer else {
        let what = format!("{}-{}", shared.settings.topic.name, shared.partition(pending.page));
        return Err(ClientError::Missing { address: address(), api, what }.into());
    };
    if answer.correlation_id != pending.correlation_id {
        let (expected, found) = (pending.correlation_id, answer.correlation_id);
        return Err(ClientError::OutOfTurn { address: address(), expected, found }.into());
    }
    if answer.code != ErrorCode::None {
        return Err(shared.wrong(pending.page, Wrong::Refused { code: answer.code, message: answer.message }));
    }
    given(shared, part, Given { page: pending.page, base_offset: answer.base_offset, sent: pending.sent })
}

struct Given {
    page: usize,
    base_offset: i64,
    sent: Sent,
}

fn given(shared: &Shared<'_>, part: &mut Part, given: Given) -> Result<(), LoadError> {
    let Given { page, base_offset, sent } = given;
    let now_ns = shared.timeline.now_ns();
    let met: Vec<Met> =
        shared.ledger.given(page, base_offset, sent).map_err(|wrong| shared.wrong(page, wrong))?;
    met.into_iter().for_each(|met| part.met(met));
    let bytes = shared.batch.bytes().len();
    shared.live.acknowledged.fetch_add(1, Ordering::Relaxed);
    shared.live.acknowledged_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    if sent.counts {
        part.produced.add(shared.batch.record_count(), bytes, now_ns);
        if shared.settings.acks != Acks::None {
            part.acknowledged.record(now_ns.saturating_sub(sent.due_ns));
        }
    }
    Ok(())
}

/// Waits until the broker has taken all that was sent before, where it does not answer batches: it handles the requests of
/// one connection in their order.
///
/// # Errors
/// Where it has closed the connection instead, which is how it refuses a batch with acks=0.
pub fn fence(connection: &mut Connection) -> Result<(), LoadError> {
    let request = api_versions::Request::default();
    Ok(connection.ask(&request, 0, |_: api_versions::Response<'_>| ())?)
}
