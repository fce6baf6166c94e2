//! Compaction: of all records with one key the newest stays, and the log keeps its offsets (Kafka's
//! `LogCleaner`; delete horizons: KIP-534).
//!
//! A pass reads the new part of a log to learn where each key stands last, then writes all sealed segments up
//! to there anew without the records that a later one replaces. Appends and reads go on meanwhile; who reads
//! an old segment keeps its bytes. A crash at any point leaves the old segments or the new one.
//!
//! | step | file | decides, or does |
//! | --- | --- | --- |
//! | 1 | [`choose`] | what can be compacted, and which log needs it most |
//! | 2 | [`map`] | where each key stands last, in an [`offset_map`] of bounded memory; what that replaces: [`marks`] |
//! | 3 | [`groups`], [`rewrite`] | which segments become one; what stays of each batch, in [`cleaned`] files; what need not be read again: [`ahead`] |
//! | 4 | [`swap`] | the new segment takes the place of the old ones |
//! | 5 | [`run`] | the steps in order, of one [`round`]; then the mark up to where the log is compacted |
//!
//! What stays besides the newest record of each key: tombstones for `delete.retention.ms` after the pass that
//! first finds them newest; markers until no record of their transaction is left, and as long after that; the
//! header of the last batch of each producer, whose sequence numbers go on, and of the last batch of the pass,
//! whose offset must not be forgotten. Records of aborted transactions and records without a key go.
//!
//! Messages of magic 0 and 1 are compacted too. One that must be written anew, because it loses some of the
//! messages inside or holds a tombstone, becomes a batch of magic 2, which has a place for the delete horizon.

mod ahead;
mod choose;
mod cleaned;
mod cleaner;
mod groups;
mod halt;
mod map;
mod marks;
mod offset_map;
mod rewrite;
mod round;
mod run;
mod scan;
mod swap;
mod transactions;
mod turn;

pub(crate) use choose::{Cleanable, filthiest};
pub use cleaner::{Cleaner, CleanerConfig, Compacted, Stopper};
pub(crate) use round::Door;
pub(crate) use run::{assess, run};
pub(crate) use transactions::LastBatches;
pub(crate) use turn::Turn;
