//! OffsetForLeaderEpoch: how far an epoch reached, by which a client learns that the log was cut under it
//! (KIP-320).

use ottla_protocol::ErrorCode;
use ottla_protocol::api::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderPartition, OffsetForLeaderTopicResult, Request, Response,
};

use crate::broker::Broker;
use crate::handle::lookup::{check_epoch, find_log};

pub(crate) fn handle<'f>(broker: &Broker, request: &Request<'f>) -> Response<'f> {
    let topics = request.topics.iter().map(|topic| OffsetForLeaderTopicResult {
        topic: topic.topic.into(),
        partitions: topic.partitions.iter().map(|asked| answer(broker, topic.topic, &asked)).collect(),
    });
    Response { topics: topics.collect(), ..Response::default() }
}

fn answer(broker: &Broker, topic: &str, asked: &OffsetForLeaderPartition) -> EpochEndOffset {
    let found = find_log(broker, topic, asked.partition)
        .and_then(|log| check_epoch(&log, asked.current_leader_epoch).map(|()| log))
        .map(|log| log.end_offset_for_epoch(asked.leader_epoch));
    let (error_code, leader_epoch, end_offset) = match found {
        Ok(found) => (ErrorCode::None, found.epoch, found.end_offset.get()),
        Err(code) => (code, -1, -1),
    };
    EpochEndOffset { error_code, partition: asked.partition, leader_epoch, end_offset }
}
