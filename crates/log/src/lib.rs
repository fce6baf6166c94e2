//! **The Kafka log, as a library.** Segment files named by their base offset, sparse indexes, sequential
//! append, reads that are ranges of files, group commit, and recovery that says what it did. The files
//! are Apache Kafka's, byte for byte.
//!
//! - [`Log`] is one partition: a directory `<topic>-<partition>`.
//! - [`Store`] is many partitions in one data directory.
//!
//! The library opens no socket, starts no thread and needs no async runtime. It does not replicate, and
//! it deletes nothing unless told: see [`LogConfig`]. The wire protocol and a server that sends these
//! files with `sendfile` live in the crates `ottla-protocol` and `ottla-server`.
//!
//! ```
//! use std::time::Duration;
//! use ottla::{Isolation, Log, Offset};
//! use ottla_record::BatchBuilder;
//!
//! let data = tempfile::tempdir()?;
//! let (log, _report) = Log::open(data.path().join("letters-0"))?;
//!
//! let mut batch = BatchBuilder::new();
//! batch.push(0, Some(b"felice"), Some(b"Dear Felice"), &[])?;
//! log.append(&batch.build()?)?;
//!
//! let mut tail = log.tail(Offset::ZERO, Isolation::ReadUncommitted);
//! if let Some(batches) = tail.next(Duration::from_secs(1))? {
//!     batches.for_each_record(|record| {
//!         assert_eq!(record.key, Some(&b"felice"[..]));
//!         Ok(())
//!     })?;
//! }
//! log.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(unsafe_code)]

pub mod clock;
pub mod config;
pub mod dir;
pub mod fs;
pub mod metadata;
pub mod producer;
pub mod segment;
pub mod settings;

mod append;
mod batches;
mod cleaning;
mod closing;
mod commit;
mod compact;
mod data_dir;
mod doubt;
mod durability;
#[cfg(feature = "async")]
mod durability_future;
mod error;
mod isolation;
mod log;
mod lookup;
mod offset;
mod opening;
mod read;
mod recover;
mod remove;
mod retain;
mod room;
mod scrub;
mod shared;
mod store;
mod sync;
mod tail;
mod trimming;
mod truncate;
mod watch;

pub use append::{AppendOptions, Appended};
pub use batches::{Batches, TxnFilter};
pub use clock::{Clock, SystemClock};
pub use commit::Committer;
pub use compact::{Cleaner, CleanerConfig, Compacted, Stopper};
pub use config::{CleanupPolicy, Environment, LogConfig, TimestampType};
pub use durability::Durability;
#[cfg(feature = "async")]
pub use durability_future::DurableFuture;
pub use error::{Corruption, Error, Result};
pub use isolation::{Isolation, ReadLimit};
pub use log::Log;
pub use offset::{Offset, OffsetPosition, Position, TimestampOffset};
pub use producer::Origin;
pub use read::Fetched;
pub use recover::{Damage, RecoveryReport, Truncation};
pub use segment::FileSlice;
pub use store::{HousekeepReport, Quarantined, Scrubbed, Scrubber, Store, StoreConfig, StoreReport, Topic};
pub use tail::Tail;
pub use watch::{Subscription, Waiter};
