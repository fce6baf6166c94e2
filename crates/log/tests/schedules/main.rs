//! What threads share, under schedules that a scheduler chooses ([shuttle](https://docs.rs/shuttle)).
//!
//! Built with `--cfg shuttle`, every lock and every atomic of the engine (`src/sync.rs`) and every call on the simulated
//! disk (`disk.rs`) is a point at which another thread may go on. Each scenario below is run again and again, each time on
//! a schedule of its own: half of them choose the next thread by chance at each point, half are those of PCT
//! (Burckhardt et al., ASPLOS 2010) with depth 3, which finds a bug that takes three steps in a certain order with a
//! probability that is known. A schedule on which all wait for each other, or on which somebody goes round for ever, fails.
//!
//! **The model.** Threads see each other's changes in one order (sequential consistency), whatever orderings the
//! atomics name; `docs/TESTING.md` tells what rests on weaker ones. A wait with a time limit does not end by it, so a
//! wake-up that is lost is a hang. A write reaches the disk in two halves. Time stands still.
//!
//! `just schedules 100000` runs each scenario on so many schedules of each kind. A failure prints its schedule:
//! `OTTLA_SCHEDULE=<that string> just schedules 1 NAME_OF_THE_TEST` runs it again.
#![cfg(shuttle)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod disk;
mod explore;
mod scene;

mod closing;
mod commit;
mod compaction;
mod cutting;
mod handles;
mod promises;
mod publishing;
mod store;
mod trimming;
mod waking;
