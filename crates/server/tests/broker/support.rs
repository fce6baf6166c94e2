//! What every test needs: a broker on a free port, a client, and batches.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use ottla_protocol::api::{create_topics, fetch, list_offsets, produce};
use ottla_protocol::wire::{Decode, Encode, List, Writer};
use ottla_protocol::{ErrorCode, Message, Uuid, decode_response, encode_request};
use ottla_record::{BatchBuilder, Head, decode};
use ottla_server::{Server, ServerConfig};
use tempfile::TempDir;

/// A test that waits longer than this has failed.
pub const TOO_LONG: Duration = Duration::from_secs(60);

/// A time at which batches were written.
pub const NOW_MS: i64 = 1_700_000_000_000;

/// A broker and the directory that it owns.
pub struct Broker {
    pub server: Server,
    pub dir: TempDir,
}

pub fn config(dir: &Path) -> ServerConfig {
    ServerConfig { listen: "127.0.0.1:0".to_owned(), ..ServerConfig::new(dir) }
}

/// A broker with default settings.
pub fn broker() -> Broker {
    broker_with(|_| {})
}

/// A broker with settings changed.
pub fn broker_with(change: impl FnOnce(&mut ServerConfig)) -> Broker {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    change(&mut config);
    Broker { server: Server::start(config).unwrap(), dir }
}

impl Broker {
    pub fn address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// A topic made behind the protocol's back.
    pub fn topic(&self, name: &str, partitions: i32) {
        self.topic_with(name, partitions, &[]);
    }

    pub fn topic_with(&self, name: &str, partitions: i32, overrides: &[(&str, &str)]) {
        let overrides =
            overrides.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.server.store().create_topic(name, partitions, &overrides).unwrap();
    }

    pub fn topic_id(&self, name: &str) -> Uuid {
        Uuid::from_bytes(self.server.store().topic(name).unwrap().id.to_bytes())
    }
}

/// One connection.
pub struct Client {
    pub stream: TcpStream,
    correlation_id: i32,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(TOO_LONG)).unwrap();
        stream.set_write_timeout(Some(TOO_LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, correlation_id: 0 }
    }

    /// The bytes of a request, and its correlation id.
    pub fn encode<R: Message + Encode>(&mut self, version: i16, request: &R) -> (Vec<u8>, i32) {
        self.correlation_id += 1;
        let mut writer = Writer::new();
        encode_request(&mut writer, self.correlation_id, Some("test"), version, request).unwrap();
        (writer.bytes().to_vec(), self.correlation_id)
    }

    /// Sends a request and returns its correlation id.
    pub fn send<R: Message + Encode>(&mut self, version: i16, request: &R) -> i32 {
        let (bytes, correlation_id) = self.encode(version, request);
        self.stream.write_all(&bytes).unwrap();
        correlation_id
    }

    /// The next frame that the broker sends, without its length.
    pub fn receive(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).unwrap();
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut frame).unwrap();
        frame
    }

    /// Sends a request and returns the frame of its answer.
    pub fn ask<R: Message + Encode>(&mut self, version: i16, request: &R) -> Vec<u8> {
        let correlation_id = self.send(version, request);
        let frame = self.receive();
        assert_eq!(frame[..4], correlation_id.to_be_bytes(), "answers come in order");
        frame
    }

    /// Waits until the broker closes the connection; what it sends before is returned.
    pub fn wait_for_close(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(e) => assert_eq!(e.kind(), std::io::ErrorKind::ConnectionReset, "{e}"),
        }
        rest
    }

    pub fn produce(&mut self, topic: &str, partition: i32, acks: i16, batch: &[u8]) -> Produced {
        self.produce_version(9, topic, partition, acks, batch)
    }

    pub fn produce_version(
        &mut self,
        version: i16,
        topic: &str,
        partition: i32,
        acks: i16,
        batch: &[u8],
    ) -> Produced {
        let frame = with_produce(topic, partition, acks, batch, |request| self.ask(version, request));
        Produced::decode(&frame, version)
    }

    /// Fetches from one partition with generous bounds and without waiting.
    pub fn fetch(&mut self, topic: &str, partition: i32, offset: i64) -> Fetched {
        self.fetch_with(FetchOptions { topic, partition, offset, ..FetchOptions::default() })
    }

    pub fn fetch_with(&mut self, options: FetchOptions<'_>) -> Fetched {
        let frame = options.with(|request| self.ask(options.version, request));
        Fetched::decode(&frame, options.version)
    }

    /// The offset that ListOffsets finds for a timestamp.
    pub fn list_offset(
        &mut self,
        topic: &str,
        partition: i32,
        timestamp: i64,
    ) -> list_offsets::ListOffsetsPartitionResponse {
        self.list_offset_with(
            11,
            topic,
            list_offsets::ListOffsetsPartition {
                partition_index: partition,
                timestamp,
                ..Default::default()
            },
        )
    }

    pub fn list_offset_with(
        &mut self,
        version: i16,
        topic: &str,
        partition: list_offsets::ListOffsetsPartition,
    ) -> list_offsets::ListOffsetsPartitionResponse {
        let partitions = [partition];
        let topics = [list_offsets::ListOffsetsTopic { name: topic, partitions: List::from(&partitions) }];
        let request = list_offsets::Request { topics: List::from(&topics), ..Default::default() };
        let frame = self.ask(version, &request);
        answer::<list_offsets::Response<'_>>(&frame, version).topics[0].partitions[0]
    }

    /// Creates one topic over the protocol.
    pub fn create_topic(
        &mut self,
        topic: create_topics::CreatableTopic<'_>,
        validate_only: bool,
    ) -> ErrorCode {
        let topics = [topic];
        let request =
            create_topics::Request { topics: List::from(&topics), validate_only, ..Default::default() };
        let frame = self.ask(7, &request);
        answer::<create_topics::Response<'_>>(&frame, 7).topics[0].error_code
    }
}

/// Waits for something that the broker does by and by.
pub fn wait_until(mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < TOO_LONG);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Decodes the answer in a frame.
pub fn answer<'a, M: Message + Decode<'a>>(frame: &'a [u8], version: i16) -> M {
    decode_response(frame, version).unwrap().1
}

/// A produce request of one batch.
pub fn with_produce<R>(
    topic: &str,
    partition: i32,
    acks: i16,
    batch: &[u8],
    then: impl FnOnce(&produce::Request<'_>) -> R,
) -> R {
    let partition_data = [produce::PartitionProduceData { index: partition, records: Some(batch) }];
    let topic_data = [produce::TopicProduceData {
        name: topic,
        partition_data: List::from(&partition_data),
        ..Default::default()
    }];
    then(&produce::Request {
        acks,
        timeout_ms: 30_000,
        topic_data: List::from(&topic_data),
        ..Default::default()
    })
}

/// What became of one produced batch.
#[derive(Debug, PartialEq, Eq)]
pub struct Produced {
    pub error: ErrorCode,
    pub base_offset: i64,
    pub log_append_time_ms: i64,
    pub message: Option<String>,
}

impl Produced {
    pub fn decode(frame: &[u8], version: i16) -> Produced {
        let response: produce::Response<'_> = answer(frame, version);
        let partition = &response.responses[0].partition_responses[0];
        Produced {
            error: partition.error_code,
            base_offset: partition.base_offset,
            log_append_time_ms: partition.log_append_time_ms,
            message: partition.error_message.as_ref().map(|message| message.to_string()),
        }
    }
}

/// A fetch of one partition.
#[derive(Clone, Copy)]
pub struct FetchOptions<'a> {
    pub version: i16,
    pub topic: &'a str,
    pub topic_id: Uuid,
    pub partition: i32,
    pub offset: i64,
    pub max_bytes: i32,
    pub partition_max_bytes: i32,
    pub min_bytes: i32,
    pub max_wait_ms: i32,
    pub current_leader_epoch: i32,
    pub isolation_level: ottla_protocol::api::IsolationLevel,
}

impl Default for FetchOptions<'_> {
    fn default() -> Self {
        FetchOptions {
            version: 12,
            topic: "",
            topic_id: Uuid::ZERO,
            partition: 0,
            offset: 0,
            max_bytes: 50 << 20,
            partition_max_bytes: 50 << 20,
            min_bytes: 1,
            max_wait_ms: 0,
            current_leader_epoch: -1,
            isolation_level: Default::default(),
        }
    }
}

impl FetchOptions<'_> {
    pub fn with<R>(&self, then: impl FnOnce(&fetch::Request<'_>) -> R) -> R {
        let partitions = [fetch::FetchPartition {
            partition: self.partition,
            current_leader_epoch: self.current_leader_epoch,
            fetch_offset: self.offset,
            partition_max_bytes: self.partition_max_bytes,
            ..Default::default()
        }];
        let topics = [fetch::FetchTopic {
            topic: self.topic,
            topic_id: self.topic_id,
            partitions: List::from(&partitions),
        }];
        then(&fetch::Request {
            max_wait_ms: self.max_wait_ms,
            min_bytes: self.min_bytes,
            max_bytes: self.max_bytes,
            isolation_level: self.isolation_level,
            topics: List::from(&topics),
            ..Default::default()
        })
    }
}

/// What a fetch of one partition brought.
#[derive(Debug)]
pub struct Fetched {
    pub error: ErrorCode,
    pub high_watermark: i64,
    pub last_stable_offset: i64,
    pub log_start_offset: i64,
    pub aborted: Option<Vec<(i64, i64)>>,
    pub bytes: Vec<u8>,
}

impl Fetched {
    pub fn decode(frame: &[u8], version: i16) -> Fetched {
        let response: fetch::Response<'_> = answer(frame, version);
        assert_eq!(response.error_code, ErrorCode::None);
        Fetched::of(&response.responses[0].partitions[0])
    }

    pub fn of(partition: &fetch::PartitionData<'_>) -> Fetched {
        let bytes = match &partition.records {
            fetch::Records::Inline(bytes) => bytes.to_vec(),
            fetch::Records::Null => Vec::new(),
            fetch::Records::External(_) => panic!("never comes from decoding"),
        };
        Fetched {
            error: partition.error_code,
            high_watermark: partition.high_watermark,
            last_stable_offset: partition.last_stable_offset,
            log_start_offset: partition.log_start_offset,
            aborted: partition.aborted_transactions.as_ref().map(|aborted| {
                aborted.iter().map(|aborted| (aborted.producer_id, aborted.first_offset)).collect()
            }),
            bytes,
        }
    }

    /// The whole batches; the last may be cut, as every client expects.
    pub fn batches(&self) -> Vec<&[u8]> {
        let mut batches = Vec::new();
        let mut rest = &self.bytes[..];
        while let Ok(head) = Head::parse(rest) {
            let Some((batch, after)) = rest.split_at_checked(head.size_bytes()) else { break };
            ottla_record::verify_crc(batch).unwrap();
            batches.push(batch);
            rest = after;
        }
        batches
    }

    /// Offsets and values of all records in whole batches.
    pub fn records(&self) -> Vec<(i64, String)> {
        let mut records = Vec::new();
        for batch in self.batches() {
            let decoded = decode(batch, 100 << 20).unwrap();
            for record in decoded.records() {
                let record = record.unwrap();
                let value = String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned();
                records.push((record.offset.get(), value));
            }
        }
        records
    }
}

/// A batch with these values.
pub fn batch(values: &[&str]) -> Vec<u8> {
    batch_from(BatchBuilder::new(), values)
}

pub fn batch_from(mut builder: BatchBuilder, values: &[&str]) -> Vec<u8> {
    for value in values {
        builder.push(NOW_MS, None, Some(value.as_bytes()), &[]).unwrap();
    }
    builder.build().unwrap()
}
