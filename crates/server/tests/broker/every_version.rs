//! What is advertised is answered, in every version, in a form that the client can decode.

use ottla_protocol::api::*;
use ottla_protocol::wire::List;
use ottla_protocol::{API_TABLE, ErrorCode, Uuid, decode_response};

use crate::support::{FetchOptions, answer, batch, broker, with_produce};

#[test]
fn every_advertised_version_of_every_api_is_answered() {
    let broker = broker();
    broker.topic("letters", 1);
    let topic_id = broker.topic_id("letters");
    let mut client = broker.connect();
    let mut asked = Vec::new();

    macro_rules! ask {
        ($api:ident, $request:expr) => {
            let api = <$api::Request as ottla_protocol::Message>::API_KEY.api();
            for version in api.min_version..=api.max_version {
                let request = $request;
                let frame = client.ask(version, &request(version));
                decode_response::<$api::Response>(&frame, version).unwrap();
            }
            asked.push(api.key);
        };
    }
    ask!(api_versions, |_| api_versions::Request {
        client_software_name: "test",
        client_software_version: "1",
        ..Default::default()
    });
    ask!(metadata, |_| metadata::Request::default());
    ask!(create_topics, |_| create_topics::Request::default());
    ask!(delete_topics, |_| delete_topics::Request::default());
    ask!(delete_records, |_| delete_records::Request::default());
    ask!(init_producer_id, |_| init_producer_id::Request::default());
    ask!(describe_configs, |_| describe_configs::Request::default());
    ask!(alter_configs, |_| alter_configs::Request::default());
    ask!(incremental_alter_configs, |_| incremental_alter_configs::Request::default());
    ask!(create_partitions, |_| create_partitions::Request::default());
    ask!(describe_cluster, |_| describe_cluster::Request::default());
    let partitions = [offset_for_leader_epoch::OffsetForLeaderPartition {
        partition: 0,
        current_leader_epoch: -1,
        leader_epoch: 0,
    }];
    let topics = [offset_for_leader_epoch::OffsetForLeaderTopic {
        topic: "letters",
        partitions: List::from(&partitions),
    }];
    ask!(offset_for_leader_epoch, |_| offset_for_leader_epoch::Request {
        topics: List::from(&topics),
        ..Default::default()
    });
    let partitions =
        [list_offsets::ListOffsetsPartition { partition_index: 0, timestamp: -1, ..Default::default() }];
    let topics = [list_offsets::ListOffsetsTopic { name: "letters", partitions: List::from(&partitions) }];
    ask!(list_offsets, |_| list_offsets::Request { topics: List::from(&topics), ..Default::default() });

    let records = batch(&["a"]);
    let api = ottla_protocol::ApiKey::Produce.api();
    for (version, offset) in (api.min_version..=api.max_version).zip(0..) {
        let name = if version < 13 { "letters" } else { "" };
        let frame = with_produce(name, 0, -1, &records, |request| {
            let mut topic = request.topic_data.iter().next().unwrap();
            topic.topic_id = if version < 13 { Uuid::ZERO } else { topic_id };
            let topics = [topic];
            client.ask(version, &produce::Request { topic_data: List::from(&topics), ..*request })
        });
        let response: produce::Response<'_> = answer(&frame, version);
        let partition = &response.responses[0].partition_responses[0];
        assert_eq!((partition.error_code, partition.base_offset), (ErrorCode::None, offset), "{version}");
    }
    asked.push(api.key);

    let api = ottla_protocol::ApiKey::Fetch.api();
    for version in api.min_version..=api.max_version {
        let by_id = version >= 13;
        let fetched = client.fetch_with(FetchOptions {
            version,
            topic: if by_id { "" } else { "letters" },
            topic_id: if by_id { topic_id } else { Uuid::ZERO },
            ..Default::default()
        });
        assert_eq!(fetched.records().len(), 11, "{version}");
    }
    asked.push(api.key);

    asked.sort_unstable();
    let advertised: Vec<_> = API_TABLE.iter().map(|api| api.key).collect();
    assert_eq!(asked, advertised, "a new API needs a line here");
}
