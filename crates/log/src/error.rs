//! What can go wrong, as data: which file, where, what was expected, what was found, what to do.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla_record::{Offset, RecordError};

/// The result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call on a log or a store failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: `open`, `append to`, `sync` …
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: Arc<io::Error>,
    },
    /// There is no room on the disk. Nothing was stored and nothing is in doubt: reads, deletes and retention
    /// go on, and appends do by themselves once there is room.
    #[error(
        "the disk is full: {needed_bytes} bytes were to go to {} and {} are free; nothing was stored, and appends go on once there is room",
        path.display(), free_bytes.map_or_else(|| "too few".to_owned(), |free| free.to_string())
    )]
    DiskFull {
        /// The file that had no room, or the partition directory where none was tried.
        path: PathBuf,
        /// How many bytes were to be appended; indexes and names need a little more.
        needed_bytes: u64,
        /// How many there is room for, where the system tells.
        free_bytes: Option<u64>,
        /// The system's answer: the disk is full, or the user's quota is used up.
        source: Arc<io::Error>,
    },
    /// A file is not what it must be. Nothing was changed.
    #[error(transparent)]
    Corrupt(Box<Corruption>),
    /// Bytes that were to be appended are no valid batches. Nothing was stored.
    #[error("the batch was refused and nothing was stored: {0}")]
    InvalidBatch(#[from] RecordError),
    /// A record without a key was to go to a log that is compacted by key (`cleanup.policy`). Nothing was
    /// stored.
    #[error(
        "record {record} of batch {batch} has no key, and the log is compacted by key; nothing was stored"
    )]
    MissingKey {
        /// Which of the batches that were appended together, from 0.
        batch: usize,
        /// Which of its records, from 0.
        record: i32,
    },
    /// The offset is not in the log. Read from `log_start_offset` or from `log_end_offset` on.
    #[error(
        "offset {requested} is out of range: the log holds {log_start_offset} to {log_end_offset} (exclusive)"
    )]
    OffsetOutOfRange {
        /// The offset that was asked for.
        requested: Offset,
        /// The first offset there is.
        log_start_offset: Offset,
        /// The offset after the last that this reader may see.
        log_end_offset: Offset,
    },
    /// Only coordinators write control batches. Nothing was stored.
    #[error("a client sent a control batch; only the log's own coordinators write those")]
    ControlBatchFromClient,
    /// Only the log itself may say that it set a record's timestamp. Nothing was stored.
    #[error("a client's batch says that its timestamp is the log's append time; only the log sets that")]
    AppendTimeFromClient,
    /// What is appended in one call goes into one segment. Send less at once, or raise `segment.bytes`.
    #[error(
        "{size_bytes} bytes in one append are more than a segment may hold ({segment_bytes}); send less at once"
    )]
    AppendTooLarge {
        /// The size of all batches.
        size_bytes: u64,
        /// The setting `segment.bytes`.
        segment_bytes: u32,
    },
    /// A copied batch does not come after the end of the log.
    #[error("a copied batch begins at offset {found}, before the end of the log at {expected}")]
    OffsetNotNext {
        /// The end of the log.
        expected: Offset,
        /// The base offset of the batch.
        found: Offset,
    },
    /// An idempotent producer left a gap in its sequence, or repeated one that is long gone.
    #[error(
        "producer {producer_id} sent sequence {found} where {expected} comes next (epoch {producer_epoch})"
    )]
    OutOfOrderSequence {
        /// The producer.
        producer_id: i64,
        /// Its epoch in the refused batch.
        producer_epoch: i16,
        /// The sequence that comes next.
        expected: i32,
        /// The sequence that was sent.
        found: i32,
    },
    /// The producer was fenced: a newer instance of it writes with a higher epoch.
    #[error(
        "producer {producer_id} sent epoch {found}, but epoch {current} is in use: a newer instance took over"
    )]
    InvalidProducerEpoch {
        /// The producer.
        producer_id: i64,
        /// The epoch in use.
        current: i16,
        /// The epoch that was sent.
        found: i16,
    },
    /// A transactional batch or marker does not fit the state of its transaction.
    #[error("producer {producer_id}: {reason}")]
    InvalidTxnState {
        /// The producer.
        producer_id: i64,
        /// What does not fit.
        reason: &'static str,
    },
    /// Another process, or another value in this one, has the data directory open for writing.
    #[error("{} is open elsewhere: one process writes a data directory at a time; stop the other, or open it to read only", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The path is no partition or data directory, or its name does not parse.
    #[error("{} is not a {expected}: {reason}", path.display())]
    NotADirectoryOfOurs {
        /// The path.
        path: PathBuf,
        /// What it should be: `partition directory`, `data directory` …
        expected: &'static str,
        /// Why it is not.
        reason: String,
    },
    /// A name that Kafka would not take.
    #[error("invalid topic name {name:?}: {reason}")]
    InvalidTopic {
        /// The name.
        name: String,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// The topic or partition exists already.
    #[error("{name} exists already")]
    AlreadyExists {
        /// Topic, or topic and partition.
        name: String,
    },
    /// There is no such topic or partition.
    #[error("there is no {name}")]
    Unknown {
        /// Topic, or topic and partition.
        name: String,
    },
    /// A write or a sync failed before, so what is on disk is not known. Reads go on; writes need
    /// the log to be closed and opened anew, which looks at what the disk really holds.
    #[error("{} takes no more writes since an earlier failure ({source}); close and open it again", path.display())]
    Poisoned {
        /// The partition directory.
        path: PathBuf,
        /// The failure that did it.
        source: Arc<io::Error>,
    },
    /// The log was opened to read only.
    #[error("{} was opened to read only", path.display())]
    ReadOnly {
        /// The partition directory.
        path: PathBuf,
    },
    /// The log was closed, or its topic was deleted.
    #[error("{} is closed", path.display())]
    Closed {
        /// The partition directory.
        path: PathBuf,
    },
    /// The reader stood at an offset that was cut from the end of the log. Go on from `log_end_offset`.
    #[error("the log was truncated to {log_end_offset} while the reader stood at {position}")]
    Truncated {
        /// Where the reader stood.
        position: Offset,
        /// Where the log ends now.
        log_end_offset: Offset,
    },
    /// A value that this version cannot take.
    #[error("invalid {name}: {reason}")]
    InvalidConfig {
        /// The setting.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// Wraps what the system said with what was tried on which file.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Error {
        Error::Io { action, path: path.as_ref().to_path_buf(), source: Arc::new(source) }
    }

    /// Whether there is no room on the disk, or none that this user may have.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Error::DiskFull { .. } => true,
            Error::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        }
    }

    /// Whether the file or directory is simply not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether a file was missing, or ended before the bytes that it should hold.
    pub(crate) fn is_of_missing_bytes(&self) -> bool {
        let ended = matches!(self, Error::Io { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof);
        ended || self.is_not_found()
    }
}

/// A file that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {what}: expected {expected}, found {found}; {advice}", path.display(), at(*position))]
pub struct Corruption {
    /// The file.
    pub path: PathBuf,
    /// The byte where it goes wrong, where one can be named.
    pub position: Option<u64>,
    /// What is wrong, in a few words.
    pub what: &'static str,
    /// What should stand there.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// What to do next.
    pub advice: &'static str,
}

fn at(position: Option<u64>) -> String {
    position.map_or_else(String::new, |p| format!(" at byte {p}"))
}

impl From<Corruption> for Error {
    fn from(corruption: Corruption) -> Error {
        Error::Corrupt(Box::new(corruption))
    }
}
