//! RFC 1952. Several members one after the other are one payload, as Java's reader has it.

use std::io::{Read, Write};

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::Compression;
use crate::RecordError;

pub(crate) struct Reader<'a>(MultiGzDecoder<&'a [u8]>);

impl<'a> Reader<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Reader<'a> {
        Reader(MultiGzDecoder::new(payload))
    }

    /// Fills as much of `out` as is ready; 0 at the end. Bytes after the last member are an error of the
    /// decoder: they are no gzip header.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, RecordError> {
        self.0.read(out).map_err(failed)
    }
}

pub(crate) fn compress(records: &[u8], out: &mut Vec<u8>) -> Result<(), RecordError> {
    let mut encoder = GzEncoder::new(out, flate2::Compression::default());
    encoder.write_all(records).and_then(|()| encoder.try_finish()).map_err(failed)
}

fn failed(error: std::io::Error) -> RecordError {
    RecordError::Decompress { compression: Compression::Gzip, reason: error.to_string() }
}
