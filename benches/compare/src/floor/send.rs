//! Three ways from a file to a socket; the fastest of a run is the floor of that run.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use clap::ValueEnum;
use memmap2::Mmap;
use nix::libc;
use nix::sys::sendfile::sendfile64;
use nix::sys::socket::{MsgFlags, send};

use super::topics::{Range, Topic};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FetchPath {
    /// The head with MSG_MORE, then sendfile.
    Sendfile,
    /// pread behind the head into a reused buffer, then one write.
    Pread,
    /// The head with MSG_MORE, then a write from a mapping of the file.
    Mmap,
}

impl FetchPath {
    pub const ALL: [Self; 3] = [Self::Sendfile, Self::Pread, Self::Mmap];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|path| path.to_string() == name)
    }
}

impl std::fmt::Display for FetchPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sendfile => "sendfile",
            Self::Pread => "pread",
            Self::Mmap => "mmap",
        })
    }
}

/// What one connection keeps between two fetches: a buffer, or the mapping of the topic it reads.
#[derive(Default)]
pub struct Sender {
    buffer: Vec<u8>,
    mapping: Option<(Arc<Topic>, Mmap)>,
}

impl Sender {
    /// Sends `head` and the range of the topic's file behind it; `head` is empty afterwards.
    pub fn send(
        &mut self,
        stream: &mut TcpStream,
        head: &mut Vec<u8>,
        topic: &Arc<Topic>,
        range: Range,
        path: FetchPath,
    ) -> io::Result<()> {
        match path {
            _ if range.len == 0 => stream.write_all(head)?,
            FetchPath::Sendfile => {
                send_more(stream, head)?;
                send_range(stream, &topic.file, range)?;
            }
            FetchPath::Pread => {
                let total = head.len() + range.len;
                if self.buffer.len() < total {
                    self.buffer.resize(total, 0);
                }
                self.buffer[..head.len()].copy_from_slice(head);
                topic.file.read_exact_at(&mut self.buffer[head.len()..total], range.position)?;
                stream.write_all(&self.buffer[..total])?;
            }
            FetchPath::Mmap => {
                let mapping = self.mapping_of(topic, range)?;
                let start = range.position as usize;
                send_more(stream, head)?;
                stream.write_all(&mapping[start..start + range.len])?;
            }
        }
        head.clear();
        Ok(())
    }

    /// The kept mapping while it is of this topic and long enough.
    fn mapping_of(&mut self, topic: &Arc<Topic>, range: Range) -> io::Result<&Mmap> {
        let needed = range.position as usize + range.len;
        let fits = |kept: &(Arc<Topic>, Mmap)| Arc::ptr_eq(&kept.0, topic) && kept.1.len() >= needed;
        let kept = match self.mapping.take().filter(fits) {
            Some(kept) => kept,
            // SAFETY: the floor never truncates a file, and only the kernel reads from the mapping.
            None => (Arc::clone(topic), unsafe { Mmap::map(&topic.file) }?),
        };
        Ok(&self.mapping.insert(kept).1)
    }
}

fn send_more(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    let more = MsgFlags::from_bits_retain(libc::MSG_MORE);
    while !bytes.is_empty() {
        let sent = send(stream.as_raw_fd(), bytes, more | MsgFlags::MSG_NOSIGNAL)?;
        bytes = &bytes[sent..];
    }
    Ok(())
}

fn send_range(stream: &TcpStream, file: &File, range: Range) -> io::Result<()> {
    let mut position = range.position as i64;
    let mut left = range.len;
    while left > 0 {
        match sendfile64(stream, file, Some(&mut position), left)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            sent => left -= sent,
        }
    }
    Ok(())
}
