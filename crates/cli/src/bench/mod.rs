//! `ottla bench`: what this machine's files and sockets can do, and what a broker can.

mod args;
mod claims;
mod load;

pub use args::{BenchArgs, run};
