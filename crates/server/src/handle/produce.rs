//! Produce: batches go to their logs as they came.
//!
//! With acks -1 the answer says that the records are on disk. All requests of a connection that arrived
//! together are appended first, then each log is synced once, then all are answered: see
//! [`sync_and_answer`].

use std::borrow::Cow;

use ottla::{Appended, Durability, Error, Log};
use ottla_protocol::api::produce::{
    BatchIndexAndErrorMessage, PartitionProduceData, PartitionProduceResponse, Request, Response,
    TopicProduceData, TopicProduceResponse,
};
use ottla_protocol::{ErrorCode, RequestHeader};
use ottla_record::{Compression, Head, RecordError};

use crate::answers::Answers;
use crate::broker::Broker;
use crate::ended::Ended;
use crate::error_codes::{self, Refusal};
use crate::handle::lookup::find_topic;
use crate::log_limit::About;

/// The first version in which a producer may send zstd (KIP-110).
const FIRST_VERSION_WITH_ZSTD: i16 = 7;

/// The partitions of one request: far more than any client bundles, and few enough for the memory of
/// their answers.
const MAX_PARTITIONS: usize = 100_000;

/// A response that is not true before the disk has what it acknowledges.
pub(crate) struct Unsynced<'f> {
    header: RequestHeader<'f>,
    response: Response<'f>,
    syncs: Vec<Sync>,
}

/// What must be on disk for one partition of a response.
struct Sync {
    durability: Durability,
    topic: usize,
    partition: usize,
}

/// The records of a refused batch that are named to the client.
const MAX_NAMED_RECORDS: usize = 100;

/// Why a batch was not appended, and because of which of its records, where they are the reason (KIP-467).
struct Refused {
    why: Refusal,
    records: Vec<i32>,
}

impl From<Refusal> for Refused {
    fn from(why: Refusal) -> Refused {
        Refused { why, records: Vec::new() }
    }
}

impl Refused {
    fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Refused {
        Refusal::new(code, message).into()
    }

    fn by_log(broker: &Broker, log: &Log, batch: &[u8], error: &Error) -> Refused {
        let records = match error {
            Error::MissingKey { .. } => {
                let limit = log.config().max_decompressed_bytes;
                ottla_record::records_without_key(batch, limit, MAX_NAMED_RECORDS)
            }
            Error::InvalidBatch(RecordError::TimestampOutOfRange { index, .. }) => vec![*index],
            _ => Vec::new(),
        };
        Refused { why: error_codes::refusal(broker, error), records }
    }
}

/// Whether the answer to this request waits for the disk.
pub(crate) fn waits_for_disk(request: &ottla_protocol::Request<'_>) -> bool {
    matches!(request, ottla_protocol::Request::Produce(produce) if produce.acks == -1)
}

/// Appends every batch of the request, and queues the answer or leaves it to [`sync_and_answer`].
pub(crate) fn handle<'f>(
    broker: &Broker,
    header: &RequestHeader<'f>,
    request: &Request<'f>,
    answers: &mut Answers,
    unsynced: &mut Vec<Unsynced<'f>>,
) -> Result<(), Ended> {
    let partitions: usize = request.topic_data.iter().map(|topic| topic.partition_data.len()).sum();
    if partitions.saturating_add(request.topic_data.len()) > MAX_PARTITIONS {
        return Err(Ended::TooManyPartitions);
    }
    let mut syncs = Vec::new();
    let mut responses = Vec::with_capacity(request.topic_data.len());
    for (index, topic) in request.topic_data.iter().enumerate() {
        responses.push(append_to_topic(broker, header.api_version, request.acks, &topic, index, &mut syncs));
    }
    let response = Response { responses, ..Response::default() };
    match request.acks {
        0 if is_refused(&response) => Err(Ended::UnacknowledgedBatch),
        0 => Ok(()),
        -1 => {
            unsynced.push(Unsynced { header: *header, response, syncs });
            Ok(())
        }
        _ => Ok(answers.push(header, &response)?),
    }
}

fn is_refused(response: &Response<'_>) -> bool {
    let mut partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    partitions.any(|partition| partition.error_code.is_error())
}

fn append_to_topic<'f>(
    broker: &Broker,
    version: i16,
    acks: i16,
    data: &TopicProduceData<'f>,
    topic_index: usize,
    syncs: &mut Vec<Sync>,
) -> TopicProduceResponse<'f> {
    let topic = find_topic(broker, version >= 13, data.name, data.topic_id);
    let mut partition_responses = Vec::with_capacity(data.partition_data.len());
    for (partition_index, data) in data.partition_data.iter().enumerate() {
        let appended = match (&topic, acks) {
            (_, ..=-2 | 2..) => {
                Err(Refused::new(ErrorCode::InvalidRequiredAcks, format!("acks {acks} is none of -1, 0, 1")))
            }
            (Err(code), _) => Err(Refused::new(*code, "there is no such topic")),
            (Ok(topic), _) => match topic.log(data.index) {
                None => Err(Refused::new(ErrorCode::UnknownTopicOrPartition, "there is no such partition")),
                Some(log) => append(broker, version, log, &data).inspect(|appended| {
                    if acks == -1 {
                        let durability = appended.durability.clone();
                        syncs.push(Sync { durability, topic: topic_index, partition: partition_index });
                    }
                }),
            },
        };
        partition_responses.push(answer(data.index, appended));
    }
    TopicProduceResponse { name: data.name.into(), topic_id: data.topic_id, partition_responses }
}

fn append(
    broker: &Broker,
    version: i16,
    log: &Log,
    data: &PartitionProduceData<'_>,
) -> Result<Appended, Refused> {
    let records = data.records.unwrap_or_default();
    let appended = check_shape(version, records)
        .map_err(Refused::from)
        .and_then(|()| log.append(records).map_err(|e| Refused::by_log(broker, log, records, &e)));
    appended.inspect_err(|Refused { why, .. }| {
        broker.metrics.batches_refused.add(1);
        if let Some(left_out) = broker.log_limit.admit(About::Batch) {
            let partition = log.topic_partition();
            tracing::info!(%partition, code = %why.code, reason = %why.message, left_out, "refused a batch");
        }
    })
}

/// What the protocol asks beyond what any log asks: exactly one batch, of the current format, and not
/// part of a transaction, which nobody could end yet.
fn check_shape(version: i16, records: &[u8]) -> Result<(), Refusal> {
    let invalid = |message: &'static str| Err(Refusal::new(ErrorCode::InvalidRecord, message));
    if records.is_empty() {
        return invalid("a produce request must hold a batch for each of its partitions");
    }
    let header = match Head::parse(records) {
        Ok(head) if head.size_bytes() < records.len() => {
            return invalid("a produce request must hold only one batch for each of its partitions");
        }
        Ok(Head::V2(header)) => header,
        Ok(Head::Legacy(_)) => return invalid("only batches of magic 2 can be produced"),
        Err(error) => {
            let error = Error::from(error);
            return Err(Refusal::new(error_codes::code_of(&error), error.to_string()));
        }
    };
    if header.attributes.is_transactional() {
        let message = "this server has no transactions";
        return Err(Refusal::new(ErrorCode::InvalidTxnState, message));
    }
    if version < FIRST_VERSION_WITH_ZSTD && header.attributes.compression() == Ok(Compression::Zstd) {
        let message = "zstd needs version 7 of produce requests";
        return Err(Refusal::new(ErrorCode::UnsupportedCompressionType, message));
    }
    Ok(())
}

fn answer<'f>(index: i32, appended: Result<Appended, Refused>) -> PartitionProduceResponse<'f> {
    match appended {
        Ok(appended) => PartitionProduceResponse {
            index,
            base_offset: appended.base_offset.get(),
            log_append_time_ms: appended.append_time_ms.unwrap_or(-1),
            log_start_offset: appended.log_start_offset.get(),
            ..PartitionProduceResponse::default()
        },
        Err(Refused { why, records }) => PartitionProduceResponse {
            index,
            error_code: why.code,
            base_offset: -1,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: records.into_iter().map(|record| record_error(record, why.code)).collect(),
            error_message: Some(why.message),
            ..PartitionProduceResponse::default()
        },
    }
}

fn record_error(record: i32, code: ErrorCode) -> BatchIndexAndErrorMessage<'static> {
    let why = match code {
        ErrorCode::InvalidTimestamp => "the timestamp is further from now than the topic allows",
        _ => "the record has no key, and the topic is compacted by key",
    };
    BatchIndexAndErrorMessage { batch_index: record, batch_index_error_message: Some(why.into()) }
}

/// Waits until the disk has everything that was appended, then queues the answers.
pub(crate) fn sync_and_answer(
    broker: &Broker,
    unsynced: &mut Vec<Unsynced<'_>>,
    answers: &mut Answers,
) -> Result<(), Ended> {
    if unsynced.is_empty() {
        return Ok(());
    }
    let promises = unsynced.iter().flat_map(|waiting| &waiting.syncs).map(|sync| &sync.durability);
    let mut outcomes = Durability::wait_all(promises).into_iter();
    for mut waiting in unsynced.drain(..) {
        for (sync, outcome) in waiting.syncs.iter().zip(outcomes.by_ref()) {
            if let Err(error) = outcome {
                sync.refuse(&mut waiting.response, error_codes::refusal(broker, &error));
            }
        }
        answers.push(&waiting.header, &waiting.response)?;
    }
    Ok(())
}

impl Sync {
    fn refuse(&self, response: &mut Response<'_>, why: Refusal) {
        let topic = response.responses.get_mut(self.topic);
        if let Some(answered) = topic.and_then(|topic| topic.partition_responses.get_mut(self.partition)) {
            *answered = answer(answered.index, Err(why.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use ottla_record::BatchBuilder;

    use super::*;

    fn batch(builder: BatchBuilder) -> Vec<u8> {
        let mut builder = builder;
        builder.push(1, None, Some(b"value"), &[]).unwrap();
        builder.build().unwrap()
    }

    fn code(version: i16, records: &[u8]) -> ErrorCode {
        check_shape(version, records).map_or_else(|refusal| refusal.code, |()| ErrorCode::None)
    }

    #[test]
    fn a_partition_gets_exactly_one_batch() {
        let one = batch(BatchBuilder::new());
        assert_eq!(code(9, &one), ErrorCode::None);
        assert_eq!(code(9, &[one.clone(), one].concat()), ErrorCode::InvalidRecord);
        assert_eq!(code(9, &[]), ErrorCode::InvalidRecord);
        assert_eq!(code(9, &[0; 5]), ErrorCode::CorruptMessage);
    }

    #[test]
    fn zstd_needs_a_version_whose_readers_know_it() {
        let zstd = batch(BatchBuilder::new().compression(Compression::Zstd));
        assert_eq!(code(6, &zstd), ErrorCode::UnsupportedCompressionType);
        assert_eq!(code(7, &zstd), ErrorCode::None);
    }

    #[test]
    fn a_transactional_batch_is_refused() {
        let transactional = batch(BatchBuilder::new().producer(1, 0, 0).transactional(true));
        assert_eq!(code(9, &transactional), ErrorCode::InvalidTxnState);
    }
}
