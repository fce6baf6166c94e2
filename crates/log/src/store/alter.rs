//! Changing a topic's settings. The durable write of the image decides; then the topic's logs follow.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalog::Topic;
use super::state::Inner;
use crate::error::{Error, Result};
use crate::settings::{self, Change};

pub(super) fn alter(store: &Inner, name: &str, changes: &BTreeMap<String, Change>) -> Result<Arc<Topic>> {
    let defaults = &store.config.defaults;
    decide_and_do(store, name, |there| settings::change(defaults, there, changes))
}

pub(super) fn replace(store: &Inner, name: &str, new: &BTreeMap<String, String>) -> Result<Arc<Topic>> {
    let defaults = &store.config.defaults;
    decide_and_do(store, name, |there| {
        settings::replace(defaults, there, new)?;
        Ok(new.clone())
    })
}

fn decide_and_do(
    store: &Inner,
    name: &str,
    decide: impl FnOnce(&BTreeMap<String, String>) -> Result<BTreeMap<String, String>>,
) -> Result<Arc<Topic>> {
    // Held to the end, so that logs get the settings in the order in which they were decided.
    let mut changes = store.changes()?;
    let topic = store.topic(name).ok_or_else(|| Error::Unknown { name: format!("topic {name}") })?;
    let overrides = decide(&topic.overrides)?;
    if overrides == topic.overrides {
        return Ok(topic);
    }
    let mut image = changes.image.clone();
    if let Some(entry) = image.topics.get_mut(name) {
        entry.configs = overrides.clone();
    }
    store.commit(&mut changes, image)?;
    let config = settings::apply(&store.config.defaults, &overrides);
    topic.partitions.values().for_each(|log| log.set_config(config.clone()));
    let topic = Arc::new(Topic { overrides, ..Topic::clone(&topic) });
    store.publish(|catalog| catalog.insert(topic.clone()));
    Ok(topic)
}
