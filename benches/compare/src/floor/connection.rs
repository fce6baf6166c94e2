//! One connection: requests in, answers out, in order.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ottla_record::verify_crc;

use super::send::{FetchPath, Sender};
use super::topics::{Topic, Topics};
use crate::wire::{
    ALL, API_VERSIONS, CREATE_TOPICS, DELETE_TOPICS, FETCH, LIST_OFFSETS, METADATA, PRODUCE, Reader, Writer,
};

const MAX_FRAME_BYTES: usize = 16 << 20;
/// What is read beyond the frame in hand: many small requests at once, but little of the next large one, since that
/// part has to be moved to the front of the buffer.
const READ_AHEAD_BYTES: usize = 4096;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const EARLIEST_TIMESTAMP: i64 = -2;

pub fn serve(stream: TcpStream, topics: &Topics, default_path: FetchPath) -> Result<()> {
    let mut inbox = Inbox { buffer: vec![0; READ_AHEAD_BYTES], start: 0, end: 0 };
    let mut connection =
        Connection { stream, topics, default_path, topic: None, out: Vec::new(), sender: Sender::default() };
    loop {
        while let Some(frame) = inbox.next_frame()? {
            connection.answer(&mut inbox.buffer[frame])?;
        }
        connection.flush()?;
        if !inbox.fill(&mut connection.stream)? {
            return Ok(());
        }
    }
}

/// Received bytes that are not answered yet.
struct Inbox {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inbox {
    /// The next whole frame, without its length field.
    fn next_frame(&mut self) -> Result<Option<Range<usize>>> {
        let Some(frame_bytes) = self.frame_bytes() else { return Ok(None) };
        ensure!(frame_bytes <= MAX_FRAME_BYTES, "a frame of {frame_bytes} bytes");
        if self.end - self.start < frame_bytes {
            return Ok(None);
        }
        let frame = self.start + 4..self.start + frame_bytes;
        self.start = frame.end;
        Ok(Some(frame))
    }

    /// The size of the frame at the front, its length field included, once that has arrived.
    fn frame_bytes(&self) -> Option<usize> {
        let len = self.buffer[self.start..self.end].first_chunk()?;
        Some(u32::from_be_bytes(*len) as usize + 4)
    }

    /// Reads what there is, at most the rest of the frame and a little more; `false` at the end of the stream.
    fn fill(&mut self, stream: &mut TcpStream) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let limit = self.frame_bytes().unwrap_or(0) + READ_AHEAD_BYTES;
        if self.buffer.len() < limit {
            self.buffer.resize(limit, 0);
        }
        let read = stream.read(&mut self.buffer[self.end..limit])?;
        self.end += read;
        Ok(read > 0)
    }
}

struct Connection<'a> {
    stream: TcpStream,
    topics: &'a Topics,
    default_path: FetchPath,
    /// The topic of the last request: a load asks for one topic again and again.
    topic: Option<Arc<Topic>>,
    /// Answers that leave together, when no further whole request is there.
    out: Vec<u8>,
    sender: Sender,
}

impl Connection<'_> {
    fn answer(&mut self, frame: &mut [u8]) -> Result<()> {
        let mut reader = Reader(frame);
        let (key, version) = (reader.i16()?, reader.i16()?);
        let Some(api) = ALL.into_iter().find(|api| (api.key, api.version) == (key, version)) else {
            bail!("API {key} version {version} is not spoken here");
        };
        let correlation_id = reader.i32()?;
        let client_id = reader.string()?;
        let path =
            client_id.strip_prefix("fetch-path=").and_then(FetchPath::named).unwrap_or(self.default_path);
        let body = frame.len() - reader.0.len();
        let body = &mut frame[body..];
        match api {
            PRODUCE => self.produce(correlation_id, body),
            FETCH => self.fetch(correlation_id, body, path),
            API_VERSIONS => self.api_versions(correlation_id),
            METADATA => self.metadata(correlation_id, body),
            LIST_OFFSETS => self.list_offsets(correlation_id, body),
            CREATE_TOPICS => self.create_topic(correlation_id, body),
            DELETE_TOPICS => self.delete_topic(correlation_id, body),
            _ => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            self.stream.write_all(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }

    fn produce(&mut self, correlation_id: i32, body: &mut [u8]) -> Result<()> {
        let mut reader = Reader(body);
        reader.string()?;
        let acks = reader.i16()?;
        reader.bytes(8)?;
        let topic = self.topic(reader.string()?)?;
        reader.bytes(8)?;
        let len = usize::try_from(reader.i32()?)?;
        ensure!(reader.0.len() == len, "one batch for one partition is taken");
        let batch = body.len() - len;
        let batch = &mut body[batch..];
        let head = verify_crc(batch).context("no whole record batch")?;
        let base_offset = topic.append(batch, head)?;
        if acks != 0 {
            framed(&mut self.out, correlation_id, 0, |out| {
                out.i32(1).string(&topic.name).i32(1);
                out.i32(0).i16(0).i64(base_offset).i64(-1).i64(0);
                out.i32(0);
            });
        }
        Ok(())
    }

    fn fetch(&mut self, correlation_id: i32, body: &[u8], path: FetchPath) -> Result<()> {
        let mut reader = Reader(body);
        reader.i32()?;
        let max_wait = Duration::from_millis(u64::try_from(reader.i32()?).unwrap_or(0));
        reader.bytes(4 + 4 + 1 + 4 + 4 + 4)?;
        let topic = self.topic(reader.string()?)?;
        reader.bytes(4 + 4 + 4)?;
        let offset = reader.i64()?;
        reader.i64()?;
        let max_bytes = usize::try_from(reader.i32()?)?;
        let range = topic.range(offset, max_bytes, max_wait).context("no such offset")?;
        framed(&mut self.out, correlation_id, range.len, |out| {
            out.i32(0).i16(0).i32(0).i32(1).string(&topic.name).i32(1);
            out.i32(0).i16(0).i64(range.end_offset).i64(range.end_offset).i64(0).i32(-1);
            out.i32(range.len as i32);
        });
        Ok(self.sender.send(&mut self.stream, &mut self.out, &topic, range, path)?)
    }

    fn api_versions(&mut self, correlation_id: i32) -> Result<()> {
        framed(&mut self.out, correlation_id, 0, |out| {
            out.i16(0).i32(ALL.len() as i32);
            for api in ALL {
                out.i16(api.key).i16(api.version).i16(api.version);
            }
        });
        Ok(())
    }

    /// One broker, this one, leads the one partition of every topic.
    fn metadata(&mut self, correlation_id: i32, body: &[u8]) -> Result<()> {
        let mut reader = Reader(body);
        ensure!(reader.i32()? == 1, "one topic is told of at a time");
        let name = reader.string()?;
        let addr = self.stream.local_addr()?;
        let error_code = if self.topics.get(name).is_some() { 0 } else { UNKNOWN_TOPIC_OR_PARTITION };
        framed(&mut self.out, correlation_id, 0, |out| {
            out.i32(0).i32(1).i32(1).string(&addr.ip().to_string()).i32(i32::from(addr.port())).i16(-1);
            out.i16(-1).i32(1);
            out.i32(1).i16(error_code).string(name).i8(0).i32(1);
            out.i16(0).i32(0).i32(1).i32(1).i32(1).i32(1).i32(1);
        });
        Ok(())
    }

    fn list_offsets(&mut self, correlation_id: i32, body: &[u8]) -> Result<()> {
        let mut reader = Reader(body);
        reader.bytes(4 + 1 + 4)?;
        let topic = self.topic(reader.string()?)?;
        reader.bytes(4 + 4)?;
        let offset = if reader.i64()? == EARLIEST_TIMESTAMP { 0 } else { topic.end_offset() };
        framed(&mut self.out, correlation_id, 0, |out| {
            out.i32(0).i32(1).string(&topic.name).i32(1);
            out.i32(0).i16(0).i64(-1).i64(offset);
        });
        Ok(())
    }

    fn create_topic(&mut self, correlation_id: i32, body: &[u8]) -> Result<()> {
        let mut reader = Reader(body);
        reader.i32()?;
        let name = reader.string()?;
        self.topics.create(name)?;
        framed(&mut self.out, correlation_id, 0, |out| {
            out.i32(0).i32(1).string(name).i16(0).i16(-1);
        });
        Ok(())
    }

    fn delete_topic(&mut self, correlation_id: i32, body: &[u8]) -> Result<()> {
        let mut reader = Reader(body);
        reader.i32()?;
        let name = reader.string()?;
        self.topics.delete(name)?;
        framed(&mut self.out, correlation_id, 0, |out| {
            out.i32(0).i32(1).string(name).i16(0);
        });
        Ok(())
    }

    fn topic(&mut self, name: &str) -> Result<Arc<Topic>> {
        if let Some(topic) = self.topic.as_ref().filter(|topic| topic.name == name) {
            return Ok(Arc::clone(topic));
        }
        let topic = self.topics.get(name).with_context(|| format!("no topic {name}"))?;
        self.topic = Some(Arc::clone(&topic));
        Ok(topic)
    }
}

/// Appends one response: length, correlation id, and what `body` writes; `following` bytes come behind it from elsewhere.
fn framed(out: &mut Vec<u8>, correlation_id: i32, following: usize, body: impl FnOnce(&mut Writer<'_>)) {
    let start = out.len();
    out.extend([0; 4]);
    let mut writer = Writer(out);
    writer.i32(correlation_id);
    body(&mut writer);
    let len = (out.len() - start - 4 + following) as i32;
    out[start..start + 4].copy_from_slice(&len.to_be_bytes());
}
