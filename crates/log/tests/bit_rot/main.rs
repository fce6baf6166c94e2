//! Bits that change while nobody looks.
//!
//! **Fault model.** One file of a directory is not what was written: one bit is flipped, one byte is all zeros or all
//! ones, one aligned sector of 512 or 4096 bytes reads as zeros, or two sectors of it have changed places. The process
//! was closed, or was killed after a flush, or was killed with half of the log flushed. Then the log is opened and
//! everything is read, in every way there is.
//!
//! **What must hold**, for each such image: no panic, no call after call without an end, and
//!
//! - no batch is served by `read_batches` that is not, byte for byte, the one that was appended at its offset;
//! - what is not served is refused by an error that names the file, or was told by the report of the open;
//! - below the recovery point no byte of a `.log` goes, and every batch but the one that changed is still served;
//! - a change in what is derived from the log changes no read;
//! - a change in a checkpoint costs nothing; at worst the open names the file and leaves all as it is.
//!
//! Some bits have nothing in Kafka's format that vouches for them. They are in the list `UNDETECTABLE` of
//! `judge.rs`, with their counts, and in `docs/RECOVERY.md`; a wrong read that is not on that list fails.
//!
//! A plain run takes every so-many-th image (`OTTLA_BIT_ROT_STEP`, 1 takes all of them: `just bit-rot`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stdout, reason = "the counts are the result")]

mod change;
mod judge;
mod kafka;
mod scene;
mod store;
mod sweep;
mod truth;
mod writer;
