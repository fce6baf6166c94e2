//! The loads: those of `ottla bench load`, and a fetch whose bytes the kernel may drop.

mod fetch;
mod general;
mod start;
mod topics;
mod write;

pub use fetch::{Fetch, Receiver, Shape};
pub use general::{flat_out, measure, paced, read_all};
pub use start::first_answered_fetch;
pub use topics::{connect, create_topic, delete_topic};
pub use write::Writer;

/// What every client here names itself, unless it asks the floor for a fetch path.
pub const CLIENT_ID: &str = "ottla-compare";
