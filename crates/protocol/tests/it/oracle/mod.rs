//! The same messages in the `kafka-protocol` crate, whose code is generated from Kafka's own definitions.

mod alter_configs;
mod create_partitions;
mod create_topics;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod discovery;
mod fetch;
mod incremental_alter_configs;
mod init_producer_id;
mod list_offsets;
mod metadata;
mod offset_for_leader_epoch;
mod produce;

use std::borrow::Cow;
use std::fmt::Debug;

use kafka_protocol::messages as oracle;
use kafka_protocol::messages::{BrokerId, TopicName};
use kafka_protocol::protocol::{Decodable, Encodable, Message as OracleMessage, StrBytes};
use ottla_protocol::wire::{Decode, Encode, List};
use ottla_protocol::{ErrorCode, Message, Uuid};

use crate::generate::Gen;

/// A message of the oracle that knows what it is here.
pub trait Oracle: OracleMessage + Encodable + Decodable + Clone + Debug + PartialEq + 'static {
    type Ours<'a>: Message + Decode<'a> + Encode + Debug + PartialEq
    where
        Self: 'a;

    /// A message that can be sent in `version`.
    fn generate(any: &mut Gen<'_>, version: i16) -> Self;

    /// The same message of this crate.
    fn ours(&self, version: i16) -> Self::Ours<'_>;
}

/// Something to do with every message.
pub trait Visit {
    fn visit<O: Oracle>(&mut self, name: &str, is_request: bool);
}

/// Every message, requests and responses.
pub fn each_message(visitor: &mut impl Visit) {
    visitor.visit::<oracle::ProduceRequest>("Produce request", true);
    visitor.visit::<oracle::ProduceResponse>("Produce response", false);
    visitor.visit::<oracle::FetchRequest>("Fetch request", true);
    visitor.visit::<oracle::FetchResponse>("Fetch response", false);
    visitor.visit::<oracle::ListOffsetsRequest>("ListOffsets request", true);
    visitor.visit::<oracle::ListOffsetsResponse>("ListOffsets response", false);
    visitor.visit::<oracle::MetadataRequest>("Metadata request", true);
    visitor.visit::<oracle::MetadataResponse>("Metadata response", false);
    visitor.visit::<oracle::ApiVersionsRequest>("ApiVersions request", true);
    visitor.visit::<oracle::ApiVersionsResponse>("ApiVersions response", false);
    visitor.visit::<oracle::CreateTopicsRequest>("CreateTopics request", true);
    visitor.visit::<oracle::CreateTopicsResponse>("CreateTopics response", false);
    visitor.visit::<oracle::DeleteTopicsRequest>("DeleteTopics request", true);
    visitor.visit::<oracle::DeleteTopicsResponse>("DeleteTopics response", false);
    visitor.visit::<oracle::DeleteRecordsRequest>("DeleteRecords request", true);
    visitor.visit::<oracle::DeleteRecordsResponse>("DeleteRecords response", false);
    visitor.visit::<oracle::InitProducerIdRequest>("InitProducerId request", true);
    visitor.visit::<oracle::InitProducerIdResponse>("InitProducerId response", false);
    visitor.visit::<oracle::OffsetForLeaderEpochRequest>("OffsetForLeaderEpoch request", true);
    visitor.visit::<oracle::OffsetForLeaderEpochResponse>("OffsetForLeaderEpoch response", false);
    visitor.visit::<oracle::CreatePartitionsRequest>("CreatePartitions request", true);
    visitor.visit::<oracle::CreatePartitionsResponse>("CreatePartitions response", false);
    visitor.visit::<oracle::DescribeConfigsRequest>("DescribeConfigs request", true);
    visitor.visit::<oracle::DescribeConfigsResponse>("DescribeConfigs response", false);
    visitor.visit::<oracle::AlterConfigsRequest>("AlterConfigs request", true);
    visitor.visit::<oracle::AlterConfigsResponse>("AlterConfigs response", false);
    visitor.visit::<oracle::IncrementalAlterConfigsRequest>("IncrementalAlterConfigs request", true);
    visitor.visit::<oracle::IncrementalAlterConfigsResponse>("IncrementalAlterConfigs response", false);
    visitor.visit::<oracle::DescribeClusterRequest>("DescribeCluster request", true);
    visitor.visit::<oracle::DescribeClusterResponse>("DescribeCluster response", false);
}

/// The key of the API of a message.
pub fn api_key<O: Oracle>() -> ottla_protocol::ApiKey {
    <O::Ours<'static> as Message>::API_KEY
}

/// The versions of this crate.
pub fn versions<O: Oracle>() -> std::ops::RangeInclusive<i16> {
    let api = api_key::<O>().api();
    api.min_version..=api.max_version
}

fn text(string: &StrBytes) -> Cow<'_, str> {
    Cow::Borrowed(string)
}

fn nullable_text(string: &Option<StrBytes>) -> Option<Cow<'_, str>> {
    string.as_ref().map(text)
}

fn nullable_topic(topic: &Option<TopicName>) -> Option<Cow<'_, str>> {
    topic.as_ref().map(|topic| text(topic))
}

fn uuid(id: &uuid::Uuid) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

fn error(code: i16) -> ErrorCode {
    ErrorCode::from(code)
}

/// A list to be sent. Its elements are leaked: they are few, and requests only look at slices.
fn list<'a, O, T>(elements: &'a [O], ours: impl Fn(&'a O) -> T) -> List<'a, T> {
    let elements: Vec<T> = elements.iter().map(ours).collect();
    List::from(&*elements.leak())
}

fn vec<'a, O, T>(elements: &'a [O], ours: impl Fn(&'a O) -> T) -> Vec<T> {
    elements.iter().map(ours).collect()
}

fn brokers(any: &mut Gen<'_>) -> Vec<BrokerId> {
    any.vec(|any| BrokerId(any.i32()))
}
