//! The unsafe code of this crate, all of it.

mod map;
mod write_out;

pub use map::ReadOnlyMap;
pub(super) use write_out::begin_write_out;
