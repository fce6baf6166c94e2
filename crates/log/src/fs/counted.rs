//! For tests: a file in memory that remembers what was read of it.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use super::File;
use crate::sync::Mutex;

#[derive(Debug, Default)]
pub(crate) struct Counted {
    bytes: Mutex<Vec<u8>>,
    reads: Mutex<Vec<(u64, usize)>>,
}

impl Counted {
    pub(crate) fn of(bytes: &[u8]) -> Arc<Counted> {
        Arc::new(Counted { bytes: Mutex::new(bytes.to_vec()), reads: Mutex::default() })
    }

    /// Where something was read since this was asked last, and how much.
    pub(crate) fn reads(&self) -> Vec<(u64, usize)> {
        std::mem::take(&mut *self.reads.lock().unwrap())
    }
}

impl File for Counted {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        self.reads.lock().unwrap().push((position, buf.len()));
        let bytes = self.bytes.lock().unwrap();
        let found = bytes.get(position as usize..).unwrap_or_default();
        let count = found.len().min(buf.len());
        buf[..count].copy_from_slice(&found[..count]);
        Ok(count)
    }

    fn write_all_at(&self, buf: &[u8], position: u64) -> io::Result<()> {
        let mut bytes = self.bytes.lock().unwrap();
        let (start, end) = (position as usize, position as usize + buf.len());
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[start..end].copy_from_slice(buf);
        Ok(())
    }

    fn write_all_vectored_at(&self, bufs: &mut [IoSlice<'_>], position: u64) -> io::Result<()> {
        let whole: Vec<u8> = bufs.iter().flat_map(|piece| piece.iter().copied()).collect();
        self.write_all_at(&whole, position)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().resize(len as usize, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
