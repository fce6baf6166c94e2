//! A partition directory as the commands that only look at it see it: its segments, and the batches in
//! them one after the other, each found whole before it is handed out.

mod cursor;
mod damage;
mod dir;
mod locate;
mod marker;

pub use cursor::{BatchCursor, Step, StoredBatch};
pub use damage::Damage;
pub use dir::{PartitionDir, SegmentFile, name_of};
pub use locate::{nearest_position, start_at};
pub use marker::marker_of;

/// What a compressed batch may grow to. Kafka's own limit is on the compressed bytes, so this is far above
/// what a batch of the largest size that anybody sets inflates to, and below what hurts a machine.
pub const MAX_DECOMPRESSED_BYTES: usize = 512 << 20;
