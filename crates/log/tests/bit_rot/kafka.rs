//! Directories that Apache Kafka wrote. They are large, so a plain run takes few of their images.

use std::path::Path;

use ottla::dir::{CleanShutdown, OffsetCheckpoint, Offsets, TopicPartition};
use ottla::{CleanupPolicy, Log, LogConfig};
use ottla_testkit::{Image, SimFs, fixtures};

use crate::scene::{End, Scene};
use crate::sweep::{STEP, Tally, step};
use crate::truth::Truth;
use crate::writer::{DATA, DIR, environment};

/// What Kafka left in one partition, closed cleanly.
fn scene(kafka: &str, topic: &str) -> Scene {
    let dir = fixtures().join(kafka).join(format!("{topic}-0"));
    let fs = SimFs::from_image(&Image::read_from(&dir, DIR).unwrap());
    let compact = topic == "compact";
    let config =
        LogConfig { cleanup_policy: CleanupPolicy { compact, delete: !compact }, ..LogConfig::default() };
    let truth = Truth::of(&Log::open_read_only(DIR, environment(&fs)).unwrap());
    let letters = TopicPartition::new("letters", 0).unwrap();
    let marks = Offsets::from([(letters, truth.end)]);
    OffsetCheckpoint::RecoveryPoint.write(&fs, Path::new(DATA), &marks).unwrap();
    CleanShutdown { broker_epoch: None }.write(&fs, Path::new(DATA)).unwrap();
    let image = fs.image();
    let recovery_point = truth.end;
    let name = format!("{kafka} {topic}");
    Scene {
        name,
        end: End::Closed,
        config,
        image,
        truth,
        recovery_point,
        sent: Vec::new(),
        gapless: !compact,
    }
}

/// These are so much larger than the others that one image of so many is tried where all of the others are.
const RATIO: usize = 97;

fn sweep(kafka: &str, topic: &str, ratio: usize) {
    let mut tally = Tally::default();
    let scene = scene(kafka, topic);
    tally.sweep(&scene, step(STEP) * ratio);
    tally.report(&scene.name);
}

#[test]
fn bits_of_a_log_that_kafka_compacted() {
    sweep("kafka-4.3", "compact", RATIO);
}

#[test]
fn bits_of_transactions_that_kafka_wrote() {
    sweep("kafka-4.3", "txn", 40 * RATIO);
}
