//! Every message in every version against the `kafka-protocol` crate, in both directions.

use bytes::Bytes;
use kafka_protocol::messages as oracle;
use ottla_protocol::wire::Writer;
use ottla_protocol::{ApiKey, decode_message, encode_message};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::generate::{Gen, entropy};
use crate::oracle::{Oracle, api_key, versions};

/// The version of the oracle with the same layout: it is older than Kafka 4.3 by these.
fn same_layout<O: Oracle>(version: i16) -> i16 {
    match (api_key::<O>(), version) {
        (ApiKey::ListOffsets, 11) => 10,
        // Only the request has more in it: see `the_version_5_request_names_cluster_and_node`.
        (ApiKey::ApiVersions, 5) => 4,
        _ => version,
    }
}

fn agrees<O: Oracle>(entropy: &[u8], version: i16) -> Result<(), TestCaseError> {
    let oracle_version = same_layout::<O>(version);
    let sent = O::generate(&mut Gen::new(entropy), oracle_version);
    let mut theirs = Vec::new();
    sent.encode(&mut theirs, oracle_version).expect("the oracle encodes what was generated for it");

    // Ours encodes: the same bytes, which are what the oracle decodes.
    let mut writer = Writer::new();
    encode_message(&mut writer, version, &sent.ours(version)).unwrap();
    prop_assert_eq!(writer.bytes(), &*theirs, "encoded in version {}", version);

    // The oracle encodes, ours decodes: the same fields, which encode to the same bytes again.
    let received = O::decode(&mut Bytes::from(theirs.clone()), oracle_version).unwrap();
    let (decoded, left) = decode_message::<O::Ours<'_>>(&theirs, version).unwrap();
    prop_assert_eq!(left, 0, "left over in version {}", version);
    prop_assert_eq!(&decoded, &received.ours(version), "decoded in version {}", version);
    writer.clear();
    encode_message(&mut writer, version, &decoded).unwrap();
    prop_assert_eq!(writer.bytes(), &*theirs, "encoded again in version {}", version);
    Ok(())
}

fn agrees_in_every_version<O: Oracle>(last: i16) {
    let mut runner = TestRunner::new(Config { cases: 200, ..Config::default() });
    runner
        .run(&entropy(), |entropy| {
            for version in versions::<O>().take_while(|version| *version <= last) {
                agrees::<O>(&entropy, version)?;
            }
            Ok(())
        })
        .unwrap();
}

macro_rules! agreement {
    ($($name:ident $message:ident $(up_to $last:literal)?;)+) => {
        $(
            #[test]
            fn $name() {
                agrees_in_every_version::<oracle::$message>([$($last,)? i16::MAX][0]);
            }
        )+
    };
}

agreement! {
    produce_request_agrees ProduceRequest;
    produce_response_agrees ProduceResponse;
    fetch_request_agrees FetchRequest;
    fetch_response_agrees FetchResponse;
    list_offsets_request_agrees ListOffsetsRequest;
    list_offsets_response_agrees ListOffsetsResponse;
    metadata_request_agrees MetadataRequest;
    metadata_response_agrees MetadataResponse;
    api_versions_request_agrees ApiVersionsRequest up_to 4;
    api_versions_response_agrees ApiVersionsResponse;
    create_topics_request_agrees CreateTopicsRequest;
    create_topics_response_agrees CreateTopicsResponse;
    delete_topics_request_agrees DeleteTopicsRequest;
    delete_topics_response_agrees DeleteTopicsResponse;
    delete_records_request_agrees DeleteRecordsRequest;
    delete_records_response_agrees DeleteRecordsResponse;
    init_producer_id_request_agrees InitProducerIdRequest;
    init_producer_id_response_agrees InitProducerIdResponse;
    offset_for_leader_epoch_request_agrees OffsetForLeaderEpochRequest;
    offset_for_leader_epoch_response_agrees OffsetForLeaderEpochResponse;
    create_partitions_request_agrees CreatePartitionsRequest;
    create_partitions_response_agrees CreatePartitionsResponse;
    describe_configs_request_agrees DescribeConfigsRequest;
    describe_configs_response_agrees DescribeConfigsResponse;
    alter_configs_request_agrees AlterConfigsRequest;
    alter_configs_response_agrees AlterConfigsResponse;
    incremental_alter_configs_request_agrees IncrementalAlterConfigsRequest;
    incremental_alter_configs_response_agrees IncrementalAlterConfigsResponse;
    describe_cluster_request_agrees DescribeClusterRequest;
    describe_cluster_response_agrees DescribeClusterResponse;
}
