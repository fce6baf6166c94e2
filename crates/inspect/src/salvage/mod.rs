//! Saving what is whole of a damaged directory: every batch that passes its checksum, from wherever it
//! stands, at the offset that it has, into a new directory that Kafka and ottla open. The damaged one is only
//! read.
//!
//! ```text
//! run        a partition directory or a data directory
//! partition  one partition, and the checkpoints of the new directory
//! source     the files of a partition, as runs of whole batches, and the bytes between them
//! merge      runs → batches in the order of their offsets, each offset once
//! output     batches → segments, with everything that is derived from them
//! report     what was saved and what was lost
//! ```

mod merge;
mod output;
mod partition;
mod report;
mod run;
mod source;

pub use report::{LostBytes, LostOffsets, Salvaged, SalvagedPartition};
pub use run::{Options, salvage};
