//! From a request to the one that handles it.

use ottla_protocol::{Request, RequestHeader};

use crate::answers::Answers;
use crate::ended::Ended;
use crate::handle::{
    Caller, alter_configs, api_versions, create_partitions, create_topics, delete_records, delete_topics,
    describe_cluster, describe_configs, fetch, incremental_alter_configs, init_producer_id, list_offsets,
    metadata, offset_for_leader_epoch, produce,
};

/// Whether the answers before this request must be on their way before it is handled, as it may wait.
pub(crate) fn must_not_wait_behind(request: &Request<'_>) -> bool {
    matches!(request, Request::Fetch(fetch) if fetch.max_wait_ms > 0)
}

/// Handles one request and queues its answer.
pub(crate) fn dispatch<'f>(
    caller: &Caller<'_>,
    header: &RequestHeader<'f>,
    request: Request<'f>,
    answers: &mut Answers,
    unsynced: &mut Vec<produce::Unsynced<'f>>,
) -> Result<(), Ended> {
    let broker = caller.broker;
    let version = header.api_version;
    match request {
        Request::Produce(request) => return produce::handle(broker, header, &request, answers, unsynced),
        Request::Fetch(request) => {
            let response = fetch::handle(caller, version, &request, &mut answers.slices);
            answers.push(header, &response)
        }
        Request::ListOffsets(request) => {
            answers.push(header, &list_offsets::handle(broker, version, &request))
        }
        Request::Metadata(request) => answers.push(header, &metadata::handle(caller, version, &request)),
        Request::ApiVersions(request) => {
            answers.push(header, &api_versions::handle(broker, version, &request))
        }
        Request::CreateTopics(request) => answers.push(header, &create_topics::handle(broker, &request)),
        Request::DeleteTopics(request) => answers.push(header, &delete_topics::handle(broker, &request)),
        Request::DeleteRecords(request) => answers.push(header, &delete_records::handle(broker, &request)),
        Request::InitProducerId(request) => answers.push(header, &init_producer_id::handle(broker, &request)),
        Request::OffsetForLeaderEpoch(request) => {
            answers.push(header, &offset_for_leader_epoch::handle(broker, &request))
        }
        Request::DescribeConfigs(request) => {
            answers.push(header, &describe_configs::handle(broker, &request))
        }
        Request::AlterConfigs(request) => answers.push(header, &alter_configs::handle(broker, &request)),
        Request::IncrementalAlterConfigs(request) => {
            answers.push(header, &incremental_alter_configs::handle(broker, &request))
        }
        Request::CreatePartitions(request) => {
            answers.push(header, &create_partitions::handle(broker, &request))
        }
        Request::DescribeCluster(request) => {
            answers.push(header, &describe_cluster::handle(caller, &request))
        }
        _ => return Err(Ended::NotHandled(header.api_key)),
    }
    .map_err(Ended::Encode)
}
