//! The cases: everything that can be measured, as data.

use serde::Serialize;

use super::paths::Path;

/// One case of one experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "experiment", rename_all = "snake_case")]
pub enum Work {
    /// Blocks are written over those of a file, and synced at the end.
    Write(Write),
    /// Blocks of a file are read.
    Read(Read),
    /// Records are appended to a new file, and left to the page cache.
    Append(Append),
    /// Batches are appended to a new file, and synced by a policy.
    Sync(Sync),
    /// A file goes out on a socket.
    Transfer(Transfer),
}

/// See [`Work::Write`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Write {
    /// With the page cache or around it.
    pub through: Through,
    /// Which block is next.
    pub order: Order,
    /// How much one call writes.
    pub block_bytes: usize,
}

/// See [`Work::Read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Read {
    /// Whether the file is in the page cache.
    pub cache: Cache,
    /// Which block is next.
    pub order: Order,
    /// What the kernel was told.
    pub advice: Advice,
    /// How much one call reads.
    pub block_bytes: usize,
}

/// See [`Work::Append`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Append {
    /// Records of 1 KiB.
    pub records_per_write: usize,
}

/// See [`Work::Sync`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Sync {
    /// When a sync is made.
    pub policy: Policy,
}

/// See [`Work::Transfer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Transfer {
    /// Which calls carry the bytes.
    pub path: Path,
    /// By how much one call wrote the file: the page cache keeps it in pieces that were written together.
    pub written_bytes: usize,
    /// Between which ends.
    pub network: Network,
    /// What the other end does with them.
    pub receiver: Receiver,
    /// How much is handed over at a time.
    pub chunk_bytes: usize,
}

/// How a log is usually written: by batches of about this size.
pub const USUAL_PIECE_BYTES: usize = 64 << 10;

/// Which block is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The one behind the last.
    InOrder,
    /// Any that was not yet.
    Random,
}

/// With the page cache or around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Through {
    /// `O_DIRECT`: every write goes to the disk by itself.
    Direct,
    /// Into the page cache, and one `fdatasync` at the end.
    PageCache,
}

/// Whether the file is in the page cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cache {
    /// It was evicted, and `mincore` says that it is gone.
    Cold,
    /// It was read just before.
    Warm,
}

/// What `posix_fadvise` told the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Nothing: it reads ahead where it sees an order.
    Default,
    /// `SEQUENTIAL`: read ahead more.
    Sequential,
    /// `RANDOM`: never read ahead.
    NoReadAhead,
}

/// When a sync is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// After each append.
    Each,
    /// After so many appends.
    Every(u32),
    /// When so much time has passed since the last.
    IntervalMs(u32),
    /// Never: the operating system writes when it likes.
    Never,
}

/// Between which ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// 127.0.0.1.
    Loopback,
    /// A pair of virtual network cards between two network namespaces.
    Veth,
}

/// What the other end does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// Copies the bytes into its memory; decrypts them where they are encrypted.
    Reads,
    /// Lets the kernel drop them (`MSG_TRUNC`), so that only the sender's costs show.
    Discards,
}

/// `4 KiB`, `1 MiB`.
pub fn size(bytes: usize) -> String {
    const KIB: usize = 1 << 10;
    const MIB: usize = 1 << 20;
    match bytes {
        bytes if bytes >= MIB && bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        bytes if bytes >= KIB && bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
        bytes => format!("{bytes} B"),
    }
}

impl Work {
    /// The name of the experiment, as in the JSON.
    pub fn experiment(&self) -> &'static str {
        match self {
            Self::Write(_) => "write",
            Self::Read(_) => "read",
            Self::Append(_) => "append",
            Self::Sync(_) => "sync",
            Self::Transfer(_) => "transfer",
        }
    }

    /// The case in a few words, for a row of a table or a plot.
    pub fn label(&self) -> String {
        match self {
            Self::Write(work) => {
                format!("{}, {}, {}", size(work.block_bytes), order(work.order), through(work.through))
            }
            Self::Read(work) => {
                let advice = match work.advice {
                    Advice::Default => "",
                    Advice::Sequential => ", told sequential",
                    Advice::NoReadAhead => ", no read-ahead",
                };
                format!("{}, {}, {}{advice}", size(work.block_bytes), order(work.order), cache(work.cache))
            }
            Self::Append(Append { records_per_write: 1 }) => "1 record a write".to_owned(),
            Self::Append(work) => format!("{} records a write", work.records_per_write),
            Self::Sync(work) => policy(work.policy),
            Self::Transfer(work) => {
                let written = match work.written_bytes {
                    USUAL_PIECE_BYTES => String::new(),
                    bytes => format!(", written by {}", size(bytes)),
                };
                format!("{}, {}, {}{written}", work.path.label(), size(work.chunk_bytes), ends(work))
            }
        }
    }
}

/// Where a transfer goes: the part of its label that is the same for all paths.
pub fn ends(work: &Transfer) -> String {
    let network = match work.network {
        Network::Loopback => "loopback",
        Network::Veth => "veth",
    };
    match work.receiver {
        Receiver::Reads => format!("{network}, receiver reads"),
        Receiver::Discards => format!("{network}, receiver discards"),
    }
}

fn order(order: Order) -> &'static str {
    match order {
        Order::InOrder => "in order",
        Order::Random => "random",
    }
}

fn through(through: Through) -> &'static str {
    match through {
        Through::Direct => "to the disk",
        Through::PageCache => "page cache and sync",
    }
}

fn cache(cache: Cache) -> &'static str {
    match cache {
        Cache::Cold => "cold",
        Cache::Warm => "warm",
    }
}

fn policy(policy: Policy) -> String {
    match policy {
        Policy::Each => "sync after each".to_owned(),
        Policy::Every(appends) => format!("sync after {appends}"),
        Policy::IntervalMs(ms) => format!("sync every {ms} ms"),
        Policy::Never => "no sync".to_owned(),
    }
}
