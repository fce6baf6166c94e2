//! `ottla serve`: a broker for Kafka clients on one data directory.

mod advertise;
mod command;
mod logging;
mod settings;
mod welcome;

pub use command::{ServeArgs, run};
