//! `ottla read`: the records of a partition, from a place on.

mod command;
mod committed;
mod format;
mod print;
mod reader;
mod start;

pub use command::{ReadArgs, run};
