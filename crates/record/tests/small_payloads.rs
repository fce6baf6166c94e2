//! One small payload of each codec that is written in Rust, made by hand: what Miri can go through, which is slow and knows
//! no C.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::ops::ControlFlow;

use common::hand_made::{batch, header, message, record_of_zeros};
use ottla_record::{
    BatchFilter, Compression, FilterRules, Limits, check, decode, each_key, records_without_key,
};

const LIMIT: usize = 1 << 10;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    let mut sum = crc.sum().to_be_bytes();
    sum.reverse();
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let stored = [1, length, 0, !length, 0xff];
    [&head[..], &stored, bytes, &sum, &[length, 0, 0, 0]].concat()
}

fn snappy(bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap();
    [&[length, (length - 1) << 2][..], bytes].concat()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap();
    [&[0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, length, 0, 0, 0x80][..], bytes, &[0; 4]].concat()
}

#[test]
fn a_small_payload_of_each_codec_in_rust_is_read_by_all_who_read() {
    let records = record_of_zeros(0, 20);
    for (codec, payload) in [
        (Compression::None, records.clone()),
        (Compression::Gzip, gzip(&records)),
        (Compression::Snappy, snappy(&records)),
        (Compression::Lz4, lz4(&records)),
    ] {
        let bytes = batch(header(1, codec), &payload);
        check(&bytes, &Limits { max_decompressed_bytes: LIMIT, ..Limits::default() }).unwrap();
        let decoded = decode(&bytes, LIMIT).unwrap();
        assert_eq!(decoded.records().map(Result::unwrap).count(), 1, "{codec}");
        assert_eq!(records_without_key(&bytes, LIMIT, 9), [0], "{codec}");
        let mut seen = 0;
        each_key(&bytes, LIMIT, |_| {
            seen += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(seen, 1, "{codec}");
        let mut left = Vec::new();
        let rules = FilterRules { keep_empty: true, ..FilterRules::default() };
        let filtered = BatchFilter::default().filter(&bytes, &rules, LIMIT, |_| false, &mut left).unwrap();
        assert_eq!((filtered.records_read, filtered.records_kept), (1, 0), "{codec}");
        for cut in 61..bytes.len() {
            let _ = decode(&bytes[..cut], LIMIT);
            assert!(check(&batch(header(1, codec), &bytes[61..cut]), &Limits::default()).is_err(), "{codec}");
        }
        let wrapper = message(1, codec.id(), 0, 0, None, Some(&payload));
        let _ = decode(&wrapper, LIMIT).map(|decoded| decoded.records().count());
    }
}
