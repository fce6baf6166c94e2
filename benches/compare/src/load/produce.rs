//! Closed loop: a fixed number of requests in flight on each connection, as fast as the answers come.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use super::CLIENT_ID;
use super::client::Client;
use crate::batch::Batch;
use crate::wire::{API_VERSIONS, CORRELATION_ID_AT, produce, produced};

/// Requests smaller than this leave several at a time, in one write.
const JOIN_BELOW_BYTES: usize = 16 << 10;

#[derive(Clone, Copy)]
pub struct Produce<'a> {
    pub addr: SocketAddr,
    pub topic: &'a str,
    pub batch: &'a Batch,
    /// Requests on each connection, one batch each.
    pub requests: u64,
    pub connections: usize,
    pub in_flight: u64,
    /// 0, 1 or -1.
    pub acks: i16,
    /// What the first batch is to get; held against the answers where there is one connection.
    pub first_offset: i64,
}

impl<'a> Produce<'a> {
    /// One batch on an empty topic.
    pub fn new(addr: SocketAddr, topic: &'a str, batch: &'a Batch) -> Self {
        Self { addr, topic, batch, requests: 1, connections: 1, in_flight: 5, acks: 1, first_offset: 0 }
    }

    /// Sends everything, checks every answer, and returns the time it took.
    pub fn run(&self) -> Result<Duration> {
        let ready = Barrier::new(self.connections + 1);
        thread::scope(|scope| {
            let connections: Vec<_> =
                (0..self.connections).map(|_| scope.spawn(|| self.run_connection(&ready))).collect();
            ready.wait();
            let start = Instant::now();
            for connection in connections {
                connection.join().map_err(|_| anyhow!("a producing thread panicked"))??;
            }
            Ok(start.elapsed())
        })
    }

    pub fn total_bytes(&self) -> u64 {
        self.requests * self.connections as u64 * self.batch.size_bytes() as u64
    }

    fn run_connection(&self, ready: &Barrier) -> Result<()> {
        // Whoever waits at the barrier must not wait for a connection that failed.
        let client = Client::connect(self.addr);
        ready.wait();
        let mut client = client?;
        let mut window = Window {
            frame: produce(CLIENT_ID, self.topic, self.acks, &self.batch.bytes),
            outbox: Vec::new(),
            answers: Answers::new(),
            sent: 0,
            answered: 0,
            last_offset: -1,
        };
        if self.acks == 0 {
            window.send(&mut client, self.requests)?;
            // Requests of one connection are handled in order: this answer follows the last batch.
            return client.call(API_VERSIONS, |_| {}).map(drop);
        }
        // Offsets are consecutive where nobody else writes.
        let alone = self.connections == 1;
        let due = |nth: u64| alone.then(|| self.first_offset + nth as i64 * self.batch.record_count);
        while window.answered < self.requests {
            let room = self.in_flight - (window.sent - window.answered);
            window.send(&mut client, room.min(self.requests - window.sent))?;
            window.receive(&mut client, due)?;
        }
        Ok(())
    }
}

struct Window {
    frame: Vec<u8>,
    outbox: Vec<u8>,
    answers: Answers,
    sent: u64,
    answered: u64,
    last_offset: i64,
}

impl Window {
    fn send(&mut self, client: &mut Client, count: u64) -> Result<()> {
        for _ in 0..count {
            self.frame[CORRELATION_ID_AT].copy_from_slice(&(self.sent as i32).to_be_bytes());
            self.sent += 1;
            if self.frame.len() >= JOIN_BELOW_BYTES {
                client.stream.write_all(&self.frame)?;
                continue;
            }
            self.outbox.extend_from_slice(&self.frame);
            if self.outbox.len() >= JOIN_BELOW_BYTES {
                client.stream.write_all(&self.outbox)?;
                self.outbox.clear();
            }
        }
        if !self.outbox.is_empty() {
            client.stream.write_all(&self.outbox)?;
            self.outbox.clear();
        }
        Ok(())
    }

    /// Waits for at least some bytes and takes every whole answer among them.
    fn receive(&mut self, client: &mut Client, due: impl Fn(u64) -> Option<i64>) -> Result<()> {
        let Self { answers, answered, last_offset, .. } = self;
        answers.receive(client, |frame| {
            let base_offset = produced(frame, *answered as i32)?;
            match due(*answered) {
                Some(due) => ensure!(base_offset == due, "base offset {base_offset} where {due} was due"),
                None => ensure!(base_offset > *last_offset, "base offset {base_offset} after {last_offset}"),
            }
            *answered += 1;
            *last_offset = base_offset;
            Ok(())
        })
    }
}

/// Received bytes of answers that are small, and come several at a time.
pub struct Answers {
    buffer: Vec<u8>,
    len: usize,
}

impl Answers {
    pub fn new() -> Self {
        Self { buffer: vec![0; 64 << 10], len: 0 }
    }

    /// One read; `each` gets every answer that is whole then, from its correlation id on.
    pub fn receive(&mut self, client: &mut Client, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let read = client.stream.read(&mut self.buffer[self.len..]).context("no answer to a produce")?;
        ensure!(read > 0, "the server closed the connection");
        self.len += read;
        let mut start = 0;
        while let Some(len) = self.buffer[start..self.len].first_chunk() {
            let end = start + 4 + u32::from_be_bytes(*len) as usize;
            if end > self.len {
                break;
            }
            each(&self.buffer[start + 4..end])?;
            start = end;
        }
        self.buffer.copy_within(start..self.len, 0);
        self.len -= start;
        Ok(())
    }
}
