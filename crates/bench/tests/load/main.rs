//! Loads from their first request to their figures: against a broker that does what it says, and against one that does not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod honest;
mod liar;
mod lies;
mod setup;
