use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::dir::TopicId;
use crate::log::Log;

/// One topic of a store.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: Arc<str>,
    /// Its id.
    pub id: TopicId,
    /// Its partitions by number, as far as they are on this node.
    pub partitions: BTreeMap<i32, Log>,
    /// Its own settings.
    pub overrides: BTreeMap<String, String>,
}

impl Topic {
    /// The log of one partition.
    pub fn log(&self, partition: i32) -> Option<&Log> {
        self.partitions.get(&partition)
    }
}

/// All topics of a store at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalog {
    by_name: BTreeMap<Arc<str>, Arc<Topic>>,
    by_id: HashMap<TopicId, Arc<Topic>>,
}

impl Catalog {
    pub(super) fn insert(&mut self, topic: Arc<Topic>) {
        self.by_id.insert(topic.id, topic.clone());
        self.by_name.insert(topic.name.clone(), topic);
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Arc<Topic>> {
        let topic = self.by_name.remove(name)?;
        self.by_id.remove(&topic.id);
        Some(topic)
    }

    pub(super) fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.by_name.get(name)
    }

    pub(super) fn topic_by_id(&self, id: TopicId) -> Option<&Arc<Topic>> {
        self.by_id.get(&id)
    }

    pub(super) fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.by_name.values()
    }

    pub(super) fn logs(&self) -> impl Iterator<Item = &Log> {
        self.topics().flat_map(|topic| topic.partitions.values())
    }
}
