//! `ottla append`: lines from standard input become records.

mod args;
mod batcher;
mod command;
mod deliver;
mod input;
mod local;
mod remote;
mod sink;
mod tally;

pub use args::AppendArgs;
pub use command::run;
