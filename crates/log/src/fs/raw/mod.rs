//! The unsafe code of this crate, all of it.
//!
//! Miri does not run it: it does not know `sync_file_range`. On the simulated disk, on which the other code runs under
//! Miri, files have no descriptor.
//!
//! | block | why it is unsafe | what watches over it instead |
//! | --- | --- | --- |
//! | `begin_write_out` | a call of C | it takes a descriptor that is borrowed meanwhile, and numbers |

mod write_out;

pub(super) use write_out::begin_write_out;
