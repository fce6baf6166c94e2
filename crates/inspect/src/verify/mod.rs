//! Checking a log against itself: every batch, then everything that is derived from batches. Nothing is
//! printed or changed here; what is wrong is returned as [`Finding`]s.
//!
//! ```text
//! run           a partition directory, or a data directory
//! data_dir      meta.properties, checkpoints, metadata; and of each directory in it:
//! context       what is known of a partition beside its files
//! partition     names, leader epochs, snapshots; and of each segment:
//! segment       every batch, from one to the next; each is shown to the checks below
//! ahead         reads on, while batches are checked by themselves and looked at in order
//! chunk         some batches: structure, checksum, records
//! pool          the threads that do this
//! offsets       offsets only grow, and stay within their segment
//! records       the records can be read, and are as many as the head says
//! indexes       both indexes:
//! offset_index  each entry leads to the batch that it stands for
//! time_index    no record up to an entry is newer than it
//! epochs        each batch has the epoch that the checkpoint has for it
//! txns          each aborted transaction is in the index, and nothing else is
//! snapshots     each producer's last batch is what the snapshot says
//! ```
//!
//! Files are read in the order that makes this work while another process appends: first what is derived,
//! then the log, so that whatever the former speaks of is in the latter. A segment that changes while
//! something is found in it is checked anew (`settle`).

mod ahead;
mod chunk;
mod context;
mod data_dir;
mod epochs;
mod finding;
mod index_file;
mod indexes;
mod kind;
mod names;
mod offset_index;
mod offsets;
mod partition;
mod pool;
mod records;
mod run;
mod seen;
mod segment;
mod settle;
mod snapshots;
mod time_index;
mod txns;

pub use finding::{Finding, Report, Summary};
pub(crate) use index_file::IndexFile;
pub use kind::Kind;
pub(crate) use run::neither;
pub use run::{Options, verify};

pub(crate) use context::{Recovery, Settings};
pub(crate) use data_dir::{
    check_small_files, check_topic, is_data_dir, partitions_in, read_metadata, size_of,
};
pub(crate) use partition::check_partition;
pub(crate) use pool::Pool;
pub(crate) use snapshots::may_be_of;
