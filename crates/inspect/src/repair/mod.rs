//! Mending a directory: what is derived from the log is made anew, and what a crash interrupted is finished
//! or undone, as the next start of a broker would. The log's own bytes are touched in one case only: an
//! unfinished last write is cut off.
//!
//! ```text
//! run           a partition directory or a data directory; the lock; the order
//! options       what the caller decides
//! step          one change, and what cannot be mended
//! hand          makes the changes and writes them down
//! overlay       … or makes them in memory only, so that a plan is what would be done and not a guess
//! partition     one partition, in this order:
//! leftovers       1 interrupted deletes, cleans and swaps
//! tail            2 an unfinished last write
//! derived         3 files that disagree with the log, as `verify` finds them
//! remedy            … which finding has which remedy
//! replay            … producers, transactions and epochs, from the batches
//! checkpoints   those of the data directory that cannot be read
//! ```
//!
//! Every change can be repeated, and each leaves a directory that opens: a crash in the middle leaves work
//! for the next repair and harms nothing.

mod checkpoints;
mod derived;
mod hand;
mod leftovers;
mod options;
mod overlay;
mod partition;
mod remedy;
mod replay;
mod run;
mod step;
mod tail;

pub(crate) use derived::make_txn_index;
pub(crate) use replay::{Replay, known_at_start};
pub(crate) use tail::first_offset;

pub use options::Options;
pub use run::{apply, plan};
pub use step::{Change, Left, Repairs, Step};
