use std::path::Path;

use anyhow::Result;
use ottla::dir::{
    CleanShutdown, LeaderEpochs, MetaProperties, OffsetCheckpoint, PartitionMetadata, read_whole,
};
use ottla::fs::FileSystem;
use serde_json::json;

use super::damage::damage_in;
use super::kind::SmallFile;
use super::printer::Printer;
use crate::text::escaped;

/// Shows a small file of a data or partition directory.
pub fn dump(
    fs: &dyn FileSystem,
    path: &Path,
    file: SmallFile,
    printer: &mut Printer<'_>,
) -> Result<Option<String>> {
    let dir = path.parent().unwrap_or(Path::new("."));
    match file {
        SmallFile::Checkpoint(checkpoint) => offsets(fs, dir, checkpoint, printer),
        SmallFile::LeaderEpochs => leader_epochs(fs, dir, printer),
        SmallFile::PartitionMetadata => partition_metadata(fs, dir, printer),
        SmallFile::MetaProperties => meta_properties(fs, dir, printer),
        SmallFile::CleanShutdown => clean_shutdown(fs, dir, printer),
        SmallFile::QuorumState => quorum_state(fs, path, printer),
    }
}

fn offsets(
    fs: &dyn FileSystem,
    dir: &Path,
    checkpoint: OffsetCheckpoint,
    printer: &mut Printer<'_>,
) -> Result<Option<String>> {
    let offsets = match damage_in(checkpoint.read(fs, dir))? {
        Ok(offsets) => offsets,
        Err(damage) => return Ok(Some(damage)),
    };
    for (partition, offset) in &offsets {
        let (topic, partition, offset) = (partition.topic(), partition.partition(), offset.get());
        let json = json!({ "topic": topic, "partition": partition, "offset": offset });
        printer.entry(&json, || format!("topic: {topic} partition: {partition} offset: {offset}"))?;
    }
    Ok(None)
}

fn leader_epochs(fs: &dyn FileSystem, dir: &Path, printer: &mut Printer<'_>) -> Result<Option<String>> {
    let epochs = match damage_in(LeaderEpochs::read(fs, dir))? {
        Ok(epochs) => epochs,
        Err(damage) => return Ok(Some(damage)),
    };
    for entry in epochs.entries() {
        let (epoch, start) = (entry.epoch, entry.start_offset.get());
        let json = json!({ "epoch": epoch, "startOffset": start });
        printer.entry(&json, || format!("epoch: {epoch} startOffset: {start}"))?;
    }
    Ok(None)
}

fn partition_metadata(fs: &dyn FileSystem, dir: &Path, printer: &mut Printer<'_>) -> Result<Option<String>> {
    match damage_in(PartitionMetadata::read(fs, dir))? {
        Ok(None) => Ok(None),
        Ok(Some(metadata)) => {
            let topic_id = metadata.topic_id.to_string();
            printer.entry(&json!({ "topicId": topic_id }), || format!("topicId: {topic_id}"))?;
            Ok(None)
        }
        Err(damage) => Ok(Some(damage)),
    }
}

fn meta_properties(fs: &dyn FileSystem, dir: &Path, printer: &mut Printer<'_>) -> Result<Option<String>> {
    let properties = match damage_in(MetaProperties::read(fs, dir))? {
        Ok(None) => return Ok(None),
        Ok(Some(properties)) => properties,
        Err(damage) => return Ok(Some(damage)),
    };
    let directory_id = properties.directory_id().map(|id| id.to_string());
    let json = json!({
        "version": properties.version(),
        "clusterId": properties.cluster_id(),
        "nodeId": properties.node_id(),
        "directoryId": directory_id,
    });
    printer.entry(&json, || {
        format!(
            "version: {} clusterId: {} nodeId: {} directoryId: {}",
            properties.version(),
            properties.cluster_id().unwrap_or("none"),
            properties.node_id().map_or_else(|| "none".to_owned(), |id| id.to_string()),
            directory_id.as_deref().unwrap_or("none"),
        )
    })?;
    Ok(None)
}

fn clean_shutdown(fs: &dyn FileSystem, dir: &Path, printer: &mut Printer<'_>) -> Result<Option<String>> {
    if let Some(mark) = CleanShutdown::read(fs, dir)? {
        let epoch = mark.broker_epoch;
        printer.entry(&json!({ "brokerEpoch": epoch }), || {
            format!("brokerEpoch: {}", epoch.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string()))
        })?;
    }
    Ok(None)
}

/// Kafka keeps this one as JSON, so it is shown as it stands.
fn quorum_state(fs: &dyn FileSystem, path: &Path, printer: &mut Printer<'_>) -> Result<Option<String>> {
    let bytes = match damage_in(read_whole(fs, path))? {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(damage) => return Ok(Some(damage)),
    };
    match serde_json::from_slice::<serde_json::Value>(&bytes) {
        Ok(json) => {
            printer.entry(&json, || json.to_string())?;
            Ok(None)
        }
        Err(error) => {
            printer.title(&escaped(&bytes))?;
            Ok(Some(format!("{} is no JSON: {error}", path.display())))
        }
    }
}
