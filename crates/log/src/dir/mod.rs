//! What a data directory holds besides records, in Apache Kafka's names and formats.
//!
//! ```text
//! data/
//! ├── .lock                              lock               one writer, ottla or Kafka
//! ├── .kafka_cleanshutdown               clean_shutdown     the last stop flushed everything
//! ├── meta.properties                    meta_properties    cluster, node and directory id
//! ├── recovery-point-offset-checkpoint   checkpoint         below it, all is on disk
//! ├── log-start-offset-checkpoint        checkpoint         below it, all is deleted
//! ├── replication-offset-checkpoint      checkpoint         the high watermarks
//! ├── cleaner-offset-checkpoint          checkpoint         below it, all is compacted
//! └── <topic>-<partition>/               topic_partition
//!     ├── 00000000000000000000.log …     file_name
//!     ├── 00000000000000000000.61.cut    cut_file           what recovery cut off there
//!     ├── leader-epoch-checkpoint        leader_epoch       where each epoch begins
//!     └── partition.metadata             partition_metadata the topic's id
//! ```
//!
//! A small file is read whole and replaced whole ([`write_atomically`]). A missing one is told apart
//! from a broken one: the first has a meaning, the second is a [`Corruption`](crate::Corruption) that
//! says where it goes wrong. Nothing is ever deleted because a small file is broken.

mod checkpoint;
mod checkpoint_file;
mod clean_shutdown;
mod cut_file;
mod file_name;
mod java_date;
mod leader_epoch;
mod leftovers;
mod lock;
mod make_dir;
mod meta_properties;
mod partition_metadata;
mod properties;
mod text;
mod topic_partition;
mod uuid;
mod whole_file;

pub use checkpoint::{OffsetCheckpoint, Offsets};
pub use clean_shutdown::CleanShutdown;
pub use cut_file::{CutFile, copy_aside};
pub use file_name::{FileKind, FileName, Suffix};
pub use leader_epoch::{EpochEndOffset, EpochEntry, LeaderEpochs};
pub use leftovers::{Leftover, Leftovers};
pub use lock::DirLock;
pub use make_dir::make_dir;
pub(crate) use make_dir::settle_dir;
pub use meta_properties::MetaProperties;
pub use partition_metadata::PartitionMetadata;
pub use topic_partition::{DirName, TopicPartition};
pub use uuid::{InvalidUuid, TopicId, Uuid};
pub use whole_file::{MAX_WHOLE_FILE_BYTES, read_whole, write_atomically};
