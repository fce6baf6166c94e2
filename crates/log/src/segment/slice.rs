use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use crate::fs::File;

/// A range of whole published bytes of one segment: what a read returns, and what `sendfile` sends.
///
/// The slice keeps its file open: the bytes stay readable after retention removed the segment.
#[derive(Clone, Debug)]
pub struct FileSlice {
    file: Option<Arc<dyn File>>,
    position: u64,
    size_bytes: usize,
}

impl FileSlice {
    /// The range of `size_bytes` bytes from `position`.
    pub fn new(file: Arc<dyn File>, position: u64, size_bytes: usize) -> FileSlice {
        FileSlice { file: Some(file), position, size_bytes }
    }

    /// A slice that spans nothing.
    pub fn empty() -> FileSlice {
        FileSlice { file: None, position: 0, size_bytes: 0 }
    }

    /// The position of the first byte in the file.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes the slice spans.
    pub fn len(&self) -> usize {
        self.size_bytes
    }

    /// Whether the slice spans nothing.
    pub fn is_empty(&self) -> bool {
        self.size_bytes == 0
    }

    /// The file; `None` for an empty slice.
    pub fn file(&self) -> Option<&Arc<dyn File>> {
        self.file.as_ref()
    }

    /// The descriptor to hand to `sendfile`; `None` where the file system has none.
    pub fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().and_then(|file| file.as_fd())
    }

    /// Copies the bytes out.
    ///
    /// # Errors
    /// `UnexpectedEof` where somebody cut the file, else as the system reports it.
    pub fn read_all(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_into(&mut bytes)?;
        Ok(bytes)
    }

    /// Copies the bytes into `buf`, in the place of what it holds: one that was as large before is not zeroed first.
    ///
    /// # Errors
    /// As [`FileSlice::read_all`]; `buf` then holds anything.
    pub fn read_into(&self, buf: &mut Vec<u8>) -> io::Result<()> {
        buf.resize(self.size_bytes, 0);
        self.file.as_ref().map_or(Ok(()), |file| file.read_exact_at(buf, self.position))
    }
}
