//! The names of a simulated disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla::fs::{DirEntry, File, FileSystem, Lock, Metadata, OpenMode};

use super::SimFs;
use super::change::Change;
use super::disk::{Inode, Node, ROOT};
use super::fault::Call;
use super::file::SimFile;
use super::path::components;
use super::state::State;

impl FileSystem for SimFs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut state = self.state();
        state.begin(Call::Open, path)?;
        let inode = match (state.live.find(path), mode) {
            (Ok(_), OpenMode::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Ok(inode), _) => inode,
            (Err(e), OpenMode::Create | OpenMode::CreateNew) if e.kind() == io::ErrorKind::NotFound => {
                state.create_file(Call::Open, path)?
            }
            (Err(e), _) => return Err(e),
        };
        let writable = mode != OpenMode::Read;
        if writable {
            state.live.bytes(inode)?;
        }
        Ok(Arc::new(SimFile { fs: self.clone(), inode, path: path.to_path_buf(), writable }))
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut state = self.state();
        state.begin(Call::ReadDir, path)?;
        let names = state.live.names(state.live.find(path)?)?;
        let entry = |(name, inode): (&String, &Inode)| {
            let is_dir = state.live.node(*inode).is_ok_and(Node::is_dir);
            DirEntry { name: name.clone(), is_dir }
        };
        // The contract promises no order, so this is not the one that callers would like.
        Ok(names.iter().rev().map(entry).collect())
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let mut state = self.state();
        state.begin(Call::Metadata, path)?;
        Ok(match state.live.node(state.live.find(path)?)? {
            Node::File { bytes, modified_ms, .. } => {
                Metadata { len: bytes.len() as u64, modified_ms: *modified_ms, is_dir: false }
            }
            Node::Dir { .. } => Metadata { len: 4096, modified_ms: 0, is_dir: true },
        })
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.begin(Call::CreateDir, path)?;
        let mut dir = ROOT;
        let mut at = PathBuf::from("/");
        let mut counted = false;
        for name in components(path)? {
            at.push(&name);
            dir = match state.live.names(dir)?.get(&name) {
                Some(child) => *child,
                None => {
                    if !counted {
                        state.mutate(Call::CreateDir, path, 0, 0);
                        counted = true;
                    }
                    state.create(dir, name, true, &at)
                }
            };
        }
        state.live.names(dir).map_err(|_| io::ErrorKind::AlreadyExists)?;
        state.check_power()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.begin(Call::Rename, from)?;
        let (from_dir, old_name) = state.live.find_parent(from)?;
        let (to_dir, name) = state.live.find_parent(to)?;
        let node = state.live.find(from)?;
        if components(from)?.starts_with(&components(to)?) && from != to {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let replaced = state.live.child(to_dir, &name);
        // Two names of one file, as a crash may leave it: the old one goes all the same.
        if replaced == Some(node) && (from_dir, &old_name) == (to_dir, &name) {
            return Ok(());
        }
        let is_dir = state.live.node(node)?.is_dir();
        if is_dir && components(to)?.starts_with(&components(from)?) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if let Some(replaced) = replaced {
            state.check_replaceable(is_dir, replaced)?;
        }
        state.mutate(Call::Rename, to, 0, 0);
        state.change(Change::Rename { from_dir, from: old_name, to_dir, to: name, node, is_dir }, to);
        state.check_power()
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.begin(Call::Remove, path)?;
        let node = state.live.find(path)?;
        state.live.bytes(node)?;
        state.remove(path, node)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.begin(Call::Remove, path)?;
        let node = state.live.find(path)?;
        if !state.live.names(node)?.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        state.remove(path, node)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut guard = self.state();
        let state = &mut *guard;
        state.check_power()?;
        let dir = state.live.find(path);
        if let Err(e) = state.begin(Call::SyncDir, path) {
            dir.into_iter().for_each(|dir| state.journal.abandon_dir(dir));
            return Err(e);
        }
        let dir = dir?;
        state.mutate(Call::SyncDir, path, 0, 0);
        state.check_power()?;
        match state.ignores_sync() {
            true => state.journal.leave_out_dir(dir),
            false => state.journal.sync_dir(dir, &mut state.durable),
        }
        Ok(())
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<Option<u64>> {
        let mut state = self.state();
        state.begin(Call::Metadata, dir)?;
        state.live.find(dir)?;
        Ok(state.capacity.map(|capacity| capacity.saturating_sub(state.live.used_bytes())))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        let mut state = self.state();
        state.begin(Call::Lock, path)?;
        let inode = match state.live.find(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => state.create_file(Call::Lock, path)?,
            found => found?,
        };
        state.live.bytes(inode)?;
        if !state.locked.insert(inode) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimLock { fs: self.clone(), inode }))
    }
}

/// A lock on this machine; the machine after a crash knows nothing of it.
#[derive(Debug)]
struct SimLock {
    fs: SimFs,
    inode: Inode,
}

impl Lock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.fs.state().locked.remove(&self.inode);
    }
}

impl State {
    fn create_file(&mut self, call: Call, path: &Path) -> io::Result<Inode> {
        let (dir, name) = self.live.find_parent(path)?;
        self.mutate(call, path, 0, 0);
        let inode = self.create(dir, name, false, path);
        self.check_power()?;
        Ok(inode)
    }

    fn create(&mut self, dir: Inode, name: String, is_dir: bool, path: &Path) -> Inode {
        let node = self.new_inode();
        self.change(Change::Link { dir, name, node, is_dir }, path);
        node
    }

    fn remove(&mut self, path: &Path, node: Inode) -> io::Result<()> {
        let (dir, name) = self.live.find_parent(path)?;
        self.mutate(Call::Remove, path, 0, 0);
        self.change(Change::Unlink { dir, name, node }, path);
        self.check_power()
    }

    fn check_replaceable(&self, by_dir: bool, replaced: Inode) -> io::Result<()> {
        match (by_dir, self.live.node(replaced)?) {
            (false, Node::File { .. }) => Ok(()),
            (false, Node::Dir { .. }) => Err(io::ErrorKind::IsADirectory.into()),
            (true, Node::File { .. }) => Err(io::ErrorKind::NotADirectory.into()),
            (true, Node::Dir { names }) if names.is_empty() => Ok(()),
            (true, Node::Dir { .. }) => Err(io::ErrorKind::DirectoryNotEmpty.into()),
        }
    }
}
