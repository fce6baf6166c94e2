use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ottla_record::{BatchBuilder, Offset};

use super::*;
use crate::dir::{read_whole, write_atomically};
use crate::error::Error;
use crate::fs::{DirEntry, File, FileSystem, Lock, Metadata, OpenMode, Os};
use crate::metadata::bootstrap::{self, Placement};
use crate::metadata::{Source, load, set_aside};

const PLACEMENT: Placement = Placement { node_id: NODE, directory_id: DIRECTORY };
const VOTERS: &[u8] = b"\0\0the voters";

/// A data directory inside a directory of its own, so that there is a place beside it.
struct Dir {
    _root: tempfile::TempDir,
    data: PathBuf,
}

impl Dir {
    fn new() -> Dir {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        Os.create_dir_all(&data.join("__cluster_metadata-0")).unwrap();
        Dir { data, _root: root }
    }

    fn log_file(&self, name: &str) -> PathBuf {
        self.data.join("__cluster_metadata-0").join(name)
    }

    fn beside(&self) -> PathBuf {
        self.data.with_file_name("data.cluster-metadata")
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        Os.create_dir_all(&self.data.join("__cluster_metadata-0")).unwrap();
        write_atomically(&Os, &self.log_file(name), bytes).unwrap();
    }

    fn load(&self) -> Result<(MetadataImage, Source), Error> {
        load(&Os, &self.data)
    }

    fn next_producer_id(&self) -> i64 {
        self.load().unwrap().0.next_producer_id
    }

    fn bootstrap(&self, image: &MetadataImage) {
        bootstrap::write(&Os, &self.data, image, PLACEMENT, 1_700_000_000_000).unwrap();
    }
}

fn batch(base_offset: i64, control: Option<i16>, values: &[Vec<u8>]) -> Vec<u8> {
    let mut builder =
        BatchBuilder::new().base_offset(Offset::new(base_offset)).leader_epoch(1).control(control.is_some());
    let key = control.map(|kind| [[0, 0], kind.to_be_bytes()].concat());
    for value in values {
        builder.push(7, key.as_deref(), Some(value), &[]).unwrap();
    }
    builder.build().unwrap()
}

/// A log of batches with one record each: the next producer id is the record's offset.
fn counting(offsets: std::ops::Range<i64>) -> Vec<u8> {
    offsets.flat_map(|offset| batch(offset, None, &[producer_ids(offset)])).collect()
}

fn snapshot(values: &[Vec<u8>]) -> Vec<u8> {
    let end = 1 + values.len() as i64;
    let header = batch(0, Some(3), &[vec![0; 11]]);
    [header, batch(1, None, values), batch(end, Some(4), &[vec![0; 3]])].concat()
}

fn corrupt<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Corrupt(corruption)) => corruption.what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_directory_has_the_features_of_kafka_4_3() {
    let dir = tempfile::tempdir().unwrap();
    let (image, source) = load(&Os, dir.path()).unwrap();
    assert_eq!((source, &image), (Source::None, &MetadataImage::new()));
    assert_eq!(image.features["metadata.version"], 30);
    assert!(!image.features.contains_key("eligible.leader.replicas.version"));
    assert_eq!(set_aside(&Os, dir.path()).unwrap(), None);
}

#[test]
fn what_is_written_for_kafka_is_read_back() {
    let dir = Dir::new();
    let written = replayed(&[
        feature("metadata.version", 30),
        feature("group.version", 1),
        topic("a", id(1)),
        config(2, "a", "segment.bytes", Some("14")),
        partition(id(1), 0, 7),
        partition(id(1), 1, 8),
        topic("b", id(2)),
        partition(id(2), 0, 0),
        config(4, "", "log.cleaner.threads", Some("2")),
        producer_ids(3000),
        scram("alice", 1, b"credential"),
        value(200, 1, b"from the future"),
    ]);
    dir.bootstrap(&written);
    assert_eq!(dir.load().unwrap(), (written, Source::Bootstrap));
}

#[test]
fn a_large_image_is_written_in_several_batches() {
    let dir = Dir::new();
    let mut values = vec![feature("metadata.version", 30)];
    for n in 0..3_000u16 {
        let mut topic_id = [1; 16];
        topic_id[..2].copy_from_slice(&n.to_be_bytes());
        values.push(topic(&format!("topic-{n:05}"), Uuid::new(topic_id)));
        values.push(partition(Uuid::new(topic_id), 0, i32::from(n)));
    }
    let image = replayed(&values);
    dir.bootstrap(&image);
    let bytes = read_whole(&Os, &dir.data.join("bootstrap.checkpoint")).unwrap().unwrap();
    let mut sizes = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let head = ottla_record::Head::parse(rest).unwrap();
        sizes.push(head.size_bytes());
        rest = &rest[head.size_bytes()..];
    }
    assert!(sizes.len() > 3 && sizes.iter().all(|size| *size <= 256 << 10), "{sizes:?}");
    assert_eq!(dir.load().unwrap().0, image);
}

#[test]
fn every_partition_is_on_this_node_for_kafka() {
    let dir = Dir::new();
    let mut image = replayed(&[feature("metadata.version", 30), topic("t", id(1)), partition(id(1), 0, 7)]);
    let partition = image.topics.get_mut("t").unwrap().partitions.get_mut(&0).unwrap();
    partition.replicas = vec![5, 6];
    partition.directories = vec![id(5), id(6)];
    dir.bootstrap(&image);
    let found = dir.load().unwrap().0.topics["t"].partitions[&0].clone();
    assert_eq!((found.replicas, found.directories, found.leader_epoch), (vec![NODE], vec![DIRECTORY], 7));
}

#[test]
fn the_newest_snapshot_and_the_batches_after_it_count() {
    let dir = Dir::new();
    dir.write("00000000000000000000.log", &counting(0..6));
    dir.write("00000000000000000006.log", &counting(6..9));
    assert_eq!((dir.next_producer_id(), dir.load().unwrap().1), (8, Source::ClusterLog));
    let topics = [topic("of the snapshot", id(1)), producer_ids(5)];
    dir.write("00000000000000000006-0000000001.checkpoint", &snapshot(&topics));
    dir.write("00000000000000000003-0000000001.checkpoint", &snapshot(&[topic("older", id(2))]));
    dir.write("00000000000000000009-0000000001-12.checkpoint.part", b"half of a snapshot");
    let (image, _) = dir.load().unwrap();
    assert_eq!(image.topics.keys().collect::<Vec<_>>(), ["of the snapshot"]);
    assert_eq!(image.next_producer_id, 8);
    // Segments before the snapshot may be gone.
    Os.remove_file(&dir.log_file("00000000000000000000.log")).unwrap();
    assert_eq!(dir.load().unwrap().0, image);
    Os.remove_file(&dir.log_file("00000000000000000006.log")).unwrap();
    assert_eq!(dir.next_producer_id(), 5);
}

#[test]
fn a_snapshot_may_end_inside_a_segment() {
    let dir = Dir::new();
    let with_two = batch(2, None, &[topic("twice", id(1)), producer_ids(3)]);
    dir.write("00000000000000000000.log", &[counting(0..2), with_two, counting(4..6)].concat());
    dir.write("00000000000000000003-0000000001.checkpoint", &snapshot(&[topic("twice", id(1))]));
    assert_eq!(dir.next_producer_id(), 5);
}

#[test]
fn a_damaged_snapshot_gives_way_to_an_older_one() {
    let dir = Dir::new();
    dir.write("00000000000000000002.log", &counting(2..6));
    dir.write("00000000000000000002-0000000001.checkpoint", &snapshot(&[topic("older", id(1))]));
    let mut newest = snapshot(&[topic("newest", id(2))]);
    let cut = newest.len() - 1;
    newest.truncate(cut);
    dir.write("00000000000000000004-0000000001.checkpoint", &newest);
    let (image, _) = dir.load().unwrap();
    assert_eq!((image.topics.contains_key("older"), image.next_producer_id), (true, 5));
    Os.remove_file(&dir.log_file("00000000000000000002-0000000001.checkpoint")).unwrap();
    assert_eq!(corrupt(dir.load()), "a snapshot is damaged");
}

#[test]
fn a_snapshot_has_a_header_and_a_footer_and_nothing_after() {
    let path = "00000000000000000004-0000000001.checkpoint";
    let (header, footer) = (batch(0, Some(3), &[vec![0; 11]]), batch(1, Some(4), &[vec![0; 3]]));
    let data = batch(1, None, &[producer_ids(1)]);
    for (bytes, what) in [
        ([&header[..], &data].concat(), "a snapshot is cut"),
        ([&data[..], &footer].concat(), "the header of a snapshot is missing"),
        ([&header[..], &footer, &data].concat(), "batches follow the end of a snapshot"),
        (vec![], "a snapshot is cut"),
    ] {
        let dir = Dir::new();
        dir.write(path, &bytes);
        assert_eq!(corrupt(dir.load()), what);
    }
}

#[test]
fn a_torn_last_batch_is_left_out() {
    let whole = counting(0..4);
    let last = whole.len() - counting(3..4).len();
    for cut in last..whole.len() {
        let dir = Dir::new();
        dir.write("00000000000000000000.log", &whole[..cut]);
        assert_eq!(dir.next_producer_id(), 2, "{cut}");
    }
    let dir = Dir::new();
    dir.write("00000000000000000000.log", &[&whole[..], &[0; 5_000]].concat());
    assert_eq!(dir.next_producer_id(), 3);
}

#[test]
fn damage_inside_the_log_is_not_taken_for_its_end() {
    let mut bytes = counting(0..4);
    let second = counting(0..1).len();
    bytes[second + 70] ^= 1;
    let dir = Dir::new();
    dir.write("00000000000000000000.log", &bytes);
    assert_eq!(corrupt(dir.load()), "a batch is damaged");
    let dir = Dir::new();
    dir.write("00000000000000000000.log", &counting(0..4)[..300]);
    dir.write("00000000000000000004.log", &counting(4..6));
    assert_eq!(corrupt(dir.load()), "a batch is damaged");
}

#[test]
fn missing_batches_are_noticed() {
    let dir = Dir::new();
    dir.write("00000000000000000001.log", &counting(1..4));
    assert_eq!(corrupt(dir.load()), "batches are missing");
    let dir = Dir::new();
    dir.write("00000000000000000000.log", &[counting(0..2), counting(3..4)].concat());
    assert_eq!(corrupt(dir.load()), "batches are missing");
    let dir = Dir::new();
    dir.write("00000000000000000000.log", &counting(0..2));
    dir.write("00000000000000000003.log", &counting(3..4));
    assert_eq!(corrupt(dir.load()), "batches are missing");
}

/// Kafka appends the records of the bootstrap file in one transaction, and begins again if it dies within.
#[test]
fn the_bootstrap_file_counts_until_all_of_it_is_in_the_log() {
    let dir = Dir::new();
    let image = replayed(&[feature("metadata.version", 30), topic("t", id(1))]);
    dir.bootstrap(&image);
    let leader_change = batch(0, Some(2), &[vec![0; 7]]);
    let half = batch(1, None, &[BEGIN.to_vec(), feature("metadata.version", 30)]);
    dir.write("00000000000000000000.log", &[&leader_change[..], &half].concat());
    assert_eq!(dir.load().unwrap(), (image, Source::Bootstrap));
    let rest = batch(3, None, &[topic("t", id(1)), END.to_vec(), producer_ids(9)]);
    dir.write("00000000000000000000.log", &[&leader_change[..], &half, &rest].concat());
    assert_eq!((dir.load().unwrap().1, dir.next_producer_id()), (Source::ClusterLog, 9));
}

fn listing(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = Os.read_dir(dir).unwrap().into_iter().map(|entry| entry.name).collect();
    names.sort();
    names
}

#[test]
fn a_log_is_set_aside_once_its_image_is_written() {
    let dir = Dir::new();
    let log = [batch(0, None, &[feature("metadata.version", 30)]), counting(1..4)].concat();
    dir.write("00000000000000000000.log", &log);
    assert_eq!(corrupt(set_aside(&Os, &dir.data)), "the metadata log cannot be set aside");
    let (image, _) = dir.load().unwrap();
    dir.bootstrap(&image);
    assert_eq!(dir.load().unwrap().1, Source::ClusterLog);
    assert_eq!(set_aside(&Os, &dir.data).unwrap(), Some(dir.beside()));
    assert_eq!(dir.load().unwrap(), (image, Source::Bootstrap));
    assert_eq!(listing(&dir.data), ["bootstrap.checkpoint"]);
    assert_eq!(read_whole(&Os, &dir.beside().join("00000000000000000000.log")).unwrap().unwrap(), log);
    assert_eq!(set_aside(&Os, &dir.data).unwrap(), None);
    // Kafka ran again.
    dir.write("00000000000000000000.log", &log);
    assert_eq!(set_aside(&Os, &dir.data).unwrap(), Some(dir.data.with_file_name("data.cluster-metadata-1")));
    assert_eq!(listing(&dir.data), ["bootstrap.checkpoint"]);
}

fn log_with_voters(dir: &Dir) -> MetadataImage {
    let voters = |offset, value: &[u8]| batch(offset, Some(6), &[value.to_vec()]);
    let version = batch(0, Some(5), &[b"\0\0\0\x01\0".to_vec()]);
    let start = batch(2, None, &[feature("metadata.version", 30)]);
    let log = [version, voters(1, b"\0\0old"), start, voters(3, VOTERS), counting(4..5)].concat();
    dir.write("00000000000000000000.log", &log);
    let (image, _) = dir.load().unwrap();
    dir.bootstrap(&image);
    image
}

fn assert_formatted_with_voters(dir: &Dir, image: &MetadataImage) {
    assert_eq!(dir.load().unwrap(), (image.clone(), Source::Bootstrap));
    assert_eq!(listing(&dir.data), ["__cluster_metadata-0", "bootstrap.checkpoint"]);
    let first = "00000000000000000000-0000000000.checkpoint";
    assert_eq!(listing(&dir.data.join("__cluster_metadata-0")), [first]);
    let bytes = read_whole(&Os, &dir.log_file(first)).unwrap().unwrap();
    assert!(bytes.windows(VOTERS.len()).any(|window| window == VOTERS));
    assert!(!bytes.windows(5).any(|window| window == b"\0\0old"));
}

#[test]
fn the_voters_of_a_log_outlive_it() {
    let dir = Dir::new();
    let image = log_with_voters(&dir);
    set_aside(&Os, &dir.data).unwrap();
    assert_formatted_with_voters(&dir, &image);
    assert_eq!(set_aside(&Os, &dir.data).unwrap(), None);
    assert_formatted_with_voters(&dir, &image);
}

/// The operating system, until it has no more calls to give.
#[derive(Debug)]
struct Dying(AtomicUsize);

impl Dying {
    fn call(&self) -> io::Result<()> {
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| io::Error::other("the machine is off"))
    }
}

impl FileSystem for Dying {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        self.call()?;
        Os.open(path, mode)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.call()?;
        Os.read_dir(path)
    }
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.call()?;
        Os.metadata(path)
    }
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        Os.create_dir_all(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        Os.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        Os.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        Os.remove_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        Os.sync_dir(path)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        Os.lock(path)
    }
}

/// Without the voters, a Kafka formatted with `--standalone` would find no leader ever again.
#[test]
fn whatever_call_is_the_last_before_a_crash_the_next_opening_finishes_what_was_begun() {
    let mut calls = 0;
    loop {
        let dir = Dir::new();
        let image = log_with_voters(&dir);
        let died = set_aside(&Dying(AtomicUsize::new(calls)), &dir.data).is_err();
        assert_eq!(dir.load().unwrap().0, image, "after {calls} calls");
        set_aside(&Os, &dir.data).unwrap();
        assert_formatted_with_voters(&dir, &image);
        assert_eq!(listing(&dir.beside()), ["00000000000000000000.log"], "after {calls} calls");
        if !died {
            break;
        }
        calls += 1;
    }
    assert!(calls > 12, "{calls}");
}
