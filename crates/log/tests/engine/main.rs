//! The engine as a whole, through its public door: what it promises, whatever happens. One behaviour a file.
//!
//! | file | what it does to a log |
//! | --- | --- |
//! | [`model`] | any sequence of calls, beside a model |
//! | [`crash`] | a loss of power at every change, of logs; [`store_crash`] the same of whole directories |
//! | [`fail`] | every call on the file system fails |
//! | [`index_bytes`] | indexes, byte for byte |
//!
//! `OTTLA_CRASHES=<n>` tries so many crashes at each change instead of a few; `OTTLA_CASES=<n>` runs so many
//! random sequences.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod crash;
mod fail;
mod index_bytes;
mod model;
mod store_crash;
mod support;
