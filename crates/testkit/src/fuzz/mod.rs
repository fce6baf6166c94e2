//! The bodies of the fuzz targets: one function for each decoder and structure, named after it.
//!
//! Each takes any bytes and must return. What it asserts beyond that stands in its file. `fuzz/` drives them
//! with libFuzzer; `tests/fuzz_seeds.rs` replays every committed seed through the same functions, so that a
//! plain `cargo test` guards what the fuzzer once found.

mod batch;
mod checkpoint;
mod compression;
mod data_dir;
mod filter;
mod index;
mod message_set_legacy;
mod metadata_log;
mod names;
mod recovery;
mod request_frame;
mod response;
mod seal;
mod settings;
mod snapshot;
mod store;
mod txn_index;

pub use batch::batch;
pub use checkpoint::checkpoint;
pub use compression::compression;
pub use data_dir::{DataDirFile, encode_data_dir};
pub use filter::filter;
pub use index::{offset_index, time_index};
pub use message_set_legacy::message_set_legacy;
pub use metadata_log::metadata_log;
pub use names::names;
pub use recovery::recovery;
pub use request_frame::request_frame;
pub use response::response;
pub use settings::settings;
pub use snapshot::snapshot;
pub use store::store;
pub use txn_index::txn_index;

/// The body of a target.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("batch", batch),
    ("message_set_legacy", message_set_legacy),
    ("compression", compression),
    ("filter", filter),
    ("offset_index", offset_index),
    ("time_index", time_index),
    ("txn_index", txn_index),
    ("snapshot", snapshot),
    ("checkpoint", checkpoint),
    ("metadata_log", metadata_log),
    ("names", names),
    ("settings", settings),
    ("request_frame", request_frame),
    ("response", response),
    ("recovery", recovery),
    ("store", store),
];

/// What compressed bytes may grow to in a target: far below the fuzzer's own limit.
const MAX_DECOMPRESSED_BYTES: usize = 1 << 20;
