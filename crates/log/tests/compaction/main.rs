//! Compaction, through the public door: what stays, what goes, and that nothing which happens meanwhile loses a
//! record or brings one back. One behaviour a file. A loss of power at every change of a pass is in `power_loss`.
//!
//! | file | what is shown |
//! | --- | --- |
//! | [`keys`] | the newest record of each key stays, at its offset |
//! | [`ahead`] | what is not read again makes no difference |
//! | [`tombstones`] | they stay for as long as the settings say, then go |
//! | [`transactions`] | aborted records go, markers follow their records |
//! | [`producers`] | sequence numbers go on |
//! | [`when`] | which logs are compacted, and which are set aside |
//! | [`meanwhile`] | appends, readers, cuts and deletes beside a pass |
//! | [`gaps`] | they are no damage |
//! | [`fail`] | every call on the file system fails |
//! | [`holes`] | what a loss of power takes back, and what compaction took, are told apart |
//! | [`model`] | any workload, beside a model |

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod ahead;
mod fail;
mod gaps;
mod holes;
mod keys;
mod meanwhile;
mod model;
mod producers;
mod support;
mod tombstones;
mod transactions;
mod when;
