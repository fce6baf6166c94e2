//! The tests of the protocol, one module per question.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should stop where it does"
)]

mod agreement;
mod fetch_parts;
mod frames;
mod generate;
mod golden;
mod hostile;
mod memory;
mod oracle;
mod table;
mod wire;
