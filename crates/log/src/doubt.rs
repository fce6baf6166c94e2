//! What a failed sync leaves behind: the system may show bytes that are not on disk, and take them for
//! written, so that the next sync succeeds without writing them (PostgreSQL's "fsyncgate"). Reading them
//! again proves nothing; they have to be written anew.
//!
//! A file in the partition's directory says so. It needs no sync: where it is lost with the power, so is
//! what the system showed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dir::{FileKind, FileName, Suffix};
use crate::error::{Error, Result};
use crate::fs::{File, OpenMode};
use crate::offset::Offset;
use crate::segment::Home;

const FILE_NAME: &str = "failed-sync";
const COPY_BYTES: usize = 1 << 20;

fn path(home: &Home) -> PathBuf {
    home.dir.join(FILE_NAME)
}

/// Notes that the files of this log are in doubt. Where even that fails, nothing more can be done.
pub(crate) fn note(home: &Home) {
    if let Err(error) = home.fs.open(&path(home), OpenMode::Create) {
        tracing::error!(dir = %home.dir.display(), %error, "cannot note that a sync failed");
    }
}

/// Whether the files of this log are in doubt.
pub(crate) fn is_noted(home: &Home) -> Result<bool> {
    match home.fs.metadata(&path(home)) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Error::io("look at", path(home), e)),
    }
}

/// Writes the whole segment that begins at `base_offset` anew, under its name. The name is not durable yet.
pub(crate) fn rewrite(home: &Home, base_offset: Offset) -> Result<()> {
    let from = home.path(base_offset, FileKind::Log);
    let to = FileName::new(base_offset, FileKind::Log).with_suffix(Suffix::Rebuilt).in_dir(&home.dir);
    let fail = |e| Error::io("write anew", &to, e);
    let old = home.fs.open(&from, OpenMode::Read).map_err(fail)?;
    let new = create_anew(home, &to).map_err(fail)?;
    let size = old.len().map_err(fail)?;
    let mut buffer = vec![0; COPY_BYTES];
    let mut position = 0;
    while position < size {
        let length = (size - position).min(COPY_BYTES as u64) as usize;
        let piece = buffer.get_mut(..length).unwrap_or(&mut []);
        old.read_exact_at(piece, position).map_err(fail)?;
        new.write_all_at(piece, position).map_err(fail)?;
        position += length as u64;
    }
    new.sync().map_err(fail)?;
    home.fs.rename(&to, &from).map_err(|e| Error::io("rename", &to, e))
}

/// What a crash has left under this name goes first: it may be the log itself, under both its names, and cutting that
/// would lose what is to be copied.
fn create_anew(home: &Home, path: &Path) -> io::Result<Arc<dyn File>> {
    match home.fs.remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => home.fs.open(path, OpenMode::CreateNew),
    }
}

/// Everything was written anew, and its names are durable.
pub(crate) fn clear(home: &Home) -> Result<()> {
    home.fs.remove_file(&path(home)).map_err(|e| Error::io("remove", path(home), e))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "it makes what a crash leaves of real files")]
mod tests {
    use super::*;
    use crate::fs::Os;

    #[test]
    fn a_log_that_a_crash_has_left_under_both_names_is_written_anew_whole() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home { fs: Arc::new(Os), dir: dir.path().to_path_buf(), handles: Arc::default() };
        let log = home.path(Offset::ZERO, FileKind::Log);
        std::fs::write(&log, "dear milena").unwrap();
        std::fs::hard_link(&log, dir.path().join("00000000000000000000.log.rebuilt")).unwrap();
        rewrite(&home, Offset::ZERO).unwrap();
        assert_eq!(std::fs::read(&log).unwrap(), b"dear milena");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
