//! What every path can do, and how one is made.

use std::fs::File;
use std::net::TcpStream;

use super::keys::Keys;
use super::path::Path;
use super::{map_write, read_write, sendfile, splice};
use crate::claims::error::Unmeasured;

/// What is to be sent, and where.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// From its start.
    pub file: &'a File,
    /// All of it.
    pub size_bytes: u64,
    /// In pieces of this size.
    pub chunk_bytes: usize,
    /// A connected socket.
    pub socket: &'a TcpStream,
}

/// A path with its buffers, pipes or keys.
pub trait Way {
    /// Sends the whole file, and says how many system calls that took.
    ///
    /// # Errors
    /// A reason to skip the path, or to end the run.
    fn send(&mut self, job: &Job<'_>) -> Result<u64, Unmeasured>;
}

/// Makes ready what is not to be measured. Under TLS this is the handshake, to which the other end must answer meanwhile.
///
/// # Errors
/// A reason to skip the path, or to end the run.
pub fn prepare(
    path: Path,
    chunk_bytes: usize,
    socket: &TcpStream,
    keys: &Keys,
) -> Result<Box<dyn Way>, Unmeasured> {
    Ok(match path {
        Path::ReadWrite => Box::new(read_write::ReadWrite::new(chunk_bytes)),
        Path::MapWrite => Box::new(map_write::MapWrite),
        Path::Sendfile => Box::new(sendfile::Sendfile),
        Path::Splice => Box::new(splice::Splice::new(chunk_bytes)?),
        #[cfg(feature = "io-uring")]
        Path::IoUring => Box::new(super::uring::Uring::new(chunk_bytes)?),
        #[cfg(not(feature = "io-uring"))]
        Path::IoUring => return Err(Unmeasured::Skipped("built without the feature `io-uring`".to_owned())),
        Path::Tls | Path::KernelTls => keys.prepare(path, chunk_bytes, socket)?,
    })
}

impl Job<'_> {
    /// The pieces: where each begins, and how long it is.
    pub fn chunks(&self) -> impl Iterator<Item = (u64, usize)> {
        let (size_bytes, chunk_bytes) = (self.size_bytes, self.chunk_bytes.max(1));
        let starts = (0..size_bytes).step_by(chunk_bytes);
        starts.map(move |start| {
            (start, usize::try_from(size_bytes - start).unwrap_or(chunk_bytes).min(chunk_bytes))
        })
    }
}
