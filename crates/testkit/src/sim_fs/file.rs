//! One open file of a simulated disk.

use std::fmt;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use ottla::fs::File;

use super::SimFs;
use super::change::Change;
use super::disk::Inode;
use super::fault::{Call, Fault};

/// `EBADF`: the handle was opened to read.
const READ_ONLY_HANDLE: Fault = Fault::errno(9);
/// As much as a Linux file system holds in one file, about.
const MAX_POSITION: u64 = 1 << 43;

pub(super) struct SimFile {
    pub(super) fs: SimFs,
    pub(super) inode: Inode,
    /// By this name it was opened.
    pub(super) path: PathBuf,
    pub(super) writable: bool,
}

impl fmt::Debug for SimFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimFile({})", self.path.display())
    }
}

impl SimFile {
    fn check_writable(&self, end: Option<u64>) -> io::Result<()> {
        match end {
            _ if !self.writable => Err(READ_ONLY_HANDLE.error()),
            Some(end) if end <= MAX_POSITION => Ok(()),
            _ => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }
}

impl File for SimFile {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        let mut state = self.fs.state();
        state.check_power()?;
        let fault = state.faults.next(Call::Read, &self.path);
        let most = match fault.map(|fault| fault.read().ok_or(fault)) {
            Some(Err(fault)) => return Err(fault.error()),
            Some(Ok(short)) => short,
            None => state.max_read.unwrap_or(usize::MAX).max(1),
        };
        let bytes = state.live.bytes(self.inode)?;
        let begin = usize::try_from(position).unwrap_or(usize::MAX).min(bytes.len());
        let wanted = buf.len().min(most);
        let found = &bytes[begin..][..wanted.min(bytes.len() - begin)];
        buf[..found.len()].copy_from_slice(found);
        Ok(found.len())
    }

    fn write_all_at(&self, buf: &[u8], position: u64) -> io::Result<()> {
        self.check_writable(position.checked_add(buf.len() as u64))?;
        let mut state = self.fs.state();
        state.check_power()?;
        let fault = state.faults.next(Call::Write, &self.path);
        let len = state.live.bytes(self.inode)?.len() as u64;
        let growth = (position + buf.len() as u64).saturating_sub(len);
        let room = state.room(growth);
        let (written, error) = match fault {
            Some(fault) => (fault.written().min(buf.len()), Some(fault)),
            None if room < growth => {
                let fits = (len + room).saturating_sub(position).min(buf.len() as u64);
                (fits as usize, Some(Fault::ENOSPC))
            }
            None => (buf.len(), None),
        };
        if written > 0 {
            state.mutate(Call::Write, &self.path, position, written);
            let bytes = buf[..written].into();
            state.change(Change::Write { file: self.inode, position, bytes }, &self.path);
            state.check_power()?;
        }
        error.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn write_all_vectored_at(&self, bufs: &mut [IoSlice<'_>], position: u64) -> io::Result<()> {
        let bytes: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
        self.write_all_at(&bytes, position)
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.fs.state();
        state.begin(Call::Len, &self.path)?;
        Ok(state.live.bytes(self.inode)?.len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check_writable(Some(len))?;
        let mut state = self.fs.state();
        state.begin(Call::SetLen, &self.path)?;
        let old = state.live.bytes(self.inode)?.len() as u64;
        if len == old && !state.live.hides_bytes(self.inode) {
            return Ok(());
        }
        if state.room(len.saturating_sub(old)) < len.saturating_sub(old) {
            return Err(Fault::ENOSPC.error());
        }
        state.mutate(Call::SetLen, &self.path, len, 0);
        state.change(Change::SetLen { file: self.inode, len }, &self.path);
        state.check_power()
    }

    fn sync(&self) -> io::Result<()> {
        let mut guard = self.fs.state();
        let state = &mut *guard;
        state.check_power()?;
        if let Err(e) = state.begin(Call::Sync, &self.path) {
            state.journal.abandon_file(self.inode);
            return Err(e);
        }
        state.mutate(Call::Sync, &self.path, 0, 0);
        state.check_power()?;
        match state.ignores_sync() {
            true => state.journal.leave_out_file(self.inode),
            false => state.journal.sync_file(self.inode, &mut state.durable),
        }
        Ok(())
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
