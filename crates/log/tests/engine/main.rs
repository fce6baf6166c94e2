//! The engine as a whole, through its public door: what it promises, whatever happens. One behaviour a file.
//!
//! | file | what it does to a log |
//! | --- | --- |
//! | [`model`] | any sequence of calls, beside a model; [`store_model`] the same of whole directories |
//! | [`store`] | a directory of topics through its whole life |
//! | [`crash`] | a loss of power at every change, of logs; [`store_crash`] the same of whole directories |
//! | [`fail`] | every call on the file system fails |
//! | [`index_bytes`] | indexes, byte for byte |
//! | [`bad_files`] | every file is bad in every way |
//!
//! `OTTLA_CRASHES=<n>` tries so many crashes at each change instead of a few; `OTTLA_CASES=<n>` runs so many
//! random sequences.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod bad_files;
mod crash;
mod fail;
mod index_bytes;
mod model;
mod store;
mod store_crash;
mod store_model;
mod support;
