//! Compaction, through the public door: what stays, what goes, and that nothing which happens meanwhile loses a
//! record or brings one back. One behaviour a file.
//!
//! | file | what is shown |
//! | --- | --- |
//! | [`keys`] | the newest record of each key stays, at its offset |
//! | [`tombstones`] | they stay for as long as the settings say, then go |
//! | [`transactions`] | aborted records go, markers follow their records |
//! | [`producers`] | sequence numbers go on |
//! | [`when`] | which logs are compacted, and which are set aside |
//! | [`meanwhile`] | appends, readers, cuts and deletes beside a pass |
//! | [`crash`] | a loss of power at every change |
//! | [`fail`] | every call on the file system fails |
//! | [`model`] | any workload, beside a model |

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod crash;
mod fail;
mod keys;
mod meanwhile;
mod model;
mod producers;
mod support;
mod tombstones;
mod transactions;
mod when;
