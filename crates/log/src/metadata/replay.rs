use std::collections::HashMap;

use super::image::{ConfigResource, MetadataImage, PartitionImage, TopicImage};
use super::kept::{KeptRecord, Subject};
use super::record::{Config, MetadataRecord, Partition, PartitionChange, Topic};
use super::wire::Unreadable;
use crate::dir::TopicId;

/// Makes an image of metadata records, taken in one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Replay {
    topics: HashMap<TopicId, (String, TopicImage)>,
    topic_ids: HashMap<String, TopicId>,
    kept: Vec<Option<KeptRecord>>,
    kept_by_subject: HashMap<Subject, usize>,
    /// The parts that need no index.
    image: MetadataImage,
    applied: u64,
    /// The records of a transaction that has no end yet.
    transaction: Option<Vec<MetadataRecord>>,
}

impl Replay {
    /// How many records were taken in; those of a transaction count once it ends.
    pub(super) fn applied(&self) -> u64 {
        self.applied
    }

    /// The image. A transaction that has not ended changes nothing: its writer died.
    pub(super) fn into_image(self) -> MetadataImage {
        MetadataImage {
            topics: self.topics.into_values().collect(),
            kept: self.kept.into_iter().flatten().collect(),
            ..self.image
        }
    }

    /// Takes in the value of one record.
    ///
    /// # Errors
    /// Where the value is no metadata record, or does not fit what came before.
    pub(super) fn apply(&mut self, value: &[u8]) -> Result<(), Unreadable> {
        match (MetadataRecord::decode(value)?, &mut self.transaction) {
            (MetadataRecord::BeginTransaction, None) => self.transaction = Some(Vec::new()),
            (MetadataRecord::BeginTransaction, Some(_)) => {
                return Err("a transaction begins in a transaction");
            }
            (MetadataRecord::EndTransaction, _) => {
                for record in self.transaction.take().unwrap_or_default() {
                    self.take_in(record)?;
                }
            }
            (MetadataRecord::AbortTransaction, _) => self.transaction = None,
            (record, Some(transaction)) => transaction.push(record),
            (record, None) => self.take_in(record)?,
        }
        Ok(())
    }

    fn take_in(&mut self, record: MetadataRecord) -> Result<(), Unreadable> {
        self.applied += 1;
        match record {
            MetadataRecord::Topic(topic) => self.add_topic(topic)?,
            MetadataRecord::Partition(partition) => self.put_partition(partition)?,
            MetadataRecord::PartitionChange(change) => self.change_partition(change)?,
            MetadataRecord::RemoveTopic(id) => self.remove_topic(id)?,
            MetadataRecord::Config(config) => self.put_config(config),
            MetadataRecord::FeatureLevel(feature) if feature.level == 0 => {
                self.image.features.remove(&feature.name);
            }
            MetadataRecord::FeatureLevel(feature) => {
                self.image.features.insert(feature.name, feature.level);
            }
            MetadataRecord::ProducerIds(ids) => self.image.next_producer_id = ids.next_producer_id,
            MetadataRecord::Keep(record) => self.keep(record),
            MetadataRecord::Forget(subject) => self.forget(&subject),
            MetadataRecord::BeginTransaction
            | MetadataRecord::EndTransaction
            | MetadataRecord::AbortTransaction
            | MetadataRecord::RunningCluster => {}
        }
        Ok(())
    }

    fn add_topic(&mut self, topic: Topic) -> Result<(), Unreadable> {
        if self.topic_ids.contains_key(&topic.name) || self.topics.contains_key(&topic.id) {
            return Err("it creates a topic that exists");
        }
        let resource = ConfigResource { kind: ConfigResource::TOPIC, name: topic.name.clone() };
        let configs = self.image.configs.remove(&resource).unwrap_or_default();
        let image = TopicImage { id: topic.id, configs, ..TopicImage::default() };
        self.topic_ids.insert(topic.name.clone(), topic.id);
        self.topics.insert(topic.id, (topic.name, image));
        Ok(())
    }

    fn remove_topic(&mut self, id: TopicId) -> Result<(), Unreadable> {
        let (name, _) = self.topics.remove(&id).ok_or("it removes a topic that does not exist")?;
        self.topic_ids.remove(&name);
        Ok(())
    }

    fn put_partition(&mut self, record: Partition) -> Result<(), Unreadable> {
        let (_, topic) = self.topics.get_mut(&record.topic_id).ok_or(NO_TOPIC)?;
        let partition = PartitionImage {
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
            replicas: record.replicas,
            directories: record.directories,
        };
        topic.partitions.insert(record.partition, partition);
        Ok(())
    }

    fn change_partition(&mut self, change: PartitionChange) -> Result<(), Unreadable> {
        let (_, topic) = self.topics.get_mut(&change.topic_id).ok_or(NO_TOPIC)?;
        let partition = topic.partitions.get_mut(&change.partition).ok_or("its partition does not exist")?;
        partition.partition_epoch = partition.partition_epoch.saturating_add(1);
        partition.leader_epoch = partition.leader_epoch.saturating_add(i32::from(change.elected));
        if let Some(replicas) = change.replicas {
            partition.replicas = replicas;
        }
        if let Some(directories) = change.directories {
            partition.directories = directories;
        }
        Ok(())
    }

    fn put_config(&mut self, config: Config) {
        let topic = (config.resource.kind == ConfigResource::TOPIC)
            .then(|| self.topic_ids.get(&config.resource.name))
            .flatten()
            .and_then(|id| self.topics.get_mut(id));
        let configs = match topic {
            Some((_, topic)) => &mut topic.configs,
            None => self.image.configs.entry(config.resource.clone()).or_default(),
        };
        match config.value {
            Some(value) => configs.insert(config.name, value),
            None => configs.remove(&config.name),
        };
        if self.image.configs.get(&config.resource).is_some_and(|configs| configs.is_empty()) {
            self.image.configs.remove(&config.resource);
        }
    }

    fn keep(&mut self, record: KeptRecord) {
        let at = record.subject.as_ref().and_then(|subject| self.kept_by_subject.get(subject));
        if let Some(slot) = at.and_then(|at| self.kept.get_mut(*at)) {
            *slot = Some(record);
            return;
        }
        if let Some(subject) = &record.subject {
            self.kept_by_subject.insert(subject.clone(), self.kept.len());
        }
        self.kept.push(Some(record));
    }

    fn forget(&mut self, subject: &Subject) {
        if let Some(slot) = self.kept_by_subject.remove(subject).and_then(|at| self.kept.get_mut(at)) {
            *slot = None;
        }
    }
}

const NO_TOPIC: Unreadable = "its topic does not exist";
