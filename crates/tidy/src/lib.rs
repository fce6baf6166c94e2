//! What the tests of this crate look at the repository with: its files, the code in them without comments and
//! strings, its modules and functions, and the blocks and tables of its documents.
//!
//! The rules themselves are `tests/tidy/*.rs`, one file each; each failure says what to do. `cargo test -p
//! ottla-tidy` runs them all.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "only tests use this; a repository that cannot be read is a failed test"
)]

mod code;
mod functions;
mod imports;
mod markdown;
mod modules;
mod repo;

pub use code::{code_of, without_tests};
pub use functions::{Function, functions};
pub use imports::{imports, reexports};
pub use markdown::{Block, blocks, hex_of, table_after};
pub use modules::reachable;
pub use repo::{PRODUCT, Repo, SourceFile};
