//! Files that Apache Kafka wrote, kept with this crate.

use std::path::{Path, PathBuf};

/// The directory of the fixtures. Tests read them; a test that writes takes a copy.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}
