use std::path::Path;

use anyhow::Result;
use ottla::fs::FileSystem;
use ottla::metadata::{MetadataImage, TopicImage, bootstrap};
use serde_json::json;

use super::damage::damage_in;
use super::printer::Printer;

/// Shows what the records of `bootstrap.checkpoint` come to.
pub fn dump(fs: &dyn FileSystem, path: &Path, printer: &mut Printer<'_>) -> Result<Option<String>> {
    let dir = path.parent().unwrap_or(Path::new("."));
    match damage_in(bootstrap::read(fs, dir))? {
        Ok(None) => Ok(None),
        Ok(Some(image)) => print(&image, printer).map(|()| None),
        Err(damage) => Ok(Some(damage)),
    }
}

fn print(image: &MetadataImage, printer: &mut Printer<'_>) -> Result<()> {
    for (name, level) in &image.features {
        printer.entry(&json!({ "feature": name, "level": level }), || {
            format!("feature: {name} level: {level}")
        })?;
    }
    for (name, topic) in &image.topics {
        print_topic(name, topic, printer)?;
    }
    for (resource, configs) in &image.configs {
        for (name, value) in configs {
            let json = json!({ "resourceType": resource.kind, "resource": resource.name, "config": name, "value": value });
            printer.entry(&json, || {
                format!(
                    "resourceType: {} resource: {} config: {name} value: {value}",
                    resource.kind, resource.name
                )
            })?;
        }
    }
    let next = image.next_producer_id;
    printer.entry(&json!({ "nextProducerId": next }), || format!("nextProducerId: {next}"))?;
    let kept = image.kept.len();
    printer.entry(&json!({ "otherRecords": kept }), || format!("otherRecords: {kept}"))
}

fn print_topic(name: &str, topic: &TopicImage, printer: &mut Printer<'_>) -> Result<()> {
    let id = topic.id.to_string();
    printer.entry(&json!({ "topic": name, "topicId": id }), || format!("topic: {name} topicId: {id}"))?;
    for (number, partition) in &topic.partitions {
        let epoch = partition.leader_epoch;
        let json = json!({ "topic": name, "partition": number, "leaderEpoch": epoch });
        printer.entry(&json, || format!("topic: {name} partition: {number} leaderEpoch: {epoch}"))?;
    }
    for (config, value) in &topic.configs {
        let json = json!({ "topic": name, "config": config, "value": value });
        printer.entry(&json, || format!("topic: {name} config: {config} value: {value}"))?;
    }
    Ok(())
}
