//! **A Kafka data directory at rest**: what is wrong with it, what would mend it, what can be saved of it,
//! and what is in it. Of any directory that Apache Kafka or ottla wrote; no broker and no JVM is needed.

#![forbid(unsafe_code)]

mod error;
mod owner;
pub mod partition;
mod progress;
pub mod read_only_fs;
pub mod reindex;
pub mod repair;
pub mod salvage;
pub mod stats;
pub mod verify;

pub use error::{Error, Result};
pub use progress::{Progress, Silent};
