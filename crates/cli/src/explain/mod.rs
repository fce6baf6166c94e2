//! `ottla explain`: how one record is found, step by step, on real files.

mod command;
mod story;
mod trace;

pub use command::{ExplainArgs, run};
