//! A build without a codec says so, and reads and writes with the others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use ottla_record::{Attributes, BatchBuilder, BatchHeader, Compression, Limits, RecordError, check, decode};

fn builder(compression: Compression) -> BatchBuilder {
    let mut builder = BatchBuilder::new().compression(compression);
    builder.push(0, None, Some(b"value"), &[]).unwrap();
    builder
}

/// A batch that claims to be compressed; no codec gets as far as its payload.
fn claiming(compression: Compression) -> Vec<u8> {
    let mut batch = builder(Compression::None).build().unwrap();
    let header: &mut [u8; BatchHeader::LEN] = batch.first_chunk_mut().unwrap();
    *header = BatchHeader { attributes: Attributes::new(compression), ..BatchHeader::read(header) }.write();
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch
}

#[test]
fn each_codec_works_or_says_that_it_is_not_built() {
    for compression in Compression::ALL {
        let built = builder(compression).build();
        if compression.is_built() {
            let batch = built.unwrap();
            assert!(check(&batch, &Limits::default()).is_ok(), "{compression}");
            assert_eq!(decode(&batch, 1_000).unwrap().records().count(), 1, "{compression}");
        } else {
            let refused = RecordError::CodecNotBuilt { compression };
            let batch = claiming(compression);
            assert_eq!(built.unwrap_err(), refused);
            assert_eq!(check(&batch, &Limits::default()).unwrap_err(), refused);
            assert_eq!(decode(&batch, 1_000).unwrap_err(), refused);
        }
    }
}
