//! Snappy's elements, byte by byte, bare and in the framing of snappy-java.

use super::common::hand_made::{record_of_zeros, snappy_bare, snappy_framed};
use super::{Bombs, LIMIT, MAX_PAYLOAD_BYTES, MIB, Read, Refused, TooLarge};

/// The length that a block says it becomes: seven bits a byte, the lowest first.
fn claim(mut length: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while length > 0x7f {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out
}

fn framed(contents: &[u8]) -> Vec<u8> {
    let blocks: Vec<Vec<u8>> = contents.chunks(32 * 1024).map(snappy_bare).collect();
    snappy_framed(&blocks.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// One literal of one byte, then copies of 64 bytes from one byte back, three bytes each: nothing gives more.
fn copies(length: usize) -> Vec<u8> {
    let mut block = claim(length as u64);
    block.extend([0, 0]);
    let left = length - 1;
    block.extend([0xfe, 1, 0].repeat(left / 64));
    if !left.is_multiple_of(64) {
        block.extend([((left % 64 - 1) as u8) << 2 | 2, 1, 0]);
    }
    block
}

pub(super) fn bombs() -> Bombs {
    let mut all = Bombs(Vec::new());
    all.add_contents(&framed, true);
    bare(&mut all);
    elements(&mut all);
    framing(&mut all);
    all
}

/// Both forms of a block: bare, and as the only one in the framing.
fn both(all: &mut Bombs, name: &str, block: &[u8], fate: super::Fate) {
    all.add(format!("{name}, bare"), block.to_vec(), fate);
    all.add(format!("{name}, framed"), snappy_framed(&[block]), fate);
}

fn bare(all: &mut Bombs) {
    for (name, contents) in [("zeros", vec![0; 20 * MIB]), ("one long record", record_of_zeros(0, 20 * MIB))]
    {
        all.add(format!("{name}, bare"), snappy_bare(&contents), TooLarge);
    }
    both(all, "copies up to one byte too many", &copies(LIMIT + 1), TooLarge);
    both(all, "copies of all that is allowed", &copies(LIMIT), Refused);
    for length in [1, 22, LIMIT as u64, LIMIT as u64 + 1, u64::from(u32::MAX), 1 << 32, u64::MAX] {
        // Two bytes can become one: a record of no bytes.
        both(all, &format!("{length} bytes claimed of two"), &[claim(length), vec![0, 7]].concat(), Refused);
    }
    both(all, "a claim without end", &[0xff; 100], Refused);
    both(all, "a claim written longer than it needs to be", &[0x80, 0x80, 0x80, 0x80, 0x00], Refused);
    let longest = [claim(22 * 1_000), vec![0xfe; 997]].concat();
    both(all, "the most that its size may claim", &longest, Refused);
}

fn elements(all: &mut Bombs) {
    for (name, tag) in [
        ("a literal of 4 GiB", vec![63 << 2, 0xff, 0xff, 0xff, 0xff]),
        ("a literal of 16 MiB", vec![62 << 2, 0xff, 0xff, 0xff]),
        ("a literal of 64 KiB", vec![61 << 2, 0xff, 0xff]),
        ("a literal of 256 bytes", vec![60 << 2, 0xff]),
        ("a copy from before the beginning", vec![0x01, 0x01]),
        ("a copy from nowhere", vec![0, 7, 0xfe, 0, 0]),
        ("a copy from 4 GiB back", vec![0, 7, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("a copy that is cut", vec![0, 7, 0xfe, 1]),
    ] {
        both(all, name, &[claim(60), tag].concat(), Refused);
    }
}

fn framing(all: &mut Bombs) {
    let head = snappy_framed(&[]);
    let one = snappy_bare(&record_of_zeros(0, 100));
    all.add("a head and nothing else", head.clone(), Refused);
    let heads = head.repeat((MAX_PAYLOAD_BYTES - 1_000) / head.len());
    all.add("heads and nothing else", heads.clone(), Refused);
    all.add("heads and a record", [heads, snappy_framed(&[&one])].concat(), Read);
    let empty = [0, 0, 0, 1, 0].repeat((MAX_PAYLOAD_BYTES - 1_000) / 5);
    all.add("blocks of nothing", [&head[..], &empty].concat(), Refused);
    let length = (one.len() as u32).to_be_bytes();
    all.add("blocks of nothing and a record", [&head[..], &empty, &length, &one].concat(), Read);
    for length in [i32::MIN, -1, 0, i32::MAX, 1_000_000] {
        let block = [&length.to_be_bytes()[..], &one].concat();
        all.add(format!("a block of {length} bytes"), [&head[..], &block].concat(), Refused);
    }
    let nested = snappy_framed(&[&snappy_bare(&framed(&vec![0; 4 * MIB]))]);
    all.add("the framing inside the framing", nested, Refused);
    let mut newer = snappy_framed(&[&one]);
    newer[12..16].copy_from_slice(&i32::MAX.to_be_bytes());
    all.add("a framing that is too new", newer, Refused);
    let whole = copies(LIMIT / 4 + 1);
    let blocks = vec![whole.as_slice(); 16];
    all.add("blocks that are too large together", snappy_framed(&blocks), TooLarge);
}
