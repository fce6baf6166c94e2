//! DeleteRecords: moves the start of a log.

use ottla::Offset;
use ottla_protocol::ErrorCode;
use ottla_protocol::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsTopicResult, Request, Response,
};

use crate::broker::Broker;
use crate::error_codes;
use crate::handle::lookup::find_log;

/// Stands for the end of the log.
const HIGH_WATERMARK: i64 = -1;

pub(crate) fn handle<'f>(broker: &Broker, request: &Request<'f>) -> Response<'f> {
    let topics = request.topics.iter().map(|topic| DeleteRecordsTopicResult {
        name: topic.name.into(),
        partitions: topic.partitions.iter().map(|asked| answer(broker, topic.name, &asked)).collect(),
    });
    Response { topics: topics.collect(), ..Response::default() }
}

fn answer(broker: &Broker, topic: &str, asked: &DeleteRecordsPartition) -> DeleteRecordsPartitionResult {
    let (low_watermark, error_code) = match delete(broker, topic, asked) {
        Ok(start) => (start.get(), ErrorCode::None),
        Err(code) => (-1, code),
    };
    DeleteRecordsPartitionResult { partition_index: asked.partition_index, low_watermark, error_code }
}

fn delete(broker: &Broker, topic: &str, asked: &DeleteRecordsPartition) -> Result<Offset, ErrorCode> {
    let log = find_log(broker, topic, asked.partition_index)?;
    let before = match asked.offset {
        HIGH_WATERMARK => log.high_watermark(),
        offset if offset < 0 => return Err(ErrorCode::OffsetOutOfRange),
        offset => Offset::new(offset),
    };
    log.delete_records(before).map_err(|error| error_codes::note(broker, &error))
}
