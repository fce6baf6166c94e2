//! `ottla bench load`: load for any broker that speaks Kafka's protocol.

mod command;
mod progress;
mod table;
mod units;

pub use command::{LoadArgs, run};
