//! `ottla stats`: what is in a directory, segment by segment.

mod command;
mod json;
mod table;

pub use command::{StatsArgs, run};
