//! The few requests of Kafka's protocol that the floor speaks, in one version each without tagged fields, and a fetch whose answer
//! can be looked at before all of it has come.

use anyhow::{Context, Result, ensure};

/// An API, and the one version of it that is spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api {
    pub key: i16,
    pub version: i16,
}

pub const PRODUCE: Api = Api { key: 0, version: 7 };
pub const FETCH: Api = Api { key: 1, version: 10 };
pub const API_VERSIONS: Api = Api { key: 18, version: 0 };
pub const CREATE_TOPICS: Api = Api { key: 19, version: 4 };
pub const DELETE_TOPICS: Api = Api { key: 20, version: 3 };
pub const LIST_OFFSETS: Api = Api { key: 2, version: 2 };
pub const METADATA: Api = Api { key: 3, version: 4 };
pub const ALL: [Api; 7] =
    [PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS, CREATE_TOPICS, DELETE_TOPICS];

/// Appends big-endian fields to a buffer it borrows.
pub struct Writer<'a>(pub &'a mut Vec<u8>);

impl Writer<'_> {
    pub fn i8(&mut self, value: i8) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub fn i16(&mut self, value: i16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub fn i32(&mut self, value: i32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub fn string(&mut self, value: &str) -> &mut Self {
        self.i16(value.len() as i16).raw(value.as_bytes())
    }

    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// Reads big-endian fields; an end that comes too early is an error.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn i16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// A string; a null one reads as empty.
    pub fn string(&mut self) -> Result<&'a str> {
        let len = usize::try_from(self.i16()?).unwrap_or(0);
        Ok(std::str::from_utf8(self.bytes(len)?)?)
    }

    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).context("the frame is too short")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().context("the frame is too short")?;
        self.0 = rest;
        Ok(*taken)
    }
}

/// A request frame with its length in front; `body` writes what follows the header.
pub fn request(
    api: Api,
    correlation_id: i32,
    client_id: &str,
    body: impl FnOnce(&mut Writer<'_>),
) -> Vec<u8> {
    let mut frame = vec![0; 4];
    let mut writer = Writer(&mut frame);
    writer.i16(api.key).i16(api.version).i32(correlation_id).string(client_id);
    body(&mut writer);
    set_frame_len(&mut frame);
    frame
}

fn set_frame_len(frame: &mut [u8]) {
    let len = (frame.len() - 4) as i32;
    frame[..4].copy_from_slice(&len.to_be_bytes());
}

/// Where and how much to fetch of partition 0 of a topic.
#[derive(Debug, Clone, Copy)]
pub struct FetchBounds {
    pub offset: i64,
    pub max_bytes: usize,
    pub max_wait_ms: i32,
}

pub fn fetch(client_id: &str, topic: &str, correlation_id: i32, bounds: FetchBounds) -> Vec<u8> {
    let max_bytes = bounds.max_bytes as i32;
    request(FETCH, correlation_id, client_id, |body| {
        body.i32(-1).i32(bounds.max_wait_ms).i32(1).i32(max_bytes).i8(0).i32(0).i32(-1);
        body.i32(1).string(topic).i32(1);
        body.i32(0).i32(-1).i64(bounds.offset).i64(-1).i32(max_bytes);
        body.i32(0);
    })
}

const UNKNOWN_SERVER_ERROR: i16 = -1;

/// The one partition of a fetch response, up to its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchHead {
    pub error_code: i16,
    pub high_watermark: i64,
    pub records_len: usize,
}

impl FetchHead {
    /// How long the head of an answer is that carries the partition of `topic`, from the correlation id on.
    pub fn len(topic: &str) -> usize {
        4 + 4 + 2 + 4 + 4 + 2 + topic.len() + 4 + 4 + 2 + 8 + 8 + 8 + 4 + 4
    }

    pub fn parse(frame: &[u8], correlation_id: i32) -> Result<Self> {
        let mut reader = Reader(frame);
        let answered = reader.i32()?;
        ensure!(answered == correlation_id, "fetch {correlation_id} answered as {answered}");
        reader.i32()?;
        let error_code = reader.i16()?;
        reader.i32()?;
        if error_code != 0 || reader.i32()? == 0 {
            let error_code = if error_code == 0 { UNKNOWN_SERVER_ERROR } else { error_code };
            return Ok(Self { error_code, high_watermark: -1, records_len: 0 });
        }
        reader.string()?;
        ensure!(reader.i32()? == 1, "one partition was asked for");
        reader.i32()?;
        let error_code = reader.i16()?;
        let high_watermark = reader.i64()?;
        reader.bytes(16)?;
        ensure!(reader.i32()? <= 0, "aborted transactions in a log without transactions");
        let records_len = usize::try_from(reader.i32()?).unwrap_or(0);
        Ok(Self { error_code, high_watermark, records_len })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_its_bytes() {
        let frame = request(API_VERSIONS, 7, "x", |_| {});
        assert_eq!(frame, [0, 0, 0, 11, 0, 18, 0, 0, 0, 0, 0, 7, 0, 1, b'x']);
    }

    #[test]
    fn a_frame_cut_short_is_an_error() {
        assert!(Reader(&[0, 5, b'a']).string().is_err());
        assert!(FetchHead::parse(&[0, 0, 0, 1, 0], 1).is_err());
    }
}
