//! The directories that rot.

use std::path::Path;

use ottla::dir::{OffsetCheckpoint, TopicPartition};
use ottla::{Log, LogConfig, Offset};
use ottla_record::Compression;
use ottla_testkit::{Entry, Image, SimFs};

use crate::truth::Truth;
use crate::writer::{DATA, DIR, Sent, Writer, compacted, environment, small};

/// How the process that wrote a directory ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Everything is on disk, and marked so.
    Closed,
    /// Everything is on disk; then the process was killed.
    Flushed,
    /// About half is known to be on disk.
    Killed,
}

pub(crate) const ENDS: [End; 3] = [End::Closed, End::Flushed, End::Killed];

/// A data directory with one log, and what is in it.
pub(crate) struct Scene {
    pub name: String,
    pub end: End,
    pub config: LogConfig,
    pub image: Image,
    pub truth: Truth,
    /// Everything below was on disk.
    pub recovery_point: Offset,
    pub sent: Vec<Sent>,
    /// Whether every offset is there.
    pub gapless: bool,
}

const ROUNDS: usize = 12;

/// Writes one round of a scene.
type Round = fn(&mut Writer, usize);

pub(crate) const KINDS: [(&str, Round); 7] = [
    ("plain", |writer, _| {
        writer.plain(3);
        writer.plain(1);
    }),
    ("codecs", |writer, round| {
        let codecs = [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
        writer.compressed(codecs[round % codecs.len()], 6);
    }),
    ("idempotent", |writer, round| {
        writer.idempotent(1 + round % 3, false);
        writer.plain(1);
    }),
    ("transactions", |writer, round| {
        writer.idempotent(2, true);
        writer.plain(1);
        writer.end_transaction(round % 3 == 0);
    }),
    ("deleted prefix", |writer, round| {
        writer.plain(3);
        writer.plain(2);
        if round == ROUNDS - 4 {
            writer.delete_before(17);
        }
    }),
    ("epochs", |writer, round| {
        writer.of_epoch(round as i32 / 2, 3);
        writer.of_epoch(round as i32 / 2, 1);
    }),
    ("compacted", |writer, round| {
        writer.keyed(3);
        if round == ROUNDS - 4 {
            writer.compact();
        }
    }),
];

pub(crate) fn scene(name: &str, end: End) -> Scene {
    let (_, write) = KINDS.into_iter().find(|(kind, _)| *kind == name).expect("a kind of scene");
    let config = if name == "compacted" { compacted() } else { small() };
    let mut writer = Writer::new(&config);
    for round in 0..ROUNDS {
        write(&mut writer, round);
        if round == ROUNDS / 2 {
            writer.log.flush().unwrap();
        }
    }
    let truth = Truth::of(&writer.log);
    assert!(writer.log.segment_base_offsets().len() >= 3, "{name}");
    match end {
        End::Closed => writer.log.close().unwrap(),
        End::Flushed => writer.log.flush().unwrap(),
        End::Killed => {}
    }
    let recovery_point = if end == End::Closed { truth.end } else { writer.log.recovery_point() };
    let image = writer.fs.image();
    let gapless = name != "compacted";
    let sent = writer.sent.last().cloned().into_iter().collect();
    Scene { name: name.to_owned(), end, config, image, truth, recovery_point, sent, gapless }
}

impl Scene {
    /// All files with their bytes.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let files = self.image.entries().filter(|(_, entry)| matches!(entry, Entry::File(_)));
        files
            .filter_map(|(path, _)| {
                Some((path.to_string_lossy().into_owned(), self.image.read(path)?.to_vec()))
            })
            .collect()
    }

    /// The disk with this file changed.
    pub(crate) fn disk(&self, path: &str, bytes: Vec<u8>) -> SimFs {
        let mut image = self.image.clone();
        image.put(path, bytes);
        SimFs::from_image(&image)
    }

    pub(crate) fn open(&self, fs: &SimFs) -> ottla::Result<(Log, ottla::RecoveryReport)> {
        Log::open_with(Path::new(DIR), self.config.clone(), environment(fs))
    }
}

/// Whether the checkpoint of log starts names the log with another start than it had.
pub(crate) fn starts_elsewhere(fs: &SimFs, truth: &Truth) -> bool {
    let letters = TopicPartition::new("letters", 0).unwrap();
    let read = OffsetCheckpoint::LogStart.read(fs, Path::new(DATA));
    read.is_ok_and(|starts| starts.get(&letters).copied().unwrap_or_default() != truth.start)
}
