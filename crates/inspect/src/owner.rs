//! Who owns the files that a repair writes: whoever owns the log.

use std::fs::{metadata, set_permissions};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use crate::error::{At, Result};

/// Gives a file that was just written the owner and the permissions of another one beside it, so that a
/// repair by an administrator leaves nothing that the broker cannot open.
///
/// # Errors
/// As the system reports it.
pub fn give_to_owner_of(like: &Path, file: &Path) -> Result<()> {
    let owner = metadata(like).at("look at", like)?;
    let mine = metadata(file).at("look at", file)?;
    if (owner.uid(), owner.gid()) != (mine.uid(), mine.gid()) {
        chown(file, Some(owner.uid()), Some(owner.gid())).at("give away", file)?;
    }
    if owner.is_file() && owner.permissions() != mine.permissions() {
        set_permissions(file, owner.permissions()).at("set the permissions of", file)?;
    }
    Ok(())
}
