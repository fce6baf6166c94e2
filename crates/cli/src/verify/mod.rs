//! `ottla verify`: everything in a partition or data directory, checked against itself.

mod command;
mod print;

pub use command::{VerifyArgs, run};
