//! Whose a data directory is: `meta.properties`, or without one what its metadata tells.

use std::path::Path;

use crate::config::Environment;
use crate::dir::{MetaProperties, Uuid};
use crate::error::{Error, Result};
use crate::metadata::bootstrap::Placement;
use crate::metadata::{MetadataImage, PartitionImage};

/// Which cluster, node and directory a data directory is. Nothing is written before [`Identity::keep`].
pub(super) struct Identity {
    pub(super) cluster_id: String,
    pub(super) placement: Placement,
    properties: MetaProperties,
    is_changed: bool,
    /// Whether there was no `meta.properties`.
    is_new: bool,
}

impl Identity {
    /// What `meta.properties` says. Kafka does not start without that file; here the node and the directory are
    /// those to which the metadata gives every partition, since Kafka looks for partitions by both. Nothing but
    /// the file tells the cluster: that is a new one.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(super) fn of(
        environment: &Environment,
        path: &Path,
        image: &MetadataImage,
        node_id: i32,
    ) -> Result<Identity> {
        let random = || Uuid::random().map_err(|e| Error::io("make an id for", path, e));
        let found = MetaProperties::read(&*environment.fs, path)?;
        let is_new = found.is_none();
        let mut properties = match found {
            Some(properties) => properties,
            None => {
                let node_id = sole_node(image).unwrap_or(node_id);
                let directory_id = sole_directory(image).map_or_else(random, Ok)?;
                let cluster_id = random()?.to_string();
                MetaProperties::new(&cluster_id, node_id, directory_id, environment.clock.now_ms())
            }
        };
        let is_unnamed = properties.directory_id().is_none();
        if is_unnamed {
            properties.set_directory_id(random()?);
        }
        let directory_id = properties.directory_id().unwrap_or_default();
        let placement = Placement { node_id: properties.node_id().unwrap_or(node_id), directory_id };
        let cluster_id = properties.cluster_id().unwrap_or_default().to_owned();
        Ok(Identity { cluster_id, placement, properties, is_changed: is_new || is_unnamed, is_new })
    }

    /// Whether a directory that is in use, with partitions or metadata in it, had no `meta.properties`; warns then.
    pub(super) fn was_missing(&self, path: &Path, is_used: bool) -> bool {
        let Identity { cluster_id, placement, .. } = self;
        let was_missing = self.is_new && is_used;
        if was_missing {
            tracing::warn!(
                dir = %path.display(), cluster_id, node_id = placement.node_id,
                "meta.properties was missing: the directory has a new cluster id; \
                 put the old file back if clients or other nodes know the old one"
            );
        }
        was_missing
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// As the system reports it.
    pub(super) fn keep(&self, environment: &Environment, path: &Path) -> Result<()> {
        if self.is_changed { self.properties.write(&*environment.fs, path) } else { Ok(()) }
    }
}

fn sole_node(image: &MetadataImage) -> Option<i32> {
    let node = |partition: &PartitionImage| match partition.replicas.as_slice() {
        [node] => Some(*node),
        _ => None,
    };
    sole(partitions(image).map(node))
}

fn sole_directory(image: &MetadataImage) -> Option<Uuid> {
    let directory = |partition: &PartitionImage| match partition.directories.as_slice() {
        [directory] if !is_reserved(*directory) => Some(*directory),
        _ => None,
    };
    sole(partitions(image).map(directory))
}

fn partitions(image: &MetadataImage) -> impl Iterator<Item = &PartitionImage> {
    image.topics.values().flat_map(|topic| topic.partitions.values())
}

/// The one that all tell.
fn sole<T: PartialEq>(mut told: impl Iterator<Item = Option<T>>) -> Option<T> {
    let first = told.next()??;
    told.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// Whether the id stands for no directory, as Kafka's `DirectoryId.UNASSIGNED` does.
fn is_reserved(directory: Uuid) -> bool {
    directory.to_bytes().starts_with(&[0; 8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::TopicImage;

    fn image(partitions: &[(&[i32], &[&str])]) -> MetadataImage {
        let partition = |(replicas, directories): &(&[i32], &[&str])| PartitionImage {
            replicas: replicas.to_vec(),
            directories: directories.iter().map(|id| id.parse().unwrap()).collect(),
            ..PartitionImage::default()
        };
        let partitions = (0..).zip(partitions.iter().map(partition)).collect();
        let topics = [("letters".to_owned(), TopicImage { partitions, ..TopicImage::default() })].into();
        MetadataImage { topics, ..MetadataImage::default() }
    }

    #[test]
    fn node_and_directory_are_those_that_all_partitions_have() {
        const A: &str = "9JFq5wmu5m8pOSZs6b4Pew";
        const B: &str = "zHCIxbTgTFqd7XoBtnZJqA";
        const UNASSIGNED: &str = "AAAAAAAAAAAAAAAAAAAAAQ";
        let told = |partitions: &[(&[i32], &[&str])]| {
            let image = image(partitions);
            (sole_node(&image), sole_directory(&image).map(|id| id.to_string()))
        };
        assert_eq!(told(&[]), (None, None));
        assert_eq!(told(&[(&[7], &[A]), (&[7], &[A])]), (Some(7), Some(A.to_owned())));
        assert_eq!(told(&[(&[7], &[A]), (&[7], &[B])]), (Some(7), None));
        assert_eq!(told(&[(&[7], &[UNASSIGNED])]), (Some(7), None));
        assert_eq!(told(&[(&[7], &[]), (&[8], &[])]), (None, None));
        assert_eq!(told(&[(&[7, 8], &[A, B])]), (None, None));
    }
}
