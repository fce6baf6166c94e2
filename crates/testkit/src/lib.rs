//! Test support for ottla.
//!
//! | to | use |
//! | --- | --- |
//! | lose power, tear writes, fill the disk, fail any call | [`SimFs`] |
//! | own the time | [`SimClock`] |
//! | know what a log should hold | [`ModelLog`] |
//! | get records and batches | [`generate`] |
//! | read what Apache Kafka wrote | [`fixtures`] |
//! | give any bytes to a decoder or a structure | [`fuzz`] |

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic here is a failed test"
)]

mod fixtures;
pub mod fuzz;
pub mod generate;
mod model;
mod sim_clock;
mod sim_fs;

pub use fixtures::fixtures;
pub use model::{ModelLog, OutOfRange};
pub use sim_clock::SimClock;
pub use sim_fs::{
    Call, ChangeKind, Crash, CrashChoice, Entry, Fault, Image, LoggedCall, Repeat, SimFs, Survival, Unsynced,
};
