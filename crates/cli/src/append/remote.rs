//! A broker that batches are sent to: any that speaks Kafka's protocol.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use ottla::Offset;
use ottla_protocol::api::{api_versions, metadata, produce};
use ottla_protocol::wire::{Decode, Encode, List, Writer};
use ottla_protocol::{ApiKey, ErrorCode, LENGTH_BYTES, Message, decode_response, encode_request, frame_len};

use super::batcher::Batch;
use super::sink::Sink;

const CLIENT_ID: &str = "ottla-append";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than a broker waits for its own disk.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
const PRODUCE_TIMEOUT_MS: i32 = 30_000;
/// No answer to these requests comes near it.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// How long a topic may take to come to exist, or a partition to get its leader.
const SETTLING_TIME: Duration = Duration::from_secs(15);
const RETRY_INTERVAL: Duration = Duration::from_millis(100);
/// Version 13 names topics by id alone.
const NEWEST_PRODUCE_BY_NAME: i16 = 12;

/// The leader of one partition.
pub struct Remote {
    bootstrap: String,
    topic: String,
    partition: i32,
    leader: Connection,
}

impl Remote {
    /// Connects to the leader of the partition, by way of `bootstrap`.
    pub fn connect(bootstrap: &str, topic: &str, partition: i32) -> Result<Remote> {
        let leader = connect_to_leader(bootstrap, topic, partition)?;
        Ok(Remote { bootstrap: bootstrap.to_owned(), topic: topic.to_owned(), partition, leader })
    }

    fn produce(&mut self, batch: &Batch) -> Result<Produced> {
        let partition_data =
            [produce::PartitionProduceData { index: self.partition, records: Some(&batch.bytes) }];
        let topic_data = [produce::TopicProduceData {
            name: &self.topic,
            partition_data: List::from(&partition_data),
            ..Default::default()
        }];
        let request = produce::Request {
            acks: -1,
            timeout_ms: PRODUCE_TIMEOUT_MS,
            topic_data: List::from(&topic_data),
            ..Default::default()
        };
        let answer = self.leader.ask(&request, NEWEST_PRODUCE_BY_NAME)?;
        let response: produce::Response<'_> = answer.decode()?;
        let found = response.responses.first().and_then(|topic| topic.partition_responses.first());
        let found = found.context("the broker's answer says nothing of the partition")?;
        Ok(Produced {
            error_code: found.error_code,
            message: found.error_message.as_deref().map(str::to_owned),
            base_offset: Offset::new(found.base_offset),
        })
    }
}

/// What became of a batch.
struct Produced {
    error_code: ErrorCode,
    message: Option<String>,
    base_offset: Offset,
}

impl Sink for Remote {
    fn append(&mut self, batch: Batch) -> Result<(Offset, Offset)> {
        let deadline = Instant::now() + SETTLING_TIME;
        loop {
            let produced = self.produce(&batch)?;
            match produced.error_code {
                ErrorCode::None => {
                    let count = i64::try_from(batch.records).unwrap_or(i64::MAX);
                    return Ok((produced.base_offset, produced.base_offset + (count - 1)));
                }
                // The broker took nothing, so that sending again cannot double anything.
                ErrorCode::NotLeaderOrFollower | ErrorCode::UnknownTopicOrPartition
                    if Instant::now() < deadline =>
                {
                    sleep(RETRY_INTERVAL);
                    self.leader = connect_to_leader(&self.bootstrap, &self.topic, self.partition)?;
                }
                code => {
                    let why = produced.message.map_or_else(String::new, |message| format!(": {message}"));
                    bail!("the broker refused a batch of {} records with {code}{why}", batch.records);
                }
            }
        }
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }

    fn name(&self) -> String {
        format!("{}-{}", self.topic, self.partition)
    }
}

/// Asks until the partition has a leader: a topic that is made by being asked for takes a moment.
fn connect_to_leader(bootstrap: &str, topic: &str, partition: i32) -> Result<Connection> {
    let mut connection = Connection::open(bootstrap)?;
    let deadline = Instant::now() + SETTLING_TIME;
    loop {
        match leader_of(&mut connection, topic, partition)? {
            Leader::At(address) if address == bootstrap => return Ok(connection),
            Leader::At(address) => {
                return Connection::open(&address)
                    .with_context(|| format!("{bootstrap} names it as the leader of {topic}-{partition}"));
            }
            Leader::NotYet(_) if Instant::now() < deadline => sleep(RETRY_INTERVAL),
            Leader::NotYet(code) => bail!("{topic}-{partition} has no leader: {code}"),
        }
    }
}

enum Leader {
    At(String),
    NotYet(ErrorCode),
}

fn leader_of(connection: &mut Connection, topic: &str, partition: i32) -> Result<Leader> {
    let topics = [metadata::MetadataRequestTopic { name: Some(topic), ..Default::default() }];
    let request = metadata::Request {
        topics: Some(List::from(&topics)),
        allow_auto_topic_creation: true,
        ..Default::default()
    };
    let answer = connection.ask(&request, i16::MAX)?;
    let response: metadata::Response<'_> = answer.decode()?;
    let found = response.topics.first().context("the broker's answer says nothing of the topic")?;
    match found.error_code {
        ErrorCode::None => {}
        code if code.is_retriable() => return Ok(Leader::NotYet(code)),
        code => bail!("the broker answers {code} for topic {topic:?}"),
    }
    let count = found.partitions.len();
    let Some(found) = found.partitions.iter().find(|p| p.partition_index == partition) else {
        bail!("topic {topic} has {count} partitions, numbered from 0: there is no {partition}");
    };
    let leader = response.brokers.iter().find(|broker| broker.node_id == found.leader_id);
    Ok(match leader {
        Some(broker) => Leader::At(format!("{}:{}", broker.host, broker.port)),
        None => Leader::NotYet(ErrorCode::LeaderNotAvailable),
    })
}

/// A connection, and the versions that the broker at its other end speaks.
struct Connection {
    address: String,
    stream: TcpStream,
    versions: Vec<api_versions::ApiVersion>,
    correlation_id: i32,
}

/// The frame of a response.
struct Answer {
    frame: Vec<u8>,
    version: i16,
}

impl Answer {
    fn decode<'a, M: Message + Decode<'a>>(&'a self) -> Result<M> {
        let (_, response) = decode_response(&self.frame, self.version)?;
        Ok(response)
    }
}

impl Connection {
    fn open(address: &str) -> Result<Connection> {
        let cannot_reach = || format!("cannot reach a broker at {address}");
        let mut last = None;
        for resolved in address.to_socket_addrs().with_context(cannot_reach)? {
            match TcpStream::connect_timeout(&resolved, CONNECT_TIMEOUT) {
                Ok(stream) => return Connection::greet(address, stream).with_context(cannot_reach),
                Err(error) => last = Some(error),
            }
        }
        match last {
            Some(error) => Err(error).with_context(cannot_reach),
            None => bail!("{address} resolves to no address"),
        }
    }

    fn greet(address: &str, stream: TcpStream) -> Result<Connection> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        let mut connection =
            Connection { address: address.to_owned(), stream, versions: Vec::new(), correlation_id: 0 };
        // Every broker answers version 0.
        let answer = connection.exchange(&api_versions::Request::default(), 0)?;
        let response: api_versions::Response<'_> = answer.decode()?;
        ensure!(response.error_code == ErrorCode::None, "it answers {}", response.error_code);
        connection.versions = response.api_keys;
        Ok(connection)
    }

    /// Sends a request in the newest version up to `newest` that both sides speak.
    fn ask<M: Message + Encode>(&mut self, request: &M, newest: i16) -> Result<Answer> {
        let version = self.version_for(M::API_KEY, newest)?;
        self.exchange(request, version).with_context(|| format!("{} answers badly", self.address))
    }

    fn version_for(&self, api: ApiKey, newest: i16) -> Result<i16> {
        let spoken = self.versions.iter().find(|spoken| spoken.api_key == api.code());
        let Some(spoken) = spoken else { bail!("{} does not know {api:?}", self.address) };
        let both = (spoken.min_version..=spoken.max_version.min(newest)).rev();
        both.into_iter()
            .find(|version| api.supports(*version))
            .with_context(|| format!("{} speaks no version of {api:?} that ottla does", self.address))
    }

    fn exchange<M: Message + Encode>(&mut self, request: &M, version: i16) -> Result<Answer> {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let mut writer = Writer::new();
        encode_request(&mut writer, self.correlation_id, Some(CLIENT_ID), version, request)?;
        self.stream.write_all(writer.bytes())?;
        let mut prefix = [0; LENGTH_BYTES];
        self.stream.read_exact(&mut prefix)?;
        let mut frame = vec![0; frame_len(prefix, MAX_ANSWER_BYTES)?];
        self.stream.read_exact(&mut frame)?;
        let answered = frame.first_chunk().map(|id| i32::from_be_bytes(*id));
        ensure!(answered == Some(self.correlation_id), "the answer is to another request");
        Ok(Answer { frame, version })
    }
}
