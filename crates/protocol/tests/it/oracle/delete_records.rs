use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};
use ottla_protocol::api::delete_records;

use super::{Oracle, error, list, text, vec};
use crate::generate::Gen;

impl Oracle for DeleteRecordsRequest {
    type Ours<'a> = delete_records::Request<'a>;

    fn generate(any: &mut Gen<'_>, _version: i16) -> Self {
        let partition = |any: &mut Gen<'_>| {
            let index = any.i32();
            DeleteRecordsPartition::default().with_partition_index(index).with_offset(any.i64())
        };
        let topic = |any: &mut Gen<'_>| {
            let name = any.topic();
            DeleteRecordsTopic::default().with_name(name).with_partitions(any.vec(partition))
        };
        DeleteRecordsRequest::default().with_topics(any.vec(topic)).with_timeout_ms(any.i32())
    }

    fn ours(&self, _version: i16) -> delete_records::Request<'_> {
        delete_records::Request {
            topics: list(&self.topics, |topic| delete_records::DeleteRecordsTopic {
                name: &topic.name,
                partitions: list(&topic.partitions, |partition| delete_records::DeleteRecordsPartition {
                    partition_index: partition.partition_index,
                    offset: partition.offset,
                }),
            }),
            timeout_ms: self.timeout_ms,
        }
    }
}

impl Oracle for DeleteRecordsResponse {
    type Ours<'a> = delete_records::Response<'a>;

    fn generate(any: &mut Gen<'_>, _version: i16) -> Self {
        let partition = |any: &mut Gen<'_>| {
            DeleteRecordsPartitionResult::default()
                .with_partition_index(any.i32())
                .with_low_watermark(any.i64())
                .with_error_code(any.error_code())
        };
        let topic = |any: &mut Gen<'_>| {
            let name = any.topic();
            DeleteRecordsTopicResult::default().with_name(name).with_partitions(any.vec(partition))
        };
        DeleteRecordsResponse::default().with_throttle_time_ms(any.i32()).with_topics(any.vec(topic))
    }

    fn ours(&self, _version: i16) -> delete_records::Response<'_> {
        delete_records::Response {
            throttle_time_ms: self.throttle_time_ms,
            topics: vec(&self.topics, |topic| delete_records::DeleteRecordsTopicResult {
                name: text(&topic.name),
                partitions: vec(&topic.partitions, |partition| {
                    delete_records::DeleteRecordsPartitionResult {
                        partition_index: partition.partition_index,
                        low_watermark: partition.low_watermark,
                        error_code: error(partition.error_code),
                    }
                }),
            }),
        }
    }
}
