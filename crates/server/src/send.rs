//! From answers to the socket: the only module that sends.
//!
//! An answer consists of parts: bytes that were encoded, and ranges of log files. Large ranges go from the
//! page cache to the socket by `sendfile`, without passing through this process. Small ones are read into
//! a buffer together with the bytes around them and leave in one call, which is cheaper than two.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::sys::sendfile::sendfile64;
use nix::sys::socket::{MsgFlags, send};
use ottla::FileSlice;
use ottla_protocol::wire::{Part, Writer};

/// Below this, a range of a file is read and sent with its head. Measured over loopback: at 4 KiB the two
/// ways cost the same, at 8 KiB `sendfile` takes three quarters of the time, from 32 KiB on half of it.
const COPY_BELOW_BYTES: usize = 8 * 1024;
/// What is put together before it is sent.
const BUFFER_BYTES: usize = 64 * 1024;
/// What is read at once where `sendfile` cannot be used.
const READ_BYTES: usize = 32 * 1024;

/// Why an answer did not leave as a whole. The connection cannot be used any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The client has gone.
    #[error("the client has gone: {0}")]
    Client(#[source] io::Error),
    /// The client takes nothing.
    #[error("the client does not read its answer")]
    Stalled,
    /// The file was promised to be longer than it is, or cannot be read.
    #[error("the log cannot be read: {0}")]
    Storage(#[source] io::Error),
}

/// Sends one connection's answers.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    buffer: Vec<u8>,
}

impl Sender {
    /// Sends all of `answers`, with `slices` in the places of its external parts.
    pub(crate) fn send_all(
        &mut self,
        stream: &TcpStream,
        answers: &Writer,
        slices: &[FileSlice],
    ) -> Result<(), SendError> {
        if slices.is_empty() {
            return send_bytes(stream, answers.bytes(), Next::Nothing);
        }
        self.buffer.clear();
        for part in answers.parts() {
            match part {
                Part::Bytes(range) => self.put(stream, answers.part_bytes(range))?,
                Part::External { index, len } => match slices.get(index) {
                    Some(slice) if slice.len() == len => self.put_slice(stream, slice)?,
                    _ => return Err(SendError::Storage(io::ErrorKind::InvalidData.into())),
                },
            }
        }
        self.flush(stream, Next::Nothing)
    }

    /// Gives memory back.
    pub(crate) fn give_back(&mut self) {
        self.buffer = Vec::new();
    }

    fn put(&mut self, stream: &TcpStream, bytes: &[u8]) -> Result<(), SendError> {
        if self.buffer.len().saturating_add(bytes.len()) > BUFFER_BYTES {
            self.flush(stream, Next::More)?;
        }
        if bytes.len() > BUFFER_BYTES {
            return send_bytes(stream, bytes, Next::More);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn put_slice(&mut self, stream: &TcpStream, slice: &FileSlice) -> Result<(), SendError> {
        if slice.len() < COPY_BELOW_BYTES {
            return self.put_range(stream, slice, 0, slice.len());
        }
        self.flush(stream, Next::More)?;
        let sent = send_file(stream, slice)?;
        // Where the files are not the system's, `sendfile` sends nothing and the bytes are copied.
        let mut done = sent;
        while done < slice.len() {
            let count = (slice.len() - done).min(READ_BYTES);
            self.put_range(stream, slice, done, count)?;
            done += count;
        }
        Ok(())
    }

    /// Reads a range of a slice behind what waits to be sent.
    fn put_range(
        &mut self,
        stream: &TcpStream,
        slice: &FileSlice,
        from: usize,
        count: usize,
    ) -> Result<(), SendError> {
        if self.buffer.len().saturating_add(count) > BUFFER_BYTES {
            self.flush(stream, Next::More)?;
        }
        let start = self.buffer.len();
        self.buffer.resize(start.saturating_add(count), 0);
        let (Some(file), Some(room)) = (slice.file(), self.buffer.get_mut(start..)) else { return Ok(()) };
        file.read_exact_at(room, slice.position().saturating_add(from as u64)).map_err(SendError::Storage)
    }

    fn flush(&mut self, stream: &TcpStream, next: Next) -> Result<(), SendError> {
        send_bytes(stream, &self.buffer, next)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Whether the next call brings more of the same answer, so that the system need not send a packet yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    More,
    Nothing,
}

fn send_bytes(stream: &TcpStream, mut bytes: &[u8], next: Next) -> Result<(), SendError> {
    let flags = match next {
        Next::More => MsgFlags::MSG_NOSIGNAL | MsgFlags::from_bits_retain(nix::libc::MSG_MORE),
        Next::Nothing => MsgFlags::MSG_NOSIGNAL,
    };
    while !bytes.is_empty() {
        match send(stream.as_raw_fd(), bytes, flags) {
            Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Err(SendError::Stalled),
            Err(e) => return Err(SendError::Client(e.into())),
        }
    }
    Ok(())
}

/// Sends the slice by `sendfile` and tells how much went; less than all where its file system cannot.
fn send_file(stream: &TcpStream, slice: &FileSlice) -> Result<usize, SendError> {
    let Some(file) = slice.as_fd() else { return Ok(0) };
    let Ok(mut position) = i64::try_from(slice.position()) else { return Ok(0) };
    let mut sent = 0;
    while sent < slice.len() {
        match sendfile64(stream.as_fd(), file, Some(&mut position), slice.len() - sent) {
            // Published bytes are never cut while a slice holds them: somebody else cut the file.
            Ok(0) => return Err(SendError::Storage(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => sent += count,
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Err(SendError::Stalled),
            Err(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => return Ok(sent),
            Err(e) if is_clients(e) => return Err(SendError::Client(e.into())),
            Err(e) => return Err(SendError::Storage(e.into())),
        }
    }
    Ok(sent)
}

/// `sendfile` reports the failures of both sides: these are the socket's.
fn is_clients(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::EPIPE
            | Errno::ECONNRESET
            | Errno::ECONNABORTED
            | Errno::ENOTCONN
            | Errno::ETIMEDOUT
            | Errno::EHOSTUNREACH
            | Errno::ENETUNREACH
            | Errno::ENETDOWN
    )
}
