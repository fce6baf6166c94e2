//! One segment: a `.log` file of batches named by its base offset, and the sparse indexes beside it.
//!
//! Read in this order: [`Segment`] is the half that readers share, [`SegmentWriter`] the half that the
//! one appender owns. Under them lie the walk over batch heads, and the two indexes, each a sorted
//! file of fixed-width entries.

mod batch_scan;
mod careful;
mod find;
mod growing_index;
mod handles;
mod head_walk;
mod index;
mod index_build;
mod index_firsts;
mod offset_index;
mod resync;
mod roll;
#[expect(clippy::module_inception, reason = "the folder is the segment and its files; this file is the type")]
mod segment;
mod set;
mod slice;
#[cfg(all(test, shuttle))]
mod tests;
mod time_index;
mod walk_end;
mod writer;

pub use batch_scan::{BatchScan, ScanEnd, ScannedBatch};
pub(crate) use careful::lies_behind_gap;
pub(crate) use handles::{HandleCache, Handles, Home};
pub use head_walk::{HeadWalk, Walked, end_by_heads};
pub use index::{Around, Entry, IndexView};
pub use index_build::BuiltIndexes;
pub(crate) use index_build::IndexBuilder;
pub use offset_index::OffsetIndexEntry;
pub use resync::{next_whole_batch, next_whole_batch_of_any_magic};
pub(crate) use roll::{Incoming, should_roll};
pub(crate) use segment::{Segment, SegmentFiles};
pub(crate) use set::SegmentSet;
pub use slice::FileSlice;
pub use time_index::TimeIndexEntry;
pub use walk_end::WalkEnd;
pub(crate) use writer::{PlacedBatch, SegmentWriter};
