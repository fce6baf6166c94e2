//! What `ottla bench` measures: the claims of log storage on this machine, and brokers under load.
#![deny(unsafe_code)]

pub mod batch;
pub mod process;

pub mod client;
pub mod load;

pub mod claims;

mod raw;
