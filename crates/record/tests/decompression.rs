//! The codecs: the forms that clients write, and the forms that are made to hurt.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::hand_made::{
    batch, gzip, header, lz4, message, record_of_zeros, snappy_bare, snappy_framed, zstd as zstd_frame,
};
use lz4_flex::frame::{BlockMode, BlockSize};
use ottla_record::{Compression, Limits, Magic, RecordError, check, decode};

const LIMIT: usize = 1 << 20;

fn limits() -> Limits {
    Limits { max_decompressed_bytes: LIMIT, ..Limits::default() }
}

fn of(compression: Compression, record_count: i32, payload: &[u8]) -> Vec<u8> {
    batch(header(record_count, compression), payload)
}

/// What the check and the decoder say of a batch, which must be the same.
fn both(batch: &[u8]) -> Result<usize, RecordError> {
    let checked = check(batch, &limits()).map(|checked| checked.header.record_count as usize);
    let decoded = decode(batch, LIMIT)
        .and_then(|decoded| decoded.records().collect::<Result<Vec<_>, _>>().map(|records| records.len()));
    assert_eq!(checked, decoded);
    checked
}

#[track_caller]
fn assert_broken(found: Result<usize, RecordError>, codec: Compression, word: &str) {
    match found {
        Err(RecordError::Decompress { compression, reason }) => {
            assert_eq!(compression, codec);
            assert!(reason.contains(word), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

/// A hundred records of a thousand bytes.
fn records() -> Vec<u8> {
    (0..100).flat_map(|index| record_of_zeros(index, 1_000)).collect()
}

#[test]
fn snappy_is_read_bare_and_framed_and_concatenated() {
    let records = records();
    assert_eq!(both(&of(Compression::Snappy, 100, &snappy_bare(&records))), Ok(100));
    let (first, second) = records.split_at(40_000);
    let (first, second) = (snappy_bare(first), snappy_bare(second));
    assert_eq!(both(&of(Compression::Snappy, 100, &snappy_framed(&[&first, &second]))), Ok(100));
    let twice = [snappy_framed(&[&first]), snappy_framed(&[&second])].concat();
    assert_eq!(both(&of(Compression::Snappy, 100, &twice)), Ok(100));
    let ending_in_a_header = [snappy_framed(&[&first, &second]), snappy_framed(&[])].concat();
    assert_eq!(both(&of(Compression::Snappy, 100, &ending_in_a_header)), Ok(100));
    let with_empty_block = snappy_framed(&[&first, &snappy_bare(b""), &second]);
    assert_eq!(both(&of(Compression::Snappy, 100, &with_empty_block)), Ok(100));
}

#[test]
fn gzip_is_read_with_more_than_one_member() {
    let records = records();
    let (first, second) = records.split_at(12_345);
    let payload = [gzip(first), gzip(b""), gzip(second)].concat();
    assert_eq!(both(&of(Compression::Gzip, 100, &payload)), Ok(100));
}

#[test]
fn zstd_is_read_with_more_than_one_frame_and_with_skippable_ones() {
    let records = records();
    let (first, second) = records.split_at(12_345);
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let payload = [zstd_frame(first), skippable, zstd_frame(b""), zstd_frame(second)].concat();
    assert_eq!(both(&of(Compression::Zstd, 100, &payload)), Ok(100));
}

#[test]
fn lz4_is_read_with_checksums_sizes_and_every_block_size() {
    let records = records();
    for block_size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB] {
        let payload = lz4(&records, |info| {
            info.block_size(block_size)
                .block_checksums(true)
                .content_checksum(true)
                .content_size(Some(records.len() as u64))
        });
        assert_eq!(both(&of(Compression::Lz4, 100, &payload)), Ok(100));
    }
}

#[test]
fn lz4_stores_what_does_not_compress() {
    let mut state = 1u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(5_000)
    .collect();
    let mut record = record_of_zeros(0, 5_000);
    record[8..5_008].copy_from_slice(&noise);
    let payload = lz4(&record, |info| info);
    assert!(payload.len() > record.len(), "stored as it is");
    assert_eq!(both(&of(Compression::Lz4, 1, &payload)), Ok(1));
}

#[test]
fn lz4_forms_that_kafka_does_not_read_are_refused() {
    let records = records();
    let linked = lz4(&records, |info| info.block_mode(BlockMode::Linked));
    assert_broken(both(&of(Compression::Lz4, 100, &linked)), Compression::Lz4, "linked");
    let good = lz4(&records, |info| info);
    let without_end = &good[..good.len() - 4];
    assert_broken(both(&of(Compression::Lz4, 100, without_end)), Compression::Lz4, "cut");
    let twice = [good.clone(), good.clone()].concat();
    assert_eq!(
        both(&of(Compression::Lz4, 100, &twice)),
        Err(RecordError::TrailingBytes { count: good.len() })
    );
    for (at, word) in [(0, "magic"), (4, "version"), (5, "block size"), (6, "checksum")] {
        let mut bad = good.clone();
        bad[at] ^= 0xff;
        assert_broken(both(&of(Compression::Lz4, 100, &bad)), Compression::Lz4, word);
    }
    for flags in [0x20, 0xa0, 0xe0, 0x61, 0x62] {
        let mut bad = good.clone();
        bad[4] = flags;
        assert_broken(both(&of(Compression::Lz4, 100, &bad)), Compression::Lz4, "version");
    }
}

/// A frame of compressed blocks, each of 64 KiB at most by its head.
#[expect(clippy::little_endian_bytes, reason = "the LZ4 frame format is little-endian")]
fn lz4_of_blocks(blocks: &[&[u8]]) -> Vec<u8> {
    let mut frame = b"\x04\x22\x4d\x18\x60\x40\x82".to_vec();
    for block in blocks {
        frame.extend((block.len() as u32).to_le_bytes());
        frame.extend_from_slice(block);
    }
    frame.extend([0; 4]);
    frame
}

#[test]
fn an_lz4_block_of_nothing_is_not_the_end() {
    let records = records();
    let (first, second) = records.split_at(40_000);
    let (first, second) = (lz4_flex::block::compress(first), lz4_flex::block::compress(second));
    for blocks in [[&first, &second, &[0][..]], [&first, &[0][..], &second], [&[0][..], &first, &second]] {
        assert_eq!(both(&of(Compression::Lz4, 100, &lz4_of_blocks(&blocks))), Ok(100));
    }
}

#[test]
fn an_lz4_block_that_becomes_larger_than_its_frame_allows_is_refused() {
    let payload = lz4_of_blocks(&[&lz4_flex::block::compress(&record_of_zeros(0, 70_000))]);
    let batch = of(Compression::Lz4, 1, &payload);
    for max_decompressed_bytes in [LIMIT, 65_536] {
        let found = check(&batch, &Limits { max_decompressed_bytes, ..limits() });
        assert_broken(found.map(|_| 1), Compression::Lz4, "");
    }
    let smaller = check(&batch, &Limits { max_decompressed_bytes: 65_535, ..limits() });
    assert_eq!(smaller, Err(RecordError::DecompressedTooLarge { limit: 65_535 }));
}

#[test]
#[expect(clippy::little_endian_bytes, reason = "the LZ4 frame format is little-endian")]
fn an_lz4_block_above_the_size_of_its_frame_is_refused() {
    let record = record_of_zeros(0, 65_536);
    let mut stored = b"\x04\x22\x4d\x18\x60\x40\x82".to_vec();
    stored.extend((record.len() as u32 | 1 << 31).to_le_bytes());
    stored.extend(&record);
    stored.extend([0; 4]);
    assert_broken(both(&of(Compression::Lz4, 1, &stored)), Compression::Lz4, "block of");
}

#[test]
fn lz4_checksums_are_looked_at() {
    let records = records();
    let block_sums = lz4(&records, |info| info.block_checksums(true));
    let content_sum = lz4(&records, |info| info.content_checksum(true));
    for (mut payload, from_end, word) in [(block_sums, 5, "block"), (content_sum, 1, "content")] {
        let at = payload.len() - from_end;
        payload[at] ^= 1;
        assert_broken(both(&of(Compression::Lz4, 100, &payload)), Compression::Lz4, word);
    }
}

/// The old clients' header checksum is wrong by the format, and right only in the old messages.
#[test]
fn a_wrong_lz4_header_checksum_is_read_in_messages_of_magic_0_and_1_only() {
    for magic in [0, 1] {
        let inner = message(magic, 0, 0, 5, None, Some(b"inner"));
        let mut payload = lz4(&inner, |info| info);
        payload[6] ^= 0x55;
        let wrapper = message(magic, 3, 0, 5, None, Some(&payload));
        let decoded = decode(&wrapper, LIMIT).unwrap();
        assert_eq!(decoded.records().next().unwrap().unwrap().value, Some(&b"inner"[..]));
    }
    let mut payload = lz4(&records(), |info| info);
    payload[6] ^= 0x55;
    assert_broken(both(&of(Compression::Lz4, 100, &payload)), Compression::Lz4, "header checksum");
}

#[test]
fn a_cut_payload_is_refused_at_every_length() {
    let records: Vec<u8> = (0..3).flat_map(|index| record_of_zeros(index, 20)).collect();
    for (codec, payload) in [
        (Compression::Gzip, gzip(&records)),
        (Compression::Snappy, snappy_bare(&records)),
        (Compression::Snappy, snappy_framed(&[&snappy_bare(&records)])),
        (Compression::Lz4, lz4(&records, |info| info.content_checksum(true))),
        (Compression::Zstd, zstd_frame(&records)),
    ] {
        assert_eq!(both(&of(codec, 3, &payload)), Ok(3));
        for len in 0..payload.len() {
            assert!(both(&of(codec, 3, &payload[..len])).is_err(), "{codec} {len}");
        }
    }
}

#[test]
fn a_zstd_frame_without_its_checksum_is_refused() {
    use std::io::Write;
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(&records()).unwrap();
    let payload = encoder.finish().unwrap();
    assert_eq!(both(&of(Compression::Zstd, 100, &payload)), Ok(100));
    let cut = &payload[..payload.len() - 4];
    assert_broken(both(&of(Compression::Zstd, 100, cut)), Compression::Zstd, "cut");
}

#[test]
fn bytes_after_the_compressed_stream_are_refused() {
    let records = records();
    for (codec, payload) in [
        (Compression::Gzip, gzip(&records)),
        (Compression::Snappy, snappy_framed(&[&snappy_bare(&records)])),
        (Compression::Snappy, snappy_bare(&records)),
        (Compression::Lz4, lz4(&records, |info| info)),
        (Compression::Zstd, zstd_frame(&records)),
    ] {
        for tail in [&b"\0"[..], b"tail", &[0xff; 40]] {
            let payload = [&payload, tail].concat();
            assert!(both(&of(codec, 100, &payload)).is_err(), "{codec}");
        }
    }
}

#[test]
fn records_after_the_counted_ones_are_found_behind_every_codec() {
    let records = records();
    for (codec, payload) in [
        (Compression::Gzip, gzip(&records)),
        (Compression::Snappy, snappy_bare(&records)),
        (Compression::Lz4, lz4(&records, |info| info)),
        (Compression::Zstd, zstd_frame(&records)),
    ] {
        let found = check(&of(codec, 99, &payload), &limits());
        assert!(matches!(found, Err(RecordError::TrailingBytes { .. })), "{codec} {found:?}");
        let found = check(&of(codec, 101, &payload), &limits());
        assert_eq!(found, Err(RecordError::RecordsMissing { record_count: 101, found: 100 }), "{codec}");
        let one_short = of(codec, 99, &payload);
        let decoded = decode(&one_short, LIMIT).unwrap();
        let last = decoded.records().last().unwrap();
        assert_eq!(
            last,
            Err(RecordError::TrailingBytes { count: record_of_zeros(99, 1_000).len() }),
            "{codec}"
        );
    }
}

#[test]
fn exactly_the_limit_is_taken_and_one_byte_more_is_not() {
    for spare in [0, 1] {
        let mut record = record_of_zeros(0, LIMIT - 12 + spare);
        while record.len() < LIMIT + spare {
            record = record_of_zeros(0, LIMIT - 12 + spare + (LIMIT + spare - record.len()));
        }
        assert_eq!(record.len(), LIMIT + spare);
        let blocks: Vec<Vec<u8>> = record.chunks(32 * 1024).map(snappy_bare).collect();
        let blocks: Vec<&[u8]> = blocks.iter().map(Vec::as_slice).collect();
        for (codec, payload) in [
            (Compression::Gzip, gzip(&record)),
            (Compression::Snappy, snappy_bare(&record)),
            (Compression::Snappy, snappy_framed(&blocks)),
            (Compression::Lz4, lz4(&record, |info| info)),
            (Compression::Lz4, lz4(&record, |info| info.block_size(BlockSize::Max4MB))),
            (Compression::Zstd, zstd_frame(&record)),
        ] {
            let expected = match spare {
                0 => Ok(1),
                _ => Err(RecordError::DecompressedTooLarge { limit: LIMIT }),
            };
            assert_eq!(both(&of(codec, 1, &payload)), expected, "{codec}");
        }
    }
}

/// Zeros, which every codec packs best.
#[test]
fn bombs_are_refused_at_the_limit() {
    let zeros = vec![0; 12 * LIMIT];
    let snappy_blocks: Vec<Vec<u8>> = zeros.chunks(32 * 1024).map(snappy_bare).collect();
    let snappy_blocks: Vec<&[u8]> = snappy_blocks.iter().map(Vec::as_slice).collect();
    for (codec, payload) in [
        (Compression::Gzip, gzip(&zeros)),
        (Compression::Snappy, snappy_bare(&zeros)),
        (Compression::Snappy, snappy_framed(&snappy_blocks)),
        (Compression::Lz4, lz4(&zeros, |info| info)),
        (Compression::Lz4, lz4(&zeros, |info| info.block_size(BlockSize::Max4MB))),
        (Compression::Zstd, zstd_frame(&zeros)),
    ] {
        let limits = Limits { max_batch_bytes: usize::MAX, ..limits() };
        // Zeros are records of no bytes, which are refused by themselves; a long record is not.
        let long = [record_of_zeros(0, 8 * LIMIT), zeros.clone()].concat();
        let too_large = RecordError::DecompressedTooLarge { limit: LIMIT };
        assert_eq!(decode(&of(codec, 1, &payload), LIMIT).unwrap_err(), too_large, "{codec}");
        assert!(check(&of(codec, 1, &payload), &limits).is_err(), "{codec}");
        let payload = match codec {
            Compression::Gzip => gzip(&long),
            Compression::Snappy => snappy_bare(&long),
            Compression::Lz4 => lz4(&long, |info| info),
            _ => zstd_frame(&long),
        };
        assert_eq!(check(&of(codec, 1, &payload), &limits), Err(too_large), "{codec}");
    }
}

/// Reading on for it would end in another error, or in one of the codec's.
#[test]
fn a_record_that_no_limit_allows_is_not_waited_for() {
    let head_of_a_long_record = record_of_zeros(0, 3 * LIMIT)[..40].to_vec();
    let too_large = Err(RecordError::DecompressedTooLarge { limit: LIMIT });
    for (codec, payload) in [
        (Compression::Gzip, gzip(&head_of_a_long_record)),
        (Compression::Snappy, snappy_bare(&head_of_a_long_record)),
        (Compression::Lz4, lz4(&head_of_a_long_record, |info| info)),
        (Compression::Zstd, zstd_frame(&head_of_a_long_record)),
    ] {
        assert_eq!(check(&of(codec, 1, &payload), &limits()), too_large, "{codec}");
    }
}

/// A codec would make bytes of nothing, and find none here.
#[test]
fn a_batch_that_a_cleaner_emptied_has_no_records_whatever_its_codec() {
    for codec in Compression::ALL {
        let emptied = batch(header(0, codec), &[]);
        assert_eq!(decode(&emptied, LIMIT).unwrap().records().count(), 0, "{codec}");
    }
    let with_bytes = batch(header(0, Compression::Gzip), b"no gzip");
    assert!(matches!(decode(&with_bytes, LIMIT), Err(RecordError::Decompress { .. })));
    assert!(decode(&batch(header(1, Compression::Gzip), &[]), LIMIT).is_err());
}

#[test]
fn a_zstd_window_of_2_gib_is_refused() {
    // A frame with a window descriptor of 2^31 bytes and one empty last block.
    let payload = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3, 0x01, 0x00, 0x00];
    assert_broken(both(&of(Compression::Zstd, 1, &payload)), Compression::Zstd, "memory");
    let within = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (23 - 10) << 3, 0x01, 0x00, 0x00];
    let empty = RecordError::RecordsMissing { record_count: 1, found: 0 };
    assert_eq!(both(&of(Compression::Zstd, 1, &within)), Err(empty));
}

#[test]
fn a_snappy_block_that_lies_about_its_length_is_refused() {
    // 4 GiB - 1, 2 MiB, and 100 bytes more than there are.
    for claim in [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0x80, 0x80, 0x80, 0x01], &[0x66]] {
        let block = [claim, &[0x00, b'x']].concat();
        assert_broken(both(&of(Compression::Snappy, 1, &block)), Compression::Snappy, "");
        let framed = snappy_framed(&[&block]);
        assert_broken(both(&of(Compression::Snappy, 1, &framed)), Compression::Snappy, "");
    }
}

#[test]
fn a_snappy_framing_that_lies_is_refused() {
    let block = snappy_bare(&record_of_zeros(0, 100));
    let good = snappy_framed(&[&block]);
    assert_eq!(both(&of(Compression::Snappy, 1, &good)), Ok(1));
    for length in [-1, 0, i32::MIN, i32::MAX, block.len() as i32 + 1] {
        let mut bad = good.clone();
        bad[16..20].copy_from_slice(&length.to_be_bytes());
        assert_broken(both(&of(Compression::Snappy, 1, &bad)), Compression::Snappy, "bytes");
    }
    let ending_in_nothing = snappy_framed(&[&block, b""]);
    assert_broken(both(&of(Compression::Snappy, 1, &ending_in_nothing)), Compression::Snappy, "of 0 bytes");
    let mut newer = good;
    newer[12..16].copy_from_slice(&2i32.to_be_bytes());
    assert_broken(both(&of(Compression::Snappy, 1, &newer)), Compression::Snappy, "version 2");
}

#[test]
fn zstd_does_not_exist_in_the_old_formats() {
    for (magic, format) in [(0, Magic::V0), (1, Magic::V1)] {
        let inner = message(magic, 0, 0, 0, None, None);
        let wrapper = message(magic, 4, 0, 0, None, Some(&zstd_frame(&inner)));
        let refused = RecordError::CodecNotInFormat { compression: Compression::Zstd, magic: format };
        assert_eq!(decode(&wrapper, LIMIT).unwrap_err(), refused);
    }
}

#[test]
fn garbage_is_refused_by_every_codec() {
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        for garbage in [&b""[..], &[0xff; 64], b"not compressed at all, just a sentence"] {
            assert!(both(&of(codec, 1, garbage)).is_err(), "{codec} {garbage:?}");
        }
    }
}
