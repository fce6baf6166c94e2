//! The engine as a whole, through its public door: what it promises, whatever happens. One behaviour a file.
//!
//! | file | what it does to a log |
//! | --- | --- |
//! | [`model`] | any sequence of calls, beside a model; [`store_model`] the same of whole directories |
//! | [`store`] | a directory of topics through its whole life |
//! | [`fail`] | every call on the file system fails; [`store_fail`] those of one partition |
//! | [`disk_full`] | there is no room, at every few hundred bytes |
//! | [`index_bytes`] | indexes, byte for byte |
//! | [`dead_index`] | an index cannot be read |
//! | [`bad_files`] | every file is bad in every way |
//!
//! A loss of power at every change is next door, in `power_loss`. `OTTLA_CASES=<n>` runs so many random sequences.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stdout, reason = "the counts are the result")]

mod bad_files;
mod dead_index;
mod disk_full;
mod fail;
mod index_bytes;
mod model;
mod store;
mod store_fail;
mod store_model;
#[allow(dead_code, unused_imports, reason = "the losses of power use more of it")]
mod support;
