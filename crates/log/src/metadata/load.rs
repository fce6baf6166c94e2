use std::path::Path;

use super::image::MetadataImage;
use super::{bootstrap, cluster_log};
use crate::error::Result;
use crate::fs::FileSystem;

/// The directory of the cluster's log in a data directory.
pub const CLUSTER_METADATA_DIR: &str = "__cluster_metadata-0";

/// Which file an image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `__cluster_metadata-0`: Kafka used the directory last.
    ClusterLog,
    /// `bootstrap.checkpoint`: ottla used the directory last, or Kafka only formatted it.
    Bootstrap,
    /// Neither: the image is that of a new directory.
    None,
}

/// Reads what the data directory's metadata says. Nothing is changed.
///
/// # Errors
/// [`Corrupt`](crate::Error::Corrupt) where the file that counts cannot be read whole: to go on without it
/// would lose topics.
pub fn load(fs: &dyn FileSystem, data_dir: &Path) -> Result<(MetadataImage, Source)> {
    let log = cluster_log::read(fs, &data_dir.join(CLUSTER_METADATA_DIR))?;
    // Until the records of the bootstrap file have all arrived in the log, Kafka too starts from the file.
    if log.replay.applied() > 0 {
        return Ok((log.replay.into_image(), Source::ClusterLog));
    }
    match bootstrap::read(fs, data_dir)? {
        Some(image) => Ok((image, Source::Bootstrap)),
        None => Ok((MetadataImage::new(), Source::None)),
    }
}
