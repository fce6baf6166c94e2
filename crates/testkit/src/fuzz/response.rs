use ottla_protocol::api::*;
use ottla_protocol::wire::Writer;
use ottla_protocol::{ApiKey, decode_message, decode_response, encode_message};

/// Reads a message, and what is written of it again.
macro_rules! look_at {
    ($response:ty, $frame:expr, $version:expr) => {{
        let _ = decode_response::<$response>($frame, $version);
        let Ok((message, _)) = decode_message::<$response>($frame, $version) else { return };
        let mut writer = Writer::new();
        if encode_message(&mut writer, $version, &message).is_ok() {
            let (same, rest) =
                decode_message::<$response>(writer.bytes(), $version).expect("what was written");
            assert_eq!((rest, &same), (0, &message));
        }
    }};
}

/// A frame that a broker sent. The first byte picks the API, the second its version: the rest is refused, or
/// what is read and written again reads the same.
pub fn response(data: &[u8]) {
    let Some(([api, version], frame)) = data.split_first_chunk::<2>() else { return };
    let api = ApiKey::ALL[usize::from(*api) % ApiKey::ALL.len()].api();
    let versions = api.max_version - api.min_version + 1;
    let version = api.min_version + i16::from(*version) % versions;
    match api.key {
        ApiKey::Produce => look_at!(produce::Response<'_>, frame, version),
        ApiKey::Fetch => look_at!(fetch::Response<'_>, frame, version),
        ApiKey::ListOffsets => look_at!(list_offsets::Response<'_>, frame, version),
        ApiKey::Metadata => look_at!(metadata::Response<'_>, frame, version),
        ApiKey::ApiVersions => look_at!(api_versions::Response<'_>, frame, version),
        ApiKey::CreateTopics => look_at!(create_topics::Response<'_>, frame, version),
        ApiKey::DeleteTopics => look_at!(delete_topics::Response<'_>, frame, version),
        ApiKey::DeleteRecords => look_at!(delete_records::Response<'_>, frame, version),
        ApiKey::InitProducerId => look_at!(init_producer_id::Response, frame, version),
        ApiKey::OffsetForLeaderEpoch => look_at!(offset_for_leader_epoch::Response<'_>, frame, version),
        ApiKey::DescribeConfigs => look_at!(describe_configs::Response<'_>, frame, version),
        ApiKey::CreatePartitions => look_at!(create_partitions::Response<'_>, frame, version),
        ApiKey::AlterConfigs => look_at!(alter_configs::Response<'_>, frame, version),
        ApiKey::IncrementalAlterConfigs => {
            look_at!(incremental_alter_configs::Response<'_>, frame, version)
        }
        ApiKey::DescribeCluster => look_at!(describe_cluster::Response<'_>, frame, version),
        other => panic!("no arm for {other}: add it"),
    }
}
