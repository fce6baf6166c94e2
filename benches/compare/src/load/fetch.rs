//! Reads one partition from its first offset to its end, again and again, one request at a time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use nix::sys::socket::{MsgFlags, recv};
use ottla_record::{HEAD_PEEK_LEN, Head};

use super::CLIENT_ID;
use crate::wire::{FetchBounds, FetchHead, fetch};

/// A server that says nothing for so long is taken for stuck.
const SILENCE: Duration = Duration::from_secs(60);

/// Where the bytes of a fetch go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Receiver {
    /// Into a buffer, as with any client.
    Copy,
    /// Nowhere: the kernel drops them (MSG_TRUNC), so that a slow reader does not bound the server.
    Discard,
}

/// A log of batches that are all alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub batch_bytes: usize,
    pub records_a_batch: i64,
    pub batches: i64,
}

impl Shape {
    /// Looks at the first batch and the end of a log whose batches are alike.
    pub fn of(addr: SocketAddr, topic: &str) -> Result<Self> {
        let mut incoming = Incoming::connect(addr, CLIENT_ID, topic, 1 << 20, Receiver::Copy)?;
        let bounds = FetchBounds { offset: 0, max_bytes: 1 << 20, max_wait_ms: 0 };
        let (answer, first) = incoming.fetch(CLIENT_ID, topic, bounds)?;
        let records_a_batch = first.last_offset() - first.base_offset() + 1;
        let batches = answer.high_watermark / records_a_batch;
        Ok(Self { batch_bytes: first.size_bytes(), records_a_batch, batches })
    }

    pub fn end_offset(self) -> i64 {
        self.batches * self.records_a_batch
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Fetch<'a> {
    pub addr: SocketAddr,
    pub client_id: &'a str,
    pub topic: &'a str,
    pub shape: Shape,
    pub max_bytes: usize,
    /// Stops after the answer that reaches this.
    pub total_bytes: u64,
    pub receiver: Receiver,
}

/// Bytes of whole batches, and the time they took.
#[derive(Debug, Clone, Copy)]
pub struct Fetched {
    pub bytes: u64,
    pub elapsed: Duration,
}

impl Fetch<'_> {
    pub fn run(&self) -> Result<Fetched> {
        let mut incoming =
            Incoming::connect(self.addr, self.client_id, self.topic, self.max_bytes, self.receiver)?;
        let start = Instant::now();
        let (mut bytes, mut offset) = (0, 0);
        while bytes < self.total_bytes {
            let batches = self.once(&mut incoming, offset)?;
            bytes += batches as u64 * self.shape.batch_bytes as u64;
            offset += batches * self.shape.records_a_batch;
            if offset == self.shape.end_offset() {
                offset = 0;
            }
        }
        Ok(Fetched { bytes, elapsed: start.elapsed() })
    }

    /// One request; returns how many whole batches came, after a look at where the first one begins.
    fn once(&self, incoming: &mut Incoming, offset: i64) -> Result<i64> {
        let bounds = FetchBounds { offset, max_bytes: self.max_bytes, max_wait_ms: 500 };
        let (head, first) = incoming.fetch(self.client_id, self.topic, bounds)?;
        let base_offset = first.base_offset().get();
        ensure!(base_offset == offset, "offset {base_offset} came where {offset} was asked for");
        let batches = (head.records_len / self.shape.batch_bytes) as i64;
        ensure!(batches > 0, "no whole batch came for offset {offset}");
        Ok(batches)
    }
}

struct Incoming {
    stream: TcpStream,
    correlation_id: i32,
    buffer: Vec<u8>,
    /// How much of a frame is looked at: the head of the answer and that of the first batch.
    kept: usize,
    receiver: Receiver,
}

impl Incoming {
    fn connect(
        addr: SocketAddr,
        client_id: &str,
        topic: &str,
        max_bytes: usize,
        receiver: Receiver,
    ) -> Result<Self> {
        let stream =
            TcpStream::connect(addr).with_context(|| format!("connecting to {addr} as {client_id}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        let head = FetchHead::len(topic);
        Ok(Self {
            stream,
            correlation_id: 0,
            buffer: vec![0; (4 + head + max_bytes).max(1 << 20)],
            kept: head + HEAD_PEEK_LEN,
            receiver,
        })
    }

    /// One request: the head of its answer, and that of the first batch in it.
    fn fetch(&mut self, client_id: &str, topic: &str, bounds: FetchBounds) -> Result<(FetchHead, Head)> {
        self.correlation_id += 1;
        let (correlation_id, offset) = (self.correlation_id, bounds.offset);
        self.stream.write_all(&fetch(client_id, topic, correlation_id, bounds))?;
        let frame = self.receive()?;
        let head = FetchHead::parse(frame, correlation_id)?;
        ensure!(head.error_code == 0, "fetch at {offset} failed with error code {}", head.error_code);
        let first = frame.get(FetchHead::len(topic)..).and_then(|first| Head::parse(first).ok());
        Ok((head, first.with_context(|| format!("no batch came for offset {offset}"))?))
    }

    /// One frame from its correlation id on; a discarding receiver returns its kept part only.
    fn receive(&mut self) -> Result<&[u8]> {
        let mut filled = self.read_at_least(0, 4)?;
        let frame_len = self.buffer.first_chunk().map_or(0, |len| u32::from_be_bytes(*len)) as usize;
        let total = 4 + frame_len;
        if self.buffer.len() < total && self.receiver == Receiver::Copy {
            self.buffer.resize(total, 0);
        }
        let wanted = match self.receiver {
            Receiver::Copy => total,
            Receiver::Discard => total.min(4 + self.kept),
        };
        if filled < wanted {
            filled = self.read_at_least(filled, wanted)?;
        }
        ensure!(filled <= total, "more came than was asked for");
        self.discard(total - filled)?;
        Ok(&self.buffer[4..wanted])
    }

    fn read_at_least(&mut self, mut filled: usize, wanted: usize) -> Result<usize> {
        let limit = match self.receiver {
            Receiver::Copy => self.buffer.len(),
            Receiver::Discard => wanted,
        };
        while filled < wanted {
            let read = self.stream.read(&mut self.buffer[filled..limit]).context("no answer to a fetch")?;
            ensure!(read > 0, "the server closed the connection");
            filled += read;
        }
        Ok(filled)
    }

    fn discard(&mut self, mut left: usize) -> Result<()> {
        let socket = self.stream.as_raw_fd();
        while left > 0 {
            let len = left.min(self.buffer.len());
            // The kernel drops the bytes and leaves the buffer, and so the kept head, as it is.
            let dropped = recv(socket, &mut self.buffer[..len], MsgFlags::MSG_TRUNC)?;
            ensure!(dropped > 0, "the server closed the connection");
            left -= dropped;
        }
        Ok(())
    }
}
