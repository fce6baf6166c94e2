//! Fetch: ranges of log files, found but not read.
//!
//! The response names how many bytes each partition sends; the ranges themselves go to the caller, who
//! sends them from the files. A request that finds less than `min_bytes` waits.
//!
//! There are no fetch sessions (KIP-227): every answer has session id 0, which tells the client to name
//! all its partitions each time.

use std::time::Instant;

use ottla::{Error, Fetched, FileSlice, Isolation, Log, Offset, Subscription};
use ottla_protocol::ErrorCode;
use ottla_protocol::api::fetch::{
    AbortedTransaction, FetchPartition, FetchableTopicResponse, PartitionData, Records, Request, Response,
};

use crate::broker::Broker;
use crate::error_codes;
use crate::handle::Caller;
use crate::handle::lookup::{check_epoch, find_topic, isolation};

/// Epochs of requests that belong to no session: the first asks for a new one, the other ends one.
const INITIAL_EPOCH: i32 = 0;
const FINAL_EPOCH: i32 = -1;

/// Answers a fetch, after waiting where it asks for more than there is. The ranges to send are appended
/// to `slices`, in the order of the response's external records.
pub(crate) fn handle<'f>(
    caller: &Caller<'_>,
    version: i16,
    request: &Request<'f>,
    slices: &mut Vec<FileSlice>,
) -> Response<'f> {
    if !matches!(request.session_epoch, INITIAL_EPOCH | FINAL_EPOCH) {
        return Response { error_code: ErrorCode::FetchSessionIdNotFound, ..Response::default() };
    }
    let wanted = Wanted::new(caller.broker, version, request);
    let deadline = caller.patience.deadline(request.max_wait_ms);
    let first_slice = slices.len();
    let mut subscriptions: Option<Vec<Subscription>> = None;
    loop {
        slices.truncate(first_slice);
        let pass = wanted.read(caller.broker, slices);
        let look_again = !pass.is_enough(request.min_bytes)
            && Instant::now() < deadline
            && match subscriptions {
                // Whatever came between this look and the subscription has woken nobody.
                None => {
                    let waiter = caller.patience.waiter();
                    subscriptions = Some(wanted.logs().map(|log| log.subscribe(waiter)).collect());
                    true
                }
                Some(_) => caller.patience.wait_until(deadline),
            };
        if !look_again {
            return Response { responses: pass.responses, ..Response::default() };
        }
    }
}

/// What is asked for, with the logs found.
struct Wanted<'f> {
    topics: Vec<WantedTopic<'f>>,
    isolation: Isolation,
    max_bytes: usize,
}

struct WantedTopic<'f> {
    response: FetchableTopicResponse<'f>,
    partitions: Vec<WantedPartition>,
}

struct WantedPartition {
    index: i32,
    log: Result<Log, ErrorCode>,
    from: Offset,
    max_bytes: usize,
}

/// What one look at the logs found.
struct Pass<'f> {
    responses: Vec<FetchableTopicResponse<'f>>,
    bytes: usize,
    /// Whether something must be told at once.
    urgent: bool,
}

impl Pass<'_> {
    fn is_enough(&self, min_bytes: i32) -> bool {
        self.urgent || self.bytes >= usize::try_from(min_bytes).unwrap_or(0)
    }
}

impl<'f> Wanted<'f> {
    fn new(broker: &Broker, version: i16, request: &Request<'f>) -> Wanted<'f> {
        let topics = request.topics.iter().map(|asked| {
            let topic = find_topic(broker, version >= 13, asked.topic, asked.topic_id);
            let partition = |asked: FetchPartition| WantedPartition {
                index: asked.partition,
                log: match &topic {
                    Err(code) => Err(*code),
                    Ok(topic) => topic
                        .log(asked.partition)
                        .ok_or(ErrorCode::UnknownTopicOrPartition)
                        .and_then(|log| check_epoch(log, asked.current_leader_epoch).map(|()| log.clone())),
                },
                from: Offset::new(asked.fetch_offset),
                max_bytes: usize::try_from(asked.partition_max_bytes).unwrap_or(0),
            };
            WantedTopic {
                partitions: asked.partitions.iter().map(partition).collect(),
                response: FetchableTopicResponse {
                    topic: asked.topic.into(),
                    topic_id: asked.topic_id,
                    ..FetchableTopicResponse::default()
                },
            }
        });
        Wanted {
            topics: topics.collect(),
            isolation: isolation(request.isolation_level),
            max_bytes: usize::try_from(request.max_bytes).unwrap_or(0).min(broker.config.fetch_max_bytes),
        }
    }

    fn logs(&self) -> impl Iterator<Item = &Log> {
        self.topics
            .iter()
            .flat_map(|topic| &topic.partitions)
            .filter_map(|partition| partition.log.as_ref().ok())
    }

    /// Looks at every partition once.
    fn read(&self, broker: &Broker, slices: &mut Vec<FileSlice>) -> Pass<'f> {
        let mut reading =
            Reading { broker, slices, isolation: self.isolation, left: self.max_bytes, bytes: 0 };
        let mut urgent = self.topics.iter().all(|topic| topic.partitions.is_empty());
        let responses = self.topics.iter().map(|topic| {
            let mut response = topic.response.clone();
            response.partitions.reserve_exact(topic.partitions.len());
            for partition in &topic.partitions {
                let data = reading.read(partition);
                urgent |= data.error_code.is_error();
                response.partitions.push(data);
            }
            response
        });
        let responses = responses.collect();
        Pass { responses, bytes: reading.bytes, urgent }
    }
}

/// The state of one look at the logs: how much may still be sent.
struct Reading<'r> {
    broker: &'r Broker,
    slices: &'r mut Vec<FileSlice>,
    isolation: Isolation,
    left: usize,
    bytes: usize,
}

impl Reading<'_> {
    fn read(&mut self, partition: &WantedPartition) -> PartitionData<'static> {
        let max_bytes = partition.max_bytes.min(self.left);
        let fetched = match &partition.log {
            Err(code) => Err(*code),
            Ok(log) => {
                log.read(partition.from, max_bytes, self.isolation).map_err(|error| self.code_of(&error))
            }
        };
        match fetched {
            Ok(fetched) => self.data(partition.index, max_bytes, fetched),
            Err(error_code) => PartitionData {
                partition_index: partition.index,
                error_code,
                high_watermark: -1,
                last_stable_offset: -1,
                log_start_offset: -1,
                ..PartitionData::default()
            },
        }
    }

    /// Damage in the log is the reader's to know; elsewhere the same code would blame the request.
    fn code_of(&self, error: &Error) -> ErrorCode {
        match (error_codes::note(self.broker, error), error) {
            (_, Error::Corrupt(_)) => ErrorCode::CorruptMessage,
            (code, _) => code,
        }
    }

    fn data(&mut self, index: i32, max_bytes: usize, fetched: Fetched) -> PartitionData<'static> {
        let aborted = || {
            let aborted = fetched.aborted.iter().map(|aborted| AbortedTransaction {
                producer_id: aborted.producer_id,
                first_offset: aborted.first_offset.get(),
            });
            aborted.collect::<Vec<_>>()
        };
        PartitionData {
            partition_index: index,
            high_watermark: fetched.high_watermark.get(),
            last_stable_offset: fetched.last_stable_offset.get(),
            log_start_offset: fetched.log_start_offset.get(),
            aborted_transactions: (self.isolation == Isolation::ReadCommitted).then(aborted),
            records: self.take(max_bytes, fetched.slice),
            ..PartitionData::default()
        }
    }

    /// The first batch of a response is sent however large it is, so that every client gets on; those of
    /// other partitions only if they fit.
    fn take(&mut self, max_bytes: usize, slice: FileSlice) -> Records<'static> {
        let size_bytes = slice.len();
        if size_bytes == 0 || (self.bytes > 0 && size_bytes > max_bytes) {
            return Records::default();
        }
        self.bytes = self.bytes.saturating_add(size_bytes);
        self.left = self.left.saturating_sub(size_bytes);
        self.slices.push(slice);
        Records::External(size_bytes)
    }
}
