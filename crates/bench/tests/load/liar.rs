//! A broker of one partition that breaks its word in one way.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use ottla_protocol::api::{api_versions, fetch, list_offsets, metadata, produce};
use ottla_protocol::wire::{Encode, Writer};
use ottla_protocol::{
    API_TABLE, ErrorCode, Message, Request, RequestHeader, decode_request, encode_response,
};
use ottla_record::Head;

/// What it does wrong with its third batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// Acknowledges it and does not keep it.
    Loses,
    /// Gives it the offset of the one before.
    GivesTwice,
    /// Hands out the one before in its place, with its offset.
    Exchanges,
    /// Hands it out with one bit changed.
    Flips,
    /// Hands out the one before once more.
    Repeats,
    /// Refuses it.
    Refuses,
    /// Says nothing of it.
    IsSilent,
    /// Closes the connection.
    Closes,
    /// Speaks no version of Produce that is younger than 2.
    IsOld,
    /// Is a web server.
    IsSomethingElse,
}

const THIRD: usize = 2;

/// Its address. It lives as long as the test.
pub fn liar(lie: Lie) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let log = Arc::new(Mutex::new(Log { lie, batches: Vec::new(), end: 0, taken: 0, port: address.port() }));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let log = Arc::clone(&log);
            thread::spawn(move || serve(stream.unwrap(), &log));
        }
    });
    address.to_string()
}

struct Log {
    lie: Lie,
    batches: Vec<(i64, Vec<u8>)>,
    end: i64,
    taken: usize,
    port: u16,
}

fn serve(mut stream: TcpStream, log: &Mutex<Log>) {
    let mut len = [0; 4];
    while stream.read_exact(&mut len).is_ok() {
        let mut frame = vec![0; u32::from_be_bytes(len) as usize];
        stream.read_exact(&mut frame).unwrap();
        let mut log = log.lock().unwrap();
        let Some(answer) = log.answer(&frame) else { return };
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}

impl Log {
    /// `None` closes the connection.
    fn answer(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        if self.lie == Lie::IsSomethingElse {
            return Some(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
        }
        let (header, request) = decode_request(frame).unwrap();
        match request {
            Request::ApiVersions(_) => Some(encode(&header, &self.versions())),
            Request::Metadata(_) => Some(encode(&header, &self.metadata())),
            Request::ListOffsets(request) => {
                let timestamp = request.topics.iter().next()?.partitions.iter().next()?.timestamp;
                Some(encode(&header, &self.offsets(timestamp)))
            }
            Request::Produce(request) => {
                let records = request.topic_data.iter().next()?.partition_data.iter().next()?.records?;
                let answer = self.produce(&header, records)?;
                Some(if request.acks == 0 { Vec::new() } else { answer })
            }
            Request::Fetch(request) => {
                let from = request.topics.iter().next()?.partitions.iter().next()?.fetch_offset;
                Some(encode(&header, &self.fetch(from)))
            }
            other => panic!("{other:?} was not expected"),
        }
    }

    fn versions(&self) -> api_versions::Response<'static> {
        let newest_produce = if self.lie == Lie::IsOld { 2 } else { 12 };
        let api_keys = API_TABLE.iter().map(|api| api_versions::ApiVersion {
            api_key: api.key.code(),
            min_version: 0,
            max_version: if api.key.code() == 0 { newest_produce } else { api.max_version },
        });
        api_versions::Response { api_keys: api_keys.collect(), ..Default::default() }
    }

    fn metadata(&self) -> metadata::Response<'static> {
        let partition = metadata::MetadataResponsePartition { leader_id: 1, ..Default::default() };
        let topic = metadata::MetadataResponseTopic {
            name: Some("lies".into()),
            partitions: vec![partition],
            ..Default::default()
        };
        let broker = metadata::MetadataResponseBroker {
            node_id: 1,
            host: "127.0.0.1".into(),
            port: i32::from(self.port),
            ..Default::default()
        };
        metadata::Response { brokers: vec![broker], topics: vec![topic], ..Default::default() }
    }

    fn offsets(&self, timestamp: i64) -> list_offsets::Response<'static> {
        let offset = if timestamp == list_offsets::EARLIEST_TIMESTAMP { 0 } else { self.end };
        let partition = list_offsets::ListOffsetsPartitionResponse { offset, ..Default::default() };
        let topic =
            list_offsets::ListOffsetsTopicResponse { name: "lies".into(), partitions: vec![partition] };
        list_offsets::Response { topics: vec![topic], ..Default::default() }
    }

    fn produce(&mut self, header: &RequestHeader<'_>, records: &[u8]) -> Option<Vec<u8>> {
        let nth = self.taken;
        self.taken += 1;
        let lie = if nth == THIRD { self.lie } else { Lie::None };
        let mut partition = produce::PartitionProduceResponse { base_offset: self.end, ..Default::default() };
        let mut batch = records.to_vec();
        match lie {
            Lie::Closes => return None,
            Lie::IsSilent => return Some(Vec::new()),
            Lie::Refuses => partition.error_code = ErrorCode::NotLeaderOrFollower,
            Lie::GivesTwice => partition.base_offset = self.batches.last().unwrap().0,
            Lie::Exchanges => batch.clone_from(&self.batches.last().unwrap().1),
            Lie::Flips => *batch.last_mut().unwrap() ^= 1,
            _ => {}
        }
        batch[..8].copy_from_slice(&self.end.to_be_bytes());
        let count = Head::parse(&batch).unwrap().last_offset().get() - self.end + 1;
        if lie != Lie::Loses {
            self.batches.push((self.end, batch));
        }
        self.end += count;
        let topic = produce::TopicProduceResponse {
            name: "lies".into(),
            partition_responses: vec![partition],
            ..Default::default()
        };
        Some(encode(header, &produce::Response { responses: vec![topic], ..Default::default() }))
    }

    fn fetch(&self, from: i64) -> fetch::Response<'static> {
        let at = self.batches.partition_point(|(offset, _)| *offset < from);
        let at = if self.lie == Lie::Repeats && at == THIRD { at - 1 } else { at };
        let records = self.batches.get(at).map(|(_, batch)| batch.clone()).unwrap_or_default();
        let partition = fetch::PartitionData {
            high_watermark: self.end,
            records: fetch::Records::Inline(records.into()),
            ..Default::default()
        };
        let topic = fetch::FetchableTopicResponse {
            topic: "lies".into(),
            partitions: vec![partition],
            ..Default::default()
        };
        fetch::Response { responses: vec![topic], ..Default::default() }
    }
}

fn encode<M: Message + Encode>(header: &RequestHeader<'_>, response: &M) -> Vec<u8> {
    let mut writer = Writer::new();
    encode_response(&mut writer, header.correlation_id, header.api_version, response).unwrap();
    writer.bytes().to_vec()
}
