//! What becomes far larger than it is: refused, and nothing else notices. How much memory it takes is counted where it is
//! taken, in `ottla-record`'s tests of bombs.

use ottla_protocol::ErrorCode;
use ottla_record::{BatchBuilder, Compression};

use crate::support::{batch, broker};

const CODECS: [Compression; 4] =
    [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

/// More than 16 times the largest message, which is what a batch may become.
const TOO_MANY_BYTES: usize = 18 << 20;

/// One record, or many that are small.
fn bombs(codec: Compression) -> [Vec<u8>; 2] {
    let mut one = BatchBuilder::new().compression(codec);
    one.push(1, None, Some(&vec![0; TOO_MANY_BYTES]), &[]).unwrap();
    let mut many = BatchBuilder::new().compression(codec);
    for _ in 0..TOO_MANY_BYTES >> 16 {
        many.push(1, None, Some(&[0; 1 << 16]), &[]).unwrap();
    }
    [one.build().unwrap(), many.build().unwrap()]
}

#[test]
fn bombs_of_every_codec_are_refused_and_leave_nothing_behind() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut refused = 0;
    for codec in CODECS {
        for bomb in bombs(codec) {
            assert!(bomb.len() < 1 << 20, "{codec}: the size of the batch itself is no reason to refuse it");
            let mut client = broker.connect();
            let produced = client.produce("letters", 0, -1, &bomb);
            assert_eq!(produced.error, ErrorCode::InvalidRecord, "{codec}: {:?}", produced.message);
            refused += 1;
            assert_eq!(broker.server.metrics().batches_refused, refused);
            assert_eq!(client.produce("letters", 0, 1, &batch(&["a"])).error, ErrorCode::None, "{codec}");
        }
    }
    assert_eq!(broker.connect().fetch("letters", 0, 0).high_watermark, 8, "none of the bombs is there");
    assert_eq!(broker.server.metrics().panics, 0);
}
