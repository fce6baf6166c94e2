//! The power goes. At every call of every workload that changes the disk, or syncs it, the machine stops, and
//! whatever its disk may show then, what was promised is there.
//!
//! **The fault model** is the contract of [`ottla::fs`], kept by [`SimFs`](ottla_testkit::SimFs) to the letter and no
//! further. What was synced stays. Of what was not, each write, length, new name, removed name and changed name may
//! be there, gone, or there without the one before it; a write may be torn at any byte, miss any of its sectors or
//! pages, have come without its length, or be a length without its bytes; a renamed file may have its old name, its
//! new one, or both. The call during which the power goes is one of these. The disk is honest: it does not change
//! what was synced (that is bit rot, and other tests'), and a sync that returns has done its work.
//!
//! **What is looked at.** A state is a disk, together with what had been asked and answered; no two that are counted
//! are the same. Each is opened, at the first attempt and without a panic, read in every way there is, compared with
//! an oracle that lives outside the disk, opened again, which changes nothing, and lived on with. In some of them
//! the power goes a second time, at every change that opening makes.
//!
//! | file | what is in it |
//! | --- | --- |
//! | [`harness`] | every change of a workload, and the states that are tried at each |
//! | [`fingerprint`] | which disks are the same |
//! | [`kinds`] | the ways of losing power, dealt out so that each has its turn |
//! | [`one_log`], [`store`], [`keyed`] | what loses its power: a log, a store, a compacted log. What was asked of it, what must hold of what is left |
//! | [`appending`], [`opening`], [`deleting`], [`cutting`], [`producers`] | what is done to a log |
//! | [`topics`], [`many_logs`] | what is done to a store |
//! | [`compacting`] | what is done to a compacted log |
//! | [`suite`] | all workloads; how many states there are |
//! | [`lives`] | what an earlier loss has left behind the end of a file |
//! | [`controls`] | the engine with any one of its syncs left out: the suite must notice |
//! | [`left_out`], [`sync_name`], [`syncs`] | how that is tried, what a sync is called, and all syncs there are |
//!
//! `OTTLA_CRASHES=<n>` tries so many states at each change instead of a few; `just power-loss` tries most of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stdout, reason = "the counts are the result")]

mod appending;
mod compacting;
mod controls;
mod cutting;
mod deleting;
mod fingerprint;
mod harness;
mod keyed;
mod kinds;
mod left_out;
mod lives;
mod many_logs;
mod one_log;
mod opening;
mod producers;
mod store;
mod suite;
#[path = "../engine/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of the engine use more of it")]
mod support;
#[path = "../compaction/support.rs"]
#[allow(dead_code, reason = "the tests of compaction use more of it")]
mod support_of_compaction;
mod sync_name;
mod syncs;
mod topics;
