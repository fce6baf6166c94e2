//! Files that Kafka 4.3 wrote, and one that it started from.

use std::fmt::Write;
use std::path::PathBuf;

use ottla_record::{Head, decode};

use super::*;
use crate::dir::{read_whole, write_atomically};
use crate::fs::{FileSystem, Os};
use crate::metadata::bootstrap::{self, Placement};
use crate::metadata::{Source, load, set_aside};

const FIRST_SNAPSHOT: &str = "00000000000000000000-0000000000.checkpoint";

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/fixtures/metadata")
}

fn fixture(name: &str) -> Vec<u8> {
    read_whole(&Os, &fixtures().join(name)).unwrap().unwrap()
}

/// The lines of `image.txt`.
fn lines(image: &MetadataImage) -> String {
    let mut text = String::new();
    writeln!(text, "features {:?}\nnext {}", image.features, image.next_producer_id).unwrap();
    for (name, topic) in &image.topics {
        writeln!(text, "topic {name} {} {:?}", topic.id, topic.configs).unwrap();
        for (number, p) in &topic.partitions {
            let (epochs, replicas) = ((p.leader_epoch, p.partition_epoch), &p.replicas);
            writeln!(
                text,
                "  {number} epoch {} pepoch {} {replicas:?} {:?}",
                epochs.0, epochs.1, p.directories
            )
            .unwrap();
        }
    }
    text
}

/// Whether it is a control record, its leader epoch, offset, key and value.
type Content = (bool, i32, i64, Option<Vec<u8>>, Option<Vec<u8>>);

/// All of a snapshot but its timestamps and checksums.
fn content(mut bytes: &[u8]) -> Vec<Content> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let head = Head::parse(bytes).unwrap();
        let (batch, rest) = bytes.split_at(head.size_bytes());
        for record in decode(batch, 1 << 20).unwrap().records() {
            let record = record.unwrap();
            let (key, value) = (record.key.map(<[u8]>::to_vec), record.value.map(<[u8]>::to_vec));
            records.push((head.is_control(), head.leader_epoch(), record.offset.get(), key, value));
        }
        bytes = rest;
    }
    records
}

/// A snapshot's timestamp stands at the start of the value of its first record.
fn without_times(bytes: &[u8]) -> Vec<Content> {
    let mut records = content(bytes);
    records[0].4.as_mut().unwrap()[2..10].fill(0);
    records
}

#[test]
fn a_clusters_log_says_what_kafka_dumps_of_it() {
    let (image, source) = load(&Os, &fixtures()).unwrap();
    assert_eq!(source, Source::ClusterLog);
    assert_eq!(lines(&image), String::from_utf8(fixture("image.txt")).unwrap());
    assert_eq!(image.broker_configs(None).unwrap()["log.cleaner.threads"], "2");
    assert_eq!(image.broker_configs(Some(1)).unwrap()["background.threads"], "6");
    let kept: Vec<_> = image.kept.iter().map(|record| (record.api_key(), record.body().len())).collect();
    assert_eq!(kept, [(14, 57), (18, 40), (11, 105), (11, 168)]);
}

/// The snapshot was made by a broker that had replayed all of the log at once. Kafka then leaves a topic the
/// settings of a deleted one of the same name, which its controller and this library take away.
#[test]
fn the_whole_log_gives_what_the_snapshot_and_its_end_give() {
    let dir = tempfile::tempdir().unwrap();
    let log_dir = dir.path().join("__cluster_metadata-0");
    Os.create_dir_all(&log_dir).unwrap();
    let segment = fixture("__cluster_metadata-0/00000000000000000000.log");
    write_atomically(&Os, &log_dir.join("00000000000000000000.log"), &segment).unwrap();
    let (mut whole, _) = load(&Os, dir.path()).unwrap();
    assert!(whole.topics["gone"].configs.is_empty());
    let (mut from_snapshot, _) = load(&Os, &fixtures()).unwrap();
    from_snapshot.topics.get_mut("gone").unwrap().configs.clear();
    whole.kept.sort_by_key(|record| record.encode());
    from_snapshot.kept.sort_by_key(|record| record.encode());
    let mut quotas = whole.kept.extract_if(.., |record| record.api_key() == 14);
    let mut quotas_of_snapshot = from_snapshot.kept.extract_if(.., |record| record.api_key() == 14);
    // The parts of a quota's entity come in any order.
    assert_eq!(quotas.next().unwrap().subject, quotas_of_snapshot.next().unwrap().subject);
    drop((quotas, quotas_of_snapshot));
    assert_eq!(whole, from_snapshot);
}

#[test]
fn the_bootstrap_file_is_the_one_that_kafka_started_from() {
    let (image, _) = load(&Os, &fixtures()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let placement = Placement { node_id: 1, directory_id: "3i9uNw343rHLAJji1CicGQ".parse().unwrap() };
    bootstrap::write(&Os, dir.path(), &image, placement, 1_795_000_000_000).unwrap();
    let written = read_whole(&Os, &dir.path().join("bootstrap.checkpoint")).unwrap().unwrap();
    assert_eq!(written, fixture("handed-over.bootstrap.checkpoint"));
}

#[test]
fn kafkas_own_bootstrap_file_is_written_the_same() {
    let image = bootstrap::read(&Os, &fixtures()).unwrap().unwrap();
    let mut features = MetadataImage::new().features;
    features.insert("eligible.leader.replicas.version".to_owned(), 1);
    assert_eq!(image.features, features);
    let dir = tempfile::tempdir().unwrap();
    let placement = Placement { node_id: NODE, directory_id: DIRECTORY };
    bootstrap::write(&Os, dir.path(), &image, placement, 0).unwrap();
    let written = read_whole(&Os, &dir.path().join("bootstrap.checkpoint")).unwrap().unwrap();
    assert_eq!(content(&written), content(&fixture("bootstrap.checkpoint")));
    assert_eq!(written.len(), fixture("bootstrap.checkpoint").len());
}

#[test]
fn a_standalone_directory_is_left_as_format_left_it() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let log_dir = data.join("__cluster_metadata-0");
    Os.create_dir_all(&log_dir).unwrap();
    let first = fixture(&format!("standalone/__cluster_metadata-0/{FIRST_SNAPSHOT}"));
    for name in ["00000000000000000000.log", FIRST_SNAPSHOT] {
        let bytes = fixture(&format!("standalone/__cluster_metadata-0/{name}"));
        write_atomically(&Os, &log_dir.join(name), &bytes).unwrap();
    }
    let (image, source) = load(&Os, &data).unwrap();
    assert_eq!((source, image.topics.len(), image.next_producer_id), (Source::ClusterLog, 1, 1000));
    bootstrap::write(&Os, &data, &image, Placement { node_id: 1, directory_id: DIRECTORY }, 0).unwrap();
    set_aside(&Os, &data).unwrap().unwrap();
    assert_eq!(load(&Os, &data).unwrap().1, Source::Bootstrap);
    let left = read_whole(&Os, &log_dir.join(FIRST_SNAPSHOT)).unwrap().unwrap();
    assert_eq!(without_times(&left), without_times(&first));
    assert_eq!(Os.read_dir(&log_dir).unwrap().len(), 1);
}
