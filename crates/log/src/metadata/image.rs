use std::collections::BTreeMap;

use super::KeptRecord;
use crate::dir::{TopicId, Uuid};

/// Everything that a data directory's metadata says and that outlives a running cluster. Registrations of
/// brokers, who is fenced, and delegation tokens are no part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataImage {
    /// The topics, by name.
    pub topics: BTreeMap<String, TopicImage>,
    /// The settings of brokers, groups and client metrics.
    pub configs: BTreeMap<ConfigResource, BTreeMap<String, String>>,
    /// The first producer id that was not handed out yet, not even in a block.
    pub next_producer_id: i64,
    /// The features of the cluster with their levels, `metadata.version` among them.
    pub features: FeatureLevels,
    /// Access control lists, SCRAM credentials, client quotas, and kinds of records that are not known here,
    /// in the order in which they first came.
    pub kept: Vec<KeptRecord>,
}

/// The levels of features by name; see [`MetadataImage::features`].
pub type FeatureLevels = BTreeMap<String, i16>;

/// One topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicImage {
    /// Its id, as in `partition.metadata`.
    pub id: TopicId,
    /// Its partitions, by number.
    pub partitions: BTreeMap<i32, PartitionImage>,
    /// Its settings, where they differ from the broker's.
    pub configs: BTreeMap<String, String>,
}

/// One partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionImage {
    /// The epoch of its leader. To hand a log to Kafka it must exceed the newest of the log's own
    /// `leader-epoch-checkpoint`, or Kafka cuts the newer ones off.
    pub leader_epoch: i32,
    /// The number of changes to the partition.
    pub partition_epoch: i32,
    /// The brokers that hold it. A node that is not among them has no directory of it.
    pub replicas: Vec<i32>,
    /// The log directory on each of these brokers, where they were told.
    pub directories: Vec<Uuid>,
}

/// What settings are for, other than a topic (Kafka's `ConfigResource`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigResource {
    /// Kafka's number of the kind: one of the constants, or one that is not known here.
    pub kind: i8,
    /// Its name: of a broker the node id, or nothing for the default of all.
    pub name: String,
}

impl ConfigResource {
    /// A topic.
    pub const TOPIC: i8 = 2;
    /// A broker.
    pub const BROKER: i8 = 4;
    /// A subscription to client metrics.
    pub const CLIENT_METRICS: i8 = 16;
    /// A group.
    pub const GROUP: i8 = 32;
}

/// The features of a directory that `kafka-storage format` of Kafka 4.3 makes, without
/// `eligible.leader.replicas.version`: with it, the first start of a broker on its own logs unclean elections.
const FEATURES: [(&str, i16); 5] = [
    (METADATA_VERSION, 30),
    ("group.version", 1),
    ("share.version", 1),
    ("streams.version", 1),
    ("transaction.version", 2),
];

/// The feature that says which records the others may use.
pub(super) const METADATA_VERSION: &str = "metadata.version";

impl MetadataImage {
    /// The image of a new directory.
    pub fn new() -> MetadataImage {
        let features = FEATURES.map(|(name, level)| (name.to_owned(), level)).into();
        MetadataImage { features, ..MetadataImage::default() }
    }

    /// The settings of a broker; of the default for all where `node_id` is `None`.
    pub fn broker_configs(&self, node_id: Option<i32>) -> Option<&BTreeMap<String, String>> {
        let name = node_id.map_or_else(String::new, |node_id| node_id.to_string());
        self.configs.get(&ConfigResource { kind: ConfigResource::BROKER, name })
    }

    /// The topic with this id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<(&str, &TopicImage)> {
        self.topics.iter().find(|(_, topic)| topic.id == id).map(|(name, topic)| (name.as_str(), topic))
    }
}
