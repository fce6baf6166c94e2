//! Decompression bombs, made by hand: at least fifty of each codec. Whatever a payload claims or becomes, it costs at most
//! the memory that the documentation of `check` and `decode` states, and it is refused where it grows past the limit.
//!
//! Work is counted at the allocator too, because a test must not measure time: all bytes that are ever taken, each of
//! which is written once, and the number of calls, are at most proportional to the payload and the limit. A decoder
//! that takes its state anew for each of a hundred thousand empty frames is caught by that.
//!
//! `cargo test -p ottla-record --test bombs -- --nocapture` tells how many there are and what the dearest of them took.

// Miri is too slow for megabytes, and knows no C.
#![cfg(not(miri))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stdout, reason = "a count that no one sees is worth little")]

#[path = "../common/mod.rs"]
mod common;

mod gzip;
mod lz4;
mod snappy;
mod zstd;

use std::ops::ControlFlow;

use common::counting::{Cost, Counting, cost_of};
use common::hand_made::{batch, header, message, record_of_zeros, varint};
use ottla_record::{
    BatchFilter, BatchHeader, Compression, FilterRules, Limits, RecordError, Scratch, check_with, decode,
    each_key, records_without_key,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// What a payload may become here.
const LIMIT: usize = MIB;
/// The largest payload: what a broker takes by default.
const MAX_PAYLOAD_BYTES: usize = MIB;

/// What must become of a bomb.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It is whole, and a record comes out.
    Read,
    /// It is no payload, or what comes out are no records.
    Refused,
    /// It would become more than it may.
    TooLarge,
}

use Fate::{Read, Refused, TooLarge};

/// The bombs of one codec.
struct Bombs(Vec<(String, Vec<u8>, Fate)>);

impl Bombs {
    fn add(&mut self, name: impl Into<String>, payload: Vec<u8>, fate: Fate) {
        let name = name.into();
        assert!(payload.len() <= MAX_PAYLOAD_BYTES, "{name} has {} bytes", payload.len());
        assert!(self.0.iter().all(|(other, ..)| *other != name), "{name} is there twice");
        self.0.push((name, payload, fate));
    }

    /// What hurts in every codec: `pack` makes one whole stream of any bytes, and `joined` whole streams that follow
    /// one another.
    fn add_contents(&mut self, pack: &dyn Fn(&[u8]) -> Vec<u8>, joins: bool) {
        let one = record_of_zeros(0, 100);
        self.add("zeros", pack(&vec![0; 20 * MIB]), TooLarge);
        self.add("one byte again and again", pack(&vec![0xff; 20 * MIB]), TooLarge);
        self.add("a pattern", pack(&b"ottla".repeat(3 * MIB)), TooLarge);
        self.add("one record too long", pack(&record_of_zeros(0, 20 * MIB)), TooLarge);
        self.add("one byte too many", pack(&vec![0; LIMIT + 1]), TooLarge);
        let many: Vec<u8> = (0..20).flat_map(|at| record_of_zeros(at, MIB)).collect();
        self.add("many long records", pack(&many), TooLarge);
        let small: Vec<u8> = (0..200_000).flat_map(|at| record_of_zeros(at, 0)).collect();
        self.add("many short records", pack(&small), TooLarge);
        self.add("a bomb in a bomb", pack(&pack(&vec![0; 20 * MIB])), Refused);
        for (what, claim) in [("2 GiB", i64::from(i32::MAX)), ("8 EiB", i64::MAX), ("minus one", -1)] {
            self.add(format!("a record of {what}"), pack(&varint(claim)), Refused);
            let record = common::hand_made::record(&[&varint(0), &varint(0), &varint(claim)]);
            self.add(format!("a key of {what}"), pack(&record), Refused);
        }
        self.add("a number without end", pack(&[0xff; 1_000]), Refused);
        for keep in [1, 2, 4] {
            let whole = pack(&record_of_zeros(0, LIMIT / 2));
            self.add(format!("cut to 1/{}", keep + 1), whole[..whole.len() / (keep + 1)].to_vec(), Refused);
        }
        self.add("nothing", Vec::new(), Refused);
        self.add("nothing, packed", pack(&[]), Refused);
        self.add(
            "a record and a bomb's first half",
            {
                let bomb = pack(&[one.clone(), vec![0; LIMIT / 2]].concat());
                bomb[..bomb.len() / 2].to_vec()
            },
            Refused,
        );
        if joins {
            let half = pack(&vec![0; LIMIT / 2 + 1]);
            for count in [2, 3, 16, 32] {
                self.add(format!("{count} halves, too large together"), half.repeat(count), TooLarge);
            }
            self.add("a record, then a bomb", [pack(&one), pack(&vec![0; 20 * MIB])].concat(), TooLarge);
            self.add("a bomb, then a record", [pack(&vec![0; 20 * MIB]), pack(&one)].concat(), TooLarge);
            let empty = pack(&[]);
            let most = (MAX_PAYLOAD_BYTES - 1_000) / empty.len().max(1);
            for count in [10, 1_000, most] {
                let before = empty.repeat(count);
                self.add(format!("{count} empty streams"), before.clone(), Refused);
                self.add(format!("{count} empty streams and a record"), [before, pack(&one)].concat(), Read);
            }
            let bytes: Vec<Vec<u8>> = one.iter().map(|byte| pack(&[*byte])).collect();
            self.add("a stream for each byte", bytes.concat(), Read);
        }
    }
}

/// What `check` and `decode` say that they take at most, both documented.
fn peak_bound(compression: Compression) -> usize {
    let codec = match compression {
        Compression::Zstd => 512 * KIB + (8 * MIB).max((LIMIT + 1).next_power_of_two()),
        _ => 512 * KIB,
    };
    2 * (LIMIT + 128 * KIB) + codec
}

/// What comes of a batch, each way that there is to its records, with what it cost.
fn ways(bytes: &[u8]) -> Vec<(&'static str, Cost, Result<usize, RecordError>)> {
    let limits = Limits { max_batch_bytes: usize::MAX, max_decompressed_bytes: LIMIT, ..Limits::default() };
    let (check_cost, checked) = cost_of(|| check_with(bytes, &limits, &mut Scratch::new()).map(|_| 1));
    let (decode_cost, decoded) = cost_of(|| {
        let decoded = decode(bytes, LIMIT)?;
        decoded.records().try_fold(0, |count, record| record.map(|_| count + 1))
    });
    let (keys_cost, keys) = cost_of(|| each_key(bytes, LIMIT, |_| ControlFlow::Continue(())).map(|()| 1));
    let (search_cost, _) = cost_of(|| records_without_key(bytes, LIMIT, 10));
    let (filter_cost, filtered) = cost_of(|| {
        let mut left = Vec::new();
        BatchFilter::default()
            .filter(bytes, &FilterRules::default(), LIMIT, |_| false, &mut left)
            .map(|filtered| filtered.records_read)
    });
    vec![
        ("check", check_cost, checked),
        ("decode", decode_cost, decoded),
        ("each_key", keys_cost, keys),
        ("records_without_key", search_cost, Ok(0)),
        ("filter", filter_cost, filtered),
    ]
}

#[track_caller]
fn assert_cost(name: &str, way: &str, cost: Cost, payload_bytes: usize, compression: Compression) {
    let peak = peak_bound(compression);
    assert!(cost.peak_bytes <= peak, "{name}: {way} held {} bytes of {peak}", cost.peak_bytes);
    let taken = 2 * peak + 16 * payload_bytes;
    assert!(cost.taken_bytes <= taken, "{name}: {way} took {} bytes of {taken}", cost.taken_bytes);
    let calls = 256 + payload_bytes / 8;
    assert!(cost.calls <= calls, "{name}: {way} allocated {} times of {calls}", cost.calls);
}

/// Holds every bomb against its fate, in a batch whose header says one record, and one that says two billion; and in
/// messages of the old formats.
fn set_off(compression: Compression, Bombs(bombs): Bombs) {
    assert!(bombs.len() >= 50, "{} bombs of {compression}", bombs.len());
    let mut dearest = Cost::default();
    for (name, payload, fate) in &bombs {
        let one = batch(header(1, compression), payload);
        for (way, cost, found) in ways(&one) {
            assert_cost(name, way, cost, payload.len(), compression);
            dearest.peak_bytes = dearest.peak_bytes.max(cost.peak_bytes);
            dearest.taken_bytes = dearest.taken_bytes.max(cost.taken_bytes);
            dearest.calls = dearest.calls.max(cost.calls);
            match (way, fate) {
                ("records_without_key", _) => {}
                (_, Read) => assert_eq!(found, Ok(1), "{name}: {way}"),
                // What comes out may be no record long before it is too much.
                ("check", TooLarge) => assert!(found.is_err(), "{name}: {way}"),
                (_, TooLarge) => {
                    assert_eq!(
                        found,
                        Err(RecordError::DecompressedTooLarge { limit: LIMIT }),
                        "{name}: {way}"
                    );
                }
                (_, Refused) => assert!(found.is_err(), "{name}: {way} says {found:?}"),
            }
        }
        let counted = BatchHeader { last_offset_delta: i32::MAX - 1, ..header(i32::MAX, compression) };
        for (way, cost, found) in ways(&batch(counted, payload)) {
            assert_cost(name, way, cost, payload.len(), compression);
            assert!(
                found.is_err() || way == "records_without_key",
                "{name}: {way} finds two billion records"
            );
        }
        for magic in [0, 1] {
            let wrapper = message(magic, compression.id(), 0, 0, None, Some(payload));
            for (way, cost, _) in ways(&wrapper) {
                assert_cost(name, way, cost, payload.len(), compression);
            }
        }
    }
    println!("{} bombs of {compression}; the dearest: {dearest:?}", bombs.len());
}

#[test]
fn bombs_of_gzip() {
    set_off(Compression::Gzip, gzip::bombs());
}

#[test]
fn bombs_of_snappy() {
    set_off(Compression::Snappy, snappy::bombs());
}

#[test]
fn bombs_of_lz4() {
    set_off(Compression::Lz4, lz4::bombs());
}

#[test]
fn bombs_of_zstd() {
    set_off(Compression::Zstd, zstd::bombs());
}
