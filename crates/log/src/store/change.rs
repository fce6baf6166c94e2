//! Creating and deleting topics. The durable write of the image decides: before it nothing has happened,
//! after it the rest is finished by this call or by the next open.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::catalog::Topic;
use super::deleting;
use super::state::{Changes, Inner, partition_image};
use super::unfinished;
use crate::dir::{PartitionMetadata, TopicId, TopicPartition};
use crate::error::{Error, Result};
use crate::log::Log;
use crate::metadata::TopicImage;
use crate::recover::OpenOptions;
use crate::settings;

pub(super) fn create(
    store: &Inner,
    name: &str,
    partitions: i32,
    overrides: &BTreeMap<String, String>,
) -> Result<Arc<Topic>> {
    let name: Arc<str> = name.into();
    // The last partition has the longest directory name.
    TopicPartition::new(name.clone(), partitions.saturating_sub(1).max(0))?;
    settings::validate(overrides)?;
    if partitions < 1 {
        let reason = format!("{partitions} partitions, where 1 is the least");
        return Err(Error::InvalidConfig { name: "partitions".to_owned(), reason });
    }
    let mut changes = store.changes()?;
    if store.topic(&name).is_some() {
        return Err(Error::AlreadyExists { name: format!("topic {name}") });
    }
    ensure_no_collision(store, &name)?;
    let id = TopicId::random().map_err(|e| Error::io("make an id for", &store.path, e))?;
    let topic = Topic { name, id, partitions: BTreeMap::new(), overrides: overrides.clone() };
    let topic = with_partitions(store, &mut changes, topic, partitions)?;
    finish(store, &mut changes, topic)
}

/// Kafka names its metrics by topics with `.` written as `_`, and so refuses two that differ only there.
fn ensure_no_collision(store: &Inner, name: &str) -> Result<()> {
    let folded = name.replace('.', "_");
    let catalog = store.catalog.load();
    let other = catalog.topics().find(|topic| topic.name.replace('.', "_") == folded);
    match other {
        None => Ok(()),
        Some(_) => Err(Error::InvalidTopic {
            name: name.to_owned(),
            reason: "a topic exists whose name differs only in `.` and `_`",
        }),
    }
}

pub(super) fn add_partitions(store: &Inner, name: &str, total: i32) -> Result<Arc<Topic>> {
    let mut changes = store.changes()?;
    let topic = store.topic(name).ok_or_else(|| Error::Unknown { name: format!("topic {name}") })?;
    let there = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
    if total <= there {
        let reason = format!("the topic has {there} already, and partitions are only added");
        return Err(Error::InvalidConfig { name: "partitions".to_owned(), reason });
    }
    TopicPartition::new(topic.name.clone(), total - 1)?;
    let topic = with_partitions(store, &mut changes, Topic::clone(&topic), total)?;
    finish(store, &mut changes, topic)
}

/// Makes the directories of partitions that are not there yet. Should one fail, those that were made go
/// again.
fn with_partitions(store: &Inner, changes: &mut Changes, mut topic: Topic, total: i32) -> Result<Topic> {
    let mut made = Vec::new();
    let done = (0..total).filter(|number| !topic.partitions.contains_key(number)).try_for_each(|number| {
        made.push((number, make_partition(store, changes, &topic, number)?));
        Ok(())
    });
    // Recovery trusts a log more where a checkpoint tells of it, so each has its entry from the start.
    let done = done.and_then(|()| match changes.data_dir.as_mut() {
        Some(data_dir) => data_dir.checkpoint(|| made.iter().map(|(_, log)| log.marks()).collect()),
        None => Ok(()),
    });
    if let Err(e) = done {
        made.iter().for_each(|(_, log)| discard(store, log));
        return Err(e);
    }
    topic.partitions.extend(made);
    Ok(topic)
}

fn make_partition(store: &Inner, changes: &mut Changes, topic: &Topic, number: i32) -> Result<Log> {
    let environment = &store.config.environment;
    let topic_partition = TopicPartition::new(topic.name.clone(), number)?;
    let dir = store.path.join(topic_partition.dir_name());
    // What an earlier partition of this name has left would be taken for this one's.
    if let Some(data_dir) = changes.data_dir.as_mut() {
        data_dir.forget(&topic_partition)?;
    }
    unfinished::make_room(&*environment.fs, &dir)?;
    let checkpoints = changes.data_dir.as_ref().map(|data_dir| data_dir.checkpoints().clone());
    let (log, _) = Log::open_in(OpenOptions {
        dir: dir.clone(),
        topic_partition,
        marks: Default::default(),
        checkpoints,
        config: settings::apply(&store.config.defaults, &topic.overrides),
        environment: environment.clone(),
        handles: store.handles.clone(),
        asked: store.asked.0.clone(),
        clean: true,
        least_leader_epoch: 0,
    })?;
    match (PartitionMetadata { topic_id: topic.id }).write(&*environment.fs, &dir) {
        Ok(()) => Ok(log),
        Err(e) => {
            discard(store, &log);
            Err(e)
        }
    }
}

fn discard(store: &Inner, log: &Log) {
    log.abandon();
    let partition = std::slice::from_ref(log.topic_partition());
    if let Err(e) = unfinished::discard(&*store.config.environment.fs, &store.path, partition) {
        tracing::warn!(partition = %log.topic_partition(), error = %e, "cannot remove a partition that was not created");
    }
}

fn finish(store: &Inner, changes: &mut Changes, topic: Topic) -> Result<Arc<Topic>> {
    let mut image = changes.image.clone();
    let placement = store.placement;
    let entry = image.topics.entry(topic.name.to_string()).or_insert_with(|| TopicImage {
        id: topic.id,
        configs: topic.overrides.clone(),
        ..Default::default()
    });
    for (number, log) in &topic.partitions {
        entry.partitions.entry(*number).or_insert_with(|| partition_image(log, placement));
    }
    if let Err(e) = store.commit(changes, image) {
        let known = store.topic(&topic.name);
        let is_new = |number: &i32| known.as_ref().is_none_or(|known| known.log(*number).is_none());
        topic.partitions.iter().filter(|(number, _)| is_new(number)).for_each(|(_, log)| discard(store, log));
        return Err(e);
    }
    let topic = Arc::new(topic);
    store.publish(|catalog| catalog.insert(topic.clone()));
    Ok(topic)
}

pub(super) fn delete(store: &Inner, name: &str) -> Result<()> {
    let mut changes = store.changes()?;
    let topic = store.topic(name).ok_or_else(|| Error::Unknown { name: format!("topic {name}") })?;
    let mut image = changes.image.clone();
    image.topics.remove(name);
    let fs = &*store.config.environment.fs;
    deleting::note(fs, &store.path, topic.id)?;
    store.commit(&mut changes, image)?;
    store.publish(|catalog| {
        catalog.remove(name);
    });
    let mut result = Ok(());
    for log in topic.partitions.values() {
        log.abandon();
        result = result.and(retire(store, &mut changes, log));
    }
    let result = result.and_then(|()| deleting::clear(fs, &store.path));
    drop(changes);
    topic.partitions.values().for_each(Log::tell_of_close);
    result
}

/// Renames the directory, so that a topic of the same name can be made at once, and forgets the log.
fn retire(store: &Inner, changes: &mut Changes, log: &Log) -> Result<()> {
    let environment = &store.config.environment;
    let to = unfinished::rename_deleted(&*environment.fs, &store.path, log.topic_partition())?;
    environment.fs.sync_dir(&store.path).map_err(|e| Error::io("sync", &store.path, e))?;
    let delay_ms = u64::try_from(log.config().file_delete_delay_ms).unwrap_or(0);
    changes.deletions.push((environment.clock.monotonic() + Duration::from_millis(delay_ms), to));
    match changes.data_dir.as_mut() {
        Some(data_dir) => data_dir.forget(log.topic_partition()),
        None => Ok(()),
    }
}
