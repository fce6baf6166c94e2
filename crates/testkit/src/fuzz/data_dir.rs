//! A data directory as bytes: what the fuzzer changes, and a person can read in a hex dump.
//!
//! ```text
//! (kind: u8, number: u8, length: u16 | bytes)*
//! ```

use std::sync::Arc;

use ottla::dir::{FileKind, FileName, Suffix};
use ottla::{Environment, LogConfig, Offset};

use super::seal::seal;
use crate::{Image, SimClock, SimFs};

/// The directory.
pub(super) const DATA_DIR: &str = "/data";
/// The partition that the directory holds.
pub(super) const PARTITION: &str = "/data/letters-0";
const CLUSTER_LOG: &str = "/data/__cluster_metadata-0";

/// Tries the directory that `data` are, and the same with right checksums in the files of batches.
pub(super) fn as_it_is_and_sealed(data: &[u8], attempt: fn(&Image)) {
    attempt(&decode_data_dir(data, |_, _| {}));
    attempt(&decode_data_dir(data, |file, bytes| {
        if file.holds_batches() {
            seal(bytes);
        }
    }));
}

/// A machine with this disk, and settings that bound what is decompressed.
pub(super) fn machine(fs: &SimFs) -> (LogConfig, Environment) {
    let config = LogConfig { max_decompressed_bytes: super::MAX_DECOMPRESSED_BYTES, ..LogConfig::default() };
    let clock = Arc::new(SimClock::at_ms(1_700_000_000_000));
    (config, Environment { fs: Arc::new(fs.clone()), clock })
}

/// A file of the directory, as the fuzzer may name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataDirFile {
    /// A file of the segment with this base offset.
    Segment(FileKind, u8),
    /// The same, with the suffix that a delete, a clean or a swap gives it.
    Suffixed(FileKind, Suffix, u8),
    /// `leader-epoch-checkpoint`.
    LeaderEpochs,
    /// `recovery-point-offset-checkpoint`.
    RecoveryPoints,
    /// `log-start-offset-checkpoint`.
    LogStarts,
    /// `.kafka_cleanshutdown`.
    CleanShutdown,
    /// `partition.metadata`.
    PartitionMetadata,
    /// `meta.properties`.
    MetaProperties,
    /// `bootstrap.checkpoint`.
    Bootstrap,
    /// The segment with this base offset of Kafka's `__cluster_metadata-0`.
    ClusterLog(u8),
    /// The snapshot with this end offset beside it.
    ClusterSnapshot(u8),
    /// `replication-offset-checkpoint`.
    HighWatermarks,
    /// `cleaner-offset-checkpoint`.
    CleanerOffsets,
    /// What notes that a sync has failed.
    FailedSync,
    /// What was cut off a segment, and kept.
    Cut(u8),
    /// The segment with this base offset of a second partition.
    OtherLog(u8),
    /// The same of a partition whose topic was deleted.
    DeletedLog(u8),
}

impl DataDirFile {
    fn of(kind: u8, number: u8) -> DataDirFile {
        let all = FileKind::ALL;
        let file = all[usize::from(kind) % all.len()];
        match kind % 40 {
            0..5 => DataDirFile::Segment(file, number),
            kind @ 5..20 => DataDirFile::Suffixed(file, Suffix::ALL[usize::from(kind - 5) / 5], number),
            20 => DataDirFile::LeaderEpochs,
            21 => DataDirFile::RecoveryPoints,
            22 => DataDirFile::LogStarts,
            23 => DataDirFile::CleanShutdown,
            24 => DataDirFile::PartitionMetadata,
            25 => DataDirFile::MetaProperties,
            26 => DataDirFile::Bootstrap,
            27 => DataDirFile::ClusterLog(number),
            28 => DataDirFile::ClusterSnapshot(number),
            29 => DataDirFile::HighWatermarks,
            30 => DataDirFile::CleanerOffsets,
            31 => DataDirFile::FailedSync,
            32 => DataDirFile::Cut(number),
            33 => DataDirFile::OtherLog(number),
            34 => DataDirFile::DeletedLog(number),
            _ => DataDirFile::Suffixed(file, Suffix::Rebuilt, number),
        }
    }

    /// Whether it holds batches, whose checksums can be put right.
    pub(super) fn holds_batches(self) -> bool {
        use DataDirFile::{Bootstrap, ClusterLog, ClusterSnapshot, DeletedLog, OtherLog, Segment, Suffixed};
        let segment = matches!(self, Segment(FileKind::Log, _) | Suffixed(FileKind::Log, ..));
        let metadata = matches!(self, Bootstrap | ClusterLog(_) | ClusterSnapshot(_));
        segment || metadata || matches!(self, OtherLog(_) | DeletedLog(_))
    }

    fn path(self) -> String {
        let name = |kind, number: u8| FileName::new(Offset::new(i64::from(number)), kind);
        match self {
            DataDirFile::Segment(kind, number) => format!("{PARTITION}/{}", name(kind, number)),
            DataDirFile::Suffixed(kind, suffix, number) => {
                format!("{PARTITION}/{}", name(kind, number).with_suffix(suffix))
            }
            DataDirFile::LeaderEpochs => format!("{PARTITION}/leader-epoch-checkpoint"),
            DataDirFile::RecoveryPoints => "/data/recovery-point-offset-checkpoint".to_owned(),
            DataDirFile::LogStarts => "/data/log-start-offset-checkpoint".to_owned(),
            DataDirFile::CleanShutdown => "/data/.kafka_cleanshutdown".to_owned(),
            DataDirFile::PartitionMetadata => format!("{PARTITION}/partition.metadata"),
            DataDirFile::MetaProperties => "/data/meta.properties".to_owned(),
            DataDirFile::Bootstrap => "/data/bootstrap.checkpoint".to_owned(),
            DataDirFile::ClusterLog(number) => format!("{CLUSTER_LOG}/{}", name(FileKind::Log, number)),
            DataDirFile::ClusterSnapshot(number) => {
                format!("{CLUSTER_LOG}/{number:020}-0000000001.checkpoint")
            }
            DataDirFile::HighWatermarks => "/data/replication-offset-checkpoint".to_owned(),
            DataDirFile::CleanerOffsets => "/data/cleaner-offset-checkpoint".to_owned(),
            DataDirFile::FailedSync => format!("{PARTITION}/failed-sync"),
            DataDirFile::Cut(number) => format!("{PARTITION}/{number:020}.61.cut"),
            DataDirFile::OtherLog(number) => format!("/data/letters-1/{}", name(FileKind::Log, number)),
            DataDirFile::DeletedLog(number) => {
                format!("/data/letters-2.{:032x}-delete/{}", 7, name(FileKind::Log, number))
            }
        }
    }

    fn code(self) -> (u8, u8) {
        (0..=u8::MAX)
            .flat_map(|kind| (0..=u8::MAX).map(move |number| (kind, number)))
            .find(|(kind, number)| DataDirFile::of(*kind, *number) == self)
            .expect("every file has a code")
    }
}

/// The bytes that stand for a directory with these files.
pub fn encode_data_dir(files: &[(DataDirFile, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (file, content) in files {
        let (kind, number) = file.code();
        let length = u16::try_from(content.len()).expect("a seed's files are small");
        bytes.extend_from_slice(&[kind, number]);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(content);
    }
    bytes
}

/// The directory that the bytes stand for. `change` sees each file and what is in it.
pub(super) fn decode_data_dir(mut data: &[u8], change: impl Fn(DataDirFile, &mut [u8])) -> Image {
    let mut image = Image::default();
    image.put("/data/meta.properties", "version=1\nnode.id=1\ncluster.id=ottla\n");
    while let Some(([kind, number, high, low], rest)) = data.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (content, after) = rest.split_at(length);
        let file = DataDirFile::of(*kind, *number);
        let mut content = content.to_vec();
        change(file, &mut content);
        image.put(file.path(), content);
        data = after;
    }
    image
}
