use std::path::Path;
use std::sync::Arc;

use ottla::fs::{FileSystem, Os};

use crate::error::Result;
use crate::owner::give_to_owner_of;

/// How a directory is mended.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the files are: the operating system's, where nothing else is given.
    pub fs: Arc<dyn FileSystem>,
    /// Whether a log is cut at its first damage, and bytes that were said to be on disk go out of it. They are
    /// kept aside, in `.cut` files.
    pub cut_below_recovery_point: bool,
    /// Who owns a file that was written (the first path is its directory, the second the file): whoever owns
    /// the directory, on the operating system's files.
    pub own: Option<fn(&Path, &Path) -> Result<()>>,
}

impl Default for Options {
    fn default() -> Options {
        Options { fs: Arc::new(Os), cut_below_recovery_point: false, own: Some(give_to_owner_of) }
    }
}
