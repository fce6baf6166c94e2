use std::io;
use std::path::Path;
use std::sync::Arc;

use ottla::dir::{CutFile, copy_aside, write_atomically};
use ottla::fs::{FileSystem, OpenMode};

use super::step::{Change, Left, Repairs, Step};
use crate::error::{At, Result};

/// Tells who owns a file that was written: as [`give_to_owner_of`](crate::owner::give_to_owner_of).
pub(super) type Own = fn(&Path, &Path) -> Result<()>;

/// Makes changes, and writes down which. Each is durable before the next is made.
pub(super) struct Hand {
    pub(super) fs: Arc<dyn FileSystem>,
    /// Whether bytes that are cut off are copied; nobody needs that where nothing is cut in truth.
    pub(super) copies: bool,
    pub(super) own: Option<Own>,
    pub(super) done: Repairs,
}

impl Hand {
    /// Takes a file's name away.
    pub(super) fn remove(&mut self, file: &Path, why: impl Into<String>) -> Result<()> {
        match self.fs.remove_file(file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.at("remove", file)?,
        }
        self.sync_dir_of(file)?;
        self.note(file, Change::Remove, why);
        Ok(())
    }

    /// Takes the name of an empty directory away.
    pub(super) fn remove_dir(&mut self, dir: &Path) -> Result<()> {
        self.fs.remove_dir(dir).at("remove", dir)?;
        self.sync_dir_of(dir)?;
        self.note(dir, Change::Remove, "its partition was deleted");
        Ok(())
    }

    /// Gives a file another name, replacing what has it.
    pub(super) fn rename(&mut self, file: &Path, to: &Path, why: impl Into<String>) -> Result<()> {
        self.fs.rename(file, to).at("rename", file)?;
        self.sync_dir_of(file)?;
        self.note(file, Change::Rename { to: to.to_path_buf() }, why);
        Ok(())
    }

    /// Replaces a file, or makes it. It belongs to whom its directory belongs to.
    pub(super) fn write(&mut self, file: &Path, bytes: &[u8], why: impl Into<String>) -> Result<()> {
        write_atomically(&*self.fs, file, bytes)?;
        self.wrote(file, bytes.len() as u64, why)
    }

    /// Notes a file that was written by other means.
    pub(super) fn wrote(&mut self, file: &Path, bytes: u64, why: impl Into<String>) -> Result<()> {
        if let Some(own) = self.own {
            own(file.parent().unwrap_or(Path::new(".")), file)?;
        }
        self.note(file, Change::Write { bytes }, why);
        Ok(())
    }

    /// Cuts the end of a file off, and keeps it in another file first where one is named.
    pub(super) fn cut(
        &mut self,
        file: &Path,
        position: u64,
        keep: Option<CutFile<'_>>,
        why: impl Into<String>,
    ) -> Result<()> {
        let log = self.fs.open(file, OpenMode::ReadWrite).at("open", file)?;
        let size = log.len().at("look at", file)?;
        let cut = position..size.max(position);
        let place = |segment: CutFile<'_>| segment.place(&*self.fs, &*log, &cut).at("look into", segment.dir);
        let keep = keep.map(place).transpose()?;
        if let Some(aside) = keep.as_ref().filter(|_| self.copies) {
            copy_aside(&*self.fs, &*log, &cut, aside).at("write", aside)?;
            self.sync_dir_of(aside)?;
            if let Some(own) = self.own {
                own(file.parent().unwrap_or(Path::new(".")), aside)?;
            }
        }
        log.set_len(position).and_then(|()| log.sync()).at("cut", file)?;
        self.note(file, Change::Cut { position, bytes: cut.end - cut.start, kept_in: keep }, why);
        Ok(())
    }

    /// Notes what is not mended.
    pub(super) fn leave(&mut self, left: Left) {
        if !self.done.left.contains(&left) {
            self.done.left.push(left);
        }
    }

    fn note(&mut self, file: &Path, change: Change, why: impl Into<String>) {
        self.done.steps.push(Step { file: file.to_path_buf(), change, why: why.into() });
    }

    pub(super) fn sync_dir_of(&self, file: &Path) -> Result<()> {
        let dir = file.parent().unwrap_or(Path::new("."));
        self.fs.sync_dir(dir).at("sync", dir)
    }
}
