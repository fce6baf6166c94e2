//! What is in a directory: how much, of which keys and codecs, in batches of which sizes, from when to when.
//!
//! ```text
//! run        a partition directory or a data directory
//! segment    one segment, batch after batch
//! counts     what is counted; counts add up
//! sizes      the distribution of batch sizes
//! distinct   how many different keys there are, in bounded memory
//! ```

mod counts;
mod distinct;
mod run;
mod segment;
mod sizes;

pub use counts::Counts;
pub use distinct::Distinct;
pub use run::{Options, PartitionStats, SegmentStats, stats};
pub use sizes::Sizes;
