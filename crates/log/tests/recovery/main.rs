//! What recovery decides, shown on directories made by hand: each has its batches where the test puts them, and the
//! checkpoints say what the test says.
//!
//! | file | what is decided |
//! | --- | --- |
//! | [`gaps`] | whether offsets between two segments are lost or were compacted |
//! | [`order`] | whether a batch may follow the one before it |
//! | [`ends`] | where the log ends, and from where it goes on |
//! | [`deletes`] | what an interrupted delete has left |
//! | [`epochs`] | which leader epochs there were |
//! | [`producers`] | what batches that are read again tell of producers and transactions |
//! | [`swaps`] | what an interrupted swap has left |
//! | [`indexes`] | which indexes are built anew |
//! | [`walks`] | what is torn and what is damaged |
//! | [`resume`] | how appending goes on |

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod deletes;
mod ends;
mod epochs;
mod gaps;
mod indexes;
mod made;
mod order;
mod producers;
mod resume;
mod swaps;
mod walks;
