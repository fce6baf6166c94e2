//! A connection, and the requests that a load makes before and after its work.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::CLIENT_ID;
use crate::wire::{
    ALL, API_VERSIONS, Api, CREATE_TOPICS, DELETE_TOPICS, FetchBounds, FetchHead, Reader, Writer, fetch,
    request,
};

/// A server that says nothing for so long is taken for stuck.
const SILENCE: Duration = Duration::from_secs(60);
const TOPIC_TIMEOUT: Duration = Duration::from_secs(30);
const INVALID_CONFIG: i16 = 40;
const TOPIC_ALREADY_EXISTS: i16 = 36;

pub struct Client {
    pub stream: TcpStream,
    pub client_id: String,
    correlation_id: i32,
}

impl Client {
    pub fn connect(addr: SocketAddr) -> Result<Self> {
        Self::connect_as(addr, CLIENT_ID)
    }

    pub fn connect_as(addr: SocketAddr, client_id: &str) -> Result<Self> {
        let stream = TcpStream::connect(addr).with_context(|| format!("connecting to {addr}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        Ok(Self { stream, client_id: client_id.to_owned(), correlation_id: 0 })
    }

    /// The same connection for a second thread: one of the two sends, the other receives.
    pub fn try_clone(&self) -> Result<Self> {
        Ok(Self { stream: self.stream.try_clone()?, client_id: self.client_id.clone(), correlation_id: 0 })
    }

    /// Fails when the server does not speak the versions that the loads speak.
    pub fn check_versions(&mut self) -> Result<()> {
        let answer = self.call(API_VERSIONS, |_| {})?;
        let mut reader = Reader(&answer);
        ensure!(reader.i16()? == 0, "ApiVersions failed");
        let mut offered = Vec::new();
        for _ in 0..reader.i32()? {
            offered.push((reader.i16()?, reader.i16()?..=reader.i16()?));
        }
        for api in ALL {
            let spoken = offered.iter().any(|(key, range)| *key == api.key && range.contains(&api.version));
            ensure!(spoken, "the server does not speak {} version {}", api.name, api.version);
        }
        Ok(())
    }

    /// Creates a topic of one partition and waits until it can be read.
    ///
    /// Deleted files are to go at once, so that a run needs little disk; a server without that setting keeps its own.
    pub fn create_topic(&mut self, topic: &str, configs: &[(&str, &str)]) -> Result<()> {
        let hasty = [configs, &[("file.delete.delay.ms", "1000")]].concat();
        let error_code = match self.try_create_topic(topic, &hasty)? {
            INVALID_CONFIG => self.try_create_topic(topic, configs)?,
            error_code => error_code,
        };
        // An earlier request of ours may have run into its time limit and yet be carried out.
        ensure!(
            matches!(error_code, 0 | TOPIC_ALREADY_EXISTS),
            "creating {topic} failed: error code {error_code}"
        );
        self.wait_until_readable(topic)
    }

    pub fn delete_topic(&mut self, topic: &str) -> Result<()> {
        let answer = self.call(DELETE_TOPICS, |body| {
            body.i32(1).string(topic).i32(30_000);
        })?;
        let error_code = topic_error(&answer)?;
        ensure!(error_code == 0, "deleting {topic} failed: error code {error_code}");
        Ok(())
    }

    /// Fetches once and returns the answer's head; records that came with it stay in `frame` behind the head.
    pub fn fetch(&mut self, topic: &str, bounds: FetchBounds, frame: &mut Vec<u8>) -> Result<FetchHead> {
        let correlation_id = self.next_correlation_id();
        self.stream.write_all(&fetch(&self.client_id, topic, correlation_id, bounds))?;
        self.read_frame(frame)?;
        FetchHead::parse(frame, correlation_id)
    }

    /// One request and its answer, without the correlation id.
    pub fn call(&mut self, api: Api, body: impl FnOnce(&mut Writer<'_>)) -> Result<Vec<u8>> {
        let correlation_id = self.next_correlation_id();
        self.stream.write_all(&request(api, correlation_id, &self.client_id, body))?;
        let mut frame = Vec::new();
        self.read_frame(&mut frame)?;
        let answered = Reader(&frame).i32()?;
        ensure!(answered == correlation_id, "{} {correlation_id} answered as {answered}", api.name);
        Ok(frame.split_off(4))
    }

    pub fn next_correlation_id(&mut self) -> i32 {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        self.correlation_id
    }

    fn read_frame(&mut self, frame: &mut Vec<u8>) -> Result<()> {
        let mut len = [0; 4];
        self.stream.read_exact(&mut len).context("the server closed the connection, or said nothing")?;
        frame.resize(u32::from_be_bytes(len) as usize, 0);
        self.stream.read_exact(frame)?;
        Ok(())
    }

    fn try_create_topic(&mut self, topic: &str, configs: &[(&str, &str)]) -> Result<i16> {
        let answer = self.call(CREATE_TOPICS, |body| {
            body.i32(1).string(topic).i32(1).i16(1).i32(0).i32(configs.len() as i32);
            for (name, value) in configs {
                body.string(name).string(value);
            }
            body.i32(30_000).i8(0);
        })?;
        topic_error(&answer)
    }

    fn wait_until_readable(&mut self, topic: &str) -> Result<()> {
        let deadline = Instant::now() + TOPIC_TIMEOUT;
        let mut frame = Vec::new();
        loop {
            let bounds = FetchBounds { offset: 0, max_bytes: 1, max_wait_ms: 0 };
            match self.fetch(topic, bounds, &mut frame)?.error_code {
                0 => return Ok(()),
                error_code if Instant::now() > deadline => {
                    bail!("{topic} cannot be read: error code {error_code}")
                }
                _ => thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

/// The error code of the one topic in an answer that begins with a throttle time.
fn topic_error(answer: &[u8]) -> Result<i16> {
    let mut reader = Reader(answer);
    reader.i32()?;
    ensure!(reader.i32()? == 1, "one topic was asked for");
    reader.string()?;
    reader.i16()
}
