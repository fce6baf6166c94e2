//! ListOffsets: where a log begins and ends, and where a time is in it.

use std::collections::HashSet;

use ottla::{Error, Isolation, Log, Offset, TimestampOffset};
use ottla_protocol::ErrorCode;
use ottla_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsTopicResponse, Request, Response,
};

use crate::broker::Broker;
use crate::error_codes;
use crate::handle::lookup::{check_epoch, find_log, isolation};

// Numbers that stand for places rather than times (`ListOffsetsRequest`), and the versions they came in.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;
const FIRST_VERSIONS: [(i64, i16); 4] =
    [(MAX_TIMESTAMP, 7), (EARLIEST_LOCAL, 8), (LATEST_TIERED, 9), (EARLIEST_PENDING_UPLOAD, 11)];

/// There is no such record, or no such place.
const NOWHERE: Place = Place { timestamp_ms: -1, offset: -1, leader_epoch: -1 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    timestamp_ms: i64,
    offset: i64,
    leader_epoch: i32,
}

pub(crate) fn handle<'f>(broker: &Broker, version: i16, request: &Request<'f>) -> Response<'f> {
    let isolation = isolation(request.isolation_level);
    let repeated = repeated(request);
    let topics = request.topics.iter().map(|topic| ListOffsetsTopicResponse {
        name: topic.name.into(),
        partitions: topic
            .partitions
            .iter()
            .map(|asked| {
                let place = if repeated.contains(&(topic.name, asked.partition_index)) {
                    Err(ErrorCode::InvalidRequest)
                } else {
                    find(broker, version, topic.name, &asked, isolation)
                };
                answer(asked.partition_index, place)
            })
            .collect(),
    });
    Response { topics: topics.collect(), ..Response::default() }
}

/// The partitions that a request names more than once.
fn repeated<'f>(request: &Request<'f>) -> HashSet<(&'f str, i32)> {
    let mut seen = HashSet::new();
    let mut repeated = HashSet::new();
    for topic in request.topics.iter() {
        for partition in topic.partitions.iter() {
            if !seen.insert((topic.name, partition.partition_index)) {
                repeated.insert((topic.name, partition.partition_index));
            }
        }
    }
    repeated
}

fn answer(partition_index: i32, place: Result<Place, ErrorCode>) -> ListOffsetsPartitionResponse {
    let (place, error_code) = match place {
        Ok(place) => (place, ErrorCode::None),
        Err(code) => (NOWHERE, code),
    };
    ListOffsetsPartitionResponse {
        partition_index,
        error_code,
        timestamp: place.timestamp_ms,
        offset: place.offset,
        leader_epoch: place.leader_epoch,
    }
}

fn find(
    broker: &Broker,
    version: i16,
    topic: &str,
    asked: &ListOffsetsPartition,
    isolation: Isolation,
) -> Result<Place, ErrorCode> {
    let known = FIRST_VERSIONS.iter().find(|(timestamp, _)| *timestamp == asked.timestamp);
    if asked.timestamp < EARLIEST && known.is_none_or(|(_, first)| version < *first) {
        return Err(ErrorCode::UnsupportedVersion);
    }
    let log = find_log(broker, topic, asked.partition_index)?;
    check_epoch(&log, asked.current_leader_epoch)?;
    find_in(&log, asked.timestamp, isolation).map_err(|error| error_codes::note(broker, &error))
}

fn find_in(log: &Log, timestamp: i64, isolation: Isolation) -> Result<Place, Error> {
    let end = match isolation {
        Isolation::ReadUncommitted => log.high_watermark(),
        Isolation::ReadCommitted => log.last_stable_offset(),
    };
    let at = |offset: Offset| Place { timestamp_ms: -1, offset: offset.get(), leader_epoch: -1 };
    let found = match timestamp {
        LATEST => return Ok(Place { leader_epoch: log.leader_epoch(), ..at(end) }),
        EARLIEST | EARLIEST_LOCAL => {
            let start = log.log_start_offset();
            return Ok(Place { leader_epoch: epoch_of(log, start), ..at(start) });
        }
        // Nothing is tiered.
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD => None,
        MAX_TIMESTAMP => log.max_timestamp()?,
        _ => log.offset_for_timestamp(timestamp)?,
    };
    let seen = found.filter(|found| found.offset < end);
    Ok(seen.map_or(NOWHERE, |TimestampOffset { timestamp_ms, offset }| Place {
        timestamp_ms,
        offset: offset.get(),
        leader_epoch: epoch_of(log, offset),
    }))
}

/// The epoch under which the record at `offset` was appended: the last one that does not end before it.
fn epoch_of(log: &Log, offset: Offset) -> i32 {
    let mut epoch = log.leader_epoch();
    loop {
        let earlier = log.end_offset_for_epoch(epoch.saturating_sub(1));
        if earlier.epoch < 0 || earlier.epoch >= epoch || earlier.end_offset <= offset {
            return epoch;
        }
        epoch = earlier.epoch;
    }
}
