//! Which topics a data directory holds, as Apache Kafka knows it: topics and their ids, partitions, leader
//! epochs, settings, the next producer id, feature levels.
//!
//! Kafka keeps this in a log of its own, `__cluster_metadata-0`, which is the truth once it holds anything,
//! and starts that log from `bootstrap.checkpoint`, which is the truth before. ottla writes the latter
//! only. So a directory goes back and forth:
//!
//! ```text
//!           load            set_aside                     Kafka starts
//! cluster log ──▶ image ──▶ bootstrap.checkpoint, no log ──────────────▶ cluster log
//!                             ▲      │
//!                             └──────┘ bootstrap::write, at each change by ottla
//! ```
//!
//! Opening a directory for writing means: [`load`] it; where the [`Source`] is the cluster log, write the
//! image with [`bootstrap::write`]; then [`set_aside`], whatever the source. Each step may be repeated after
//! a crash, and nothing is changed by ottla before the last of them is done.
//!
//! Reading order: [`MetadataImage`] is what is known; `record` is one metadata record; `replay` makes an
//! image of records; `checkpoint` and `cluster_log` are the files.
//!
//! Kafka: `MetadataImage`, `BootstrapDirectory`, `Snapshots`, the schemas in `common/metadata/*.json`;
//! KIP-500, KIP-630 (snapshots), KIP-853 (voters in the log), KIP-858 (log directories), KIP-868
//! (transactions of metadata).

mod batches;
pub mod bootstrap;
mod checkpoint;
mod cluster_log;
mod image;
mod kept;
mod load;
mod quorum;
mod record;
mod replay;
mod set_aside;
mod wire;

pub use image::{ConfigResource, FeatureLevels, MetadataImage, PartitionImage, TopicImage};
pub use kept::KeptRecord;
pub use load::{CLUSTER_METADATA_DIR, Source, load};
pub use set_aside::set_aside;

#[cfg(test)]
mod tests;
