//! `pread`, encrypt, `writev`: what a server does that has TLS in the process.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::FileExt;

use rustls::ServerConnection;

use super::pair::Pair;
use crate::claims::error::{Unmeasured, doing};
use crate::claims::paths::way::{Job, Way};

pub struct ProcessTls {
    connection: ServerConnection,
    buffer: Vec<u8>,
}

impl ProcessTls {
    pub fn new(pair: &Pair, socket: &TcpStream, chunk_bytes: usize) -> Result<Self, Unmeasured> {
        let mut connection = pair.shake_hands(socket).map_err(doing("the sender's handshake"))?;
        connection.set_buffer_limit(None);
        Ok(Self { connection, buffer: vec![0; chunk_bytes] })
    }
}

impl Way for ProcessTls {
    fn send(&mut self, job: &Job<'_>) -> Result<u64, Unmeasured> {
        let mut socket = job.socket;
        let mut calls = 0;
        for (start, size) in job.chunks() {
            let chunk = self.buffer.get_mut(..size).unwrap_or_default();
            job.file.read_exact_at(chunk, start).map_err(doing("pread"))?;
            calls += 1;
            self.connection.writer().write_all(chunk).map_err(doing("encrypting"))?;
            while self.connection.wants_write() {
                self.connection.write_tls(&mut socket).map_err(doing("write to the socket"))?;
                calls += 1;
            }
        }
        Ok(calls)
    }
}
