//! No input makes the decoders take more memory than their documentation says, counted at the allocator
//! (zstd's C code included: the test build lets it allocate through Rust).

// Miri is too slow for megabytes, and knows no C.
#![cfg(not(miri))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::counting::{Counting, cost_of, live_bytes};
use common::hand_made::{
    batch, gzip, header, lz4, message, record_of_zeros, snappy_bare, snappy_framed, zstd as zstd_frame,
};
use common::{KAFKA_2_8, KAFKA_4_3, batches};
use lz4_flex::frame::BlockSize;
use ottla_record::{
    BatchBuilder, BatchHeader, Compression, Limits, Scratch, check, check_with, decode, verify_crc,
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that this thread held during `work` beyond what it held before.
fn peak_of<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let (cost, result) = cost_of(work);
    (cost.peak_bytes, result)
}

fn bound(compression: Compression, limit: usize) -> usize {
    let codec = match compression {
        Compression::Zstd => 512 * KIB + (8 * MIB).max((limit + 1).next_power_of_two()),
        _ => 512 * KIB,
    };
    2 * (limit + 128 * KIB) + codec
}

#[track_caller]
fn assert_within(bytes: &[u8], compression: Compression, limit: usize) {
    let limits = Limits { max_batch_bytes: usize::MAX, max_decompressed_bytes: limit, ..Limits::default() };
    let (found, _) = peak_of(|| check_with(bytes, &limits, &mut Scratch::new()));
    assert!(found <= bound(compression, limit), "check of {compression} took {found} of {limit}");
    let (found, _) = peak_of(|| {
        decode(bytes, limit).map(|decoded| decoded.records().filter(|record| record.is_ok()).count())
    });
    assert!(found <= bound(compression, limit), "decode of {compression} took {found} of {limit}");
}

#[test]
fn uncompressed_batches_cost_nothing() {
    let mut builder = BatchBuilder::new();
    for _ in 0..1_000 {
        builder.push(0, Some(b"key"), Some(&[7; 100]), &[]).unwrap();
    }
    let batch = builder.build().unwrap();
    let (found, checked) = peak_of(|| check(&batch, &Limits::default()));
    assert!(checked.is_ok());
    assert_eq!(found, 0, "check");
    let (found, verified) = peak_of(|| verify_crc(&batch));
    assert!(verified.is_ok());
    assert_eq!(found, 0, "verify_crc");
    let (found, read) = peak_of(|| decode(&batch, 0).unwrap().records().count());
    assert_eq!((found, read), (0, 1_000), "decode");
}

#[test]
fn a_count_of_two_billion_costs_nothing() {
    let with = BatchHeader { last_offset_delta: i32::MAX - 1, ..header(i32::MAX, Compression::None) };
    let bytes = batch(with, &[]);
    assert_eq!(bytes.len(), 61);
    let (found, refused) = peak_of(|| check(&bytes, &Limits::default()));
    assert!(refused.is_err());
    assert_eq!(found, 0);
    let (found, read) = peak_of(|| decode(&bytes, MIB).unwrap().records().count());
    assert_eq!((found, read), (0, 1), "one error");
}

#[test]
fn bombs_stay_within_the_bound() {
    let zeros = vec![0; 24 * MIB];
    let one_long_record = record_of_zeros(0, 24 * MIB);
    for contents in [&zeros, &one_long_record] {
        let blocks: Vec<Vec<u8>> = contents.chunks(32 * KIB).map(snappy_bare).collect();
        let blocks: Vec<&[u8]> = blocks.iter().map(Vec::as_slice).collect();
        for (codec, payload) in [
            (Compression::Gzip, gzip(contents)),
            (Compression::Snappy, snappy_bare(contents)),
            (Compression::Snappy, snappy_framed(&blocks)),
            (Compression::Lz4, lz4(contents, |info| info)),
            (Compression::Lz4, lz4(contents, |info| info.block_size(BlockSize::Max4MB))),
            (Compression::Zstd, zstd_frame(contents)),
        ] {
            for limit in [0, 1, 1_000, 100 * KIB, MIB, 17 * MIB] {
                assert_within(&batch(header(1, codec), &payload), codec, limit);
                if codec != Compression::Zstd {
                    let wrapper = message(1, codec.id(), 0, 0, None, Some(&payload));
                    assert_within(&wrapper, codec, limit);
                }
            }
        }
    }
}

#[test]
fn lying_lengths_stay_within_the_bound() {
    let snappy = [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0; 100]].concat();
    let lz4_of_4_mib =
        [&[0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73][..], &[5, 0, 0, 0, 1, 2, 3, 4, 5]].concat();
    // A frame with a window descriptor of so many bits, and one empty last block.
    let zstd_window = |log: u8| vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, (log - 10) << 3, 0x01, 0x00, 0x00];
    let record_of_2_gib = common::hand_made::varint(i64::from(i32::MAX));
    for (codec, payload) in [
        (Compression::Snappy, snappy.clone()),
        (Compression::Snappy, snappy_framed(&[&snappy])),
        (Compression::Lz4, lz4_of_4_mib),
        (Compression::Zstd, zstd_window(31)),
        (Compression::Zstd, zstd_window(27)),
        (Compression::Zstd, zstd_window(24)),
        (Compression::Zstd, zstd_window(23)),
        (Compression::Gzip, gzip(&record_of_2_gib)),
        (Compression::Zstd, zstd_frame(&record_of_2_gib)),
    ] {
        for limit in [0, 1_000, MIB] {
            assert_within(&batch(header(1, codec), &payload), codec, limit);
        }
    }
}

#[test]
fn a_small_lz4_block_that_may_become_4_mib_costs_no_4_mib() {
    let payload = lz4(&record_of_zeros(0, 100), |info| info.block_size(BlockSize::Max4MB));
    let bytes = batch(header(1, Compression::Lz4), &payload);
    let (found, checked) = peak_of(|| check_with(&bytes, &Limits::default(), &mut Scratch::new()));
    assert!(checked.is_ok());
    assert!(found <= 64 * KIB, "{found}");
}

/// A batch of small records goes through the window, however many they are.
#[test]
fn a_checked_batch_is_never_in_memory_as_a_whole() {
    let records: Vec<u8> = (0..10_000).flat_map(|index| record_of_zeros(index, 1_000)).collect();
    for (codec, payload) in [
        (Compression::Gzip, gzip(&records)),
        (
            Compression::Snappy,
            snappy_framed(
                &records
                    .chunks(32 * KIB)
                    .map(snappy_bare)
                    .collect::<Vec<_>>()
                    .iter()
                    .map(Vec::as_slice)
                    .collect::<Vec<_>>(),
            ),
        ),
        (Compression::Lz4, lz4(&records, |info| info)),
    ] {
        let bytes = batch(header(10_000, codec), &payload);
        let (found, checked) = peak_of(|| check_with(&bytes, &Limits::default(), &mut Scratch::new()));
        assert!(checked.is_ok());
        assert!(found < 512 * KIB, "{codec} took {found} for {} bytes", records.len());
    }
}

fn zstd_of_window(contents: &[u8], log: u32) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(log).unwrap();
    encoder.write_all(contents).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_scratch_keeps_little_between_batches() {
    let long = record_of_zeros(0, 12 * MIB);
    let mut scratch = Scratch::new();
    let before = live_bytes();
    for (codec, payload) in [
        (Compression::Gzip, gzip(&long)),
        (Compression::Snappy, snappy_bare(&long)),
        (Compression::Lz4, lz4(&long, |info| info.block_size(BlockSize::Max4MB))),
        (Compression::Zstd, zstd_of_window(&long, 24)),
    ] {
        let bytes = batch(header(1, codec), &payload);
        drop(payload);
        assert!(check_with(&bytes, &Limits::default(), &mut scratch).is_ok(), "{codec}");
    }
    let kept = live_bytes() - before;
    assert!(kept <= (256 * KIB + 4 * MIB) as isize, "{kept}");
}

#[test]
fn kafkas_batches_with_bytes_changed_stay_within_the_bound() {
    let mut state = 0x0137_79b9_u32;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize % below
    };
    for (version, topics) in [("kafka-4.3", KAFKA_4_3), ("kafka-2.8", KAFKA_2_8)] {
        for topic in topics {
            let all = batches(version, topic);
            for _ in 0..150 {
                let mut bytes = all[next(all.len())].clone();
                for _ in 0..=next(3) {
                    // After the length, which would only be refused.
                    let at = 12 + next(bytes.len() - 12);
                    bytes[at] = next(256) as u8;
                }
                if bytes[16] == 2 {
                    bytes = common::hand_made::with_checksum(bytes);
                }
                let attributes = if bytes[16] == 2 { bytes[22] } else { bytes[17] };
                let compression = Compression::from_id(attributes & 7).unwrap_or_default();
                assert_within(&bytes, compression, MIB);
            }
        }
    }
}
