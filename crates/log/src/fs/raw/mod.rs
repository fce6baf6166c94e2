//! The unsafe code of this crate, all of it.
//!
//! Miri runs none of these blocks: it knows neither maps of files nor `sync_file_range`. Over the simulated disk, on which
//! the other code runs under Miri, files have no descriptor, and indexes are read.
//!
//! | block | why it is unsafe | what watches over it instead |
//! | --- | --- | --- |
//! | [`ReadOnlyMap::of`] | the mapped bytes must neither change nor go | the tests beside it; the engine's tests on real files |
//! | `begin_write_out` | a call of C | it takes a descriptor that is borrowed meanwhile, and numbers |

mod map;
mod write_out;

pub use map::ReadOnlyMap;
pub(super) use write_out::begin_write_out;
