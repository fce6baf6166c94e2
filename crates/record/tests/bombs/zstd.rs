//! RFC 8878, byte by byte.

use super::common::hand_made::{record_of_zeros, zstd};
use super::{Bombs, LIMIT, MAX_PAYLOAD_BYTES, Read, Refused, TooLarge};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const RAW: u32 = 0;
const RLE: u32 = 1;
const COMPRESSED: u32 = 2;
const RESERVED: u32 = 3;
const MAX_BLOCK_BYTES: u32 = 128 << 10;

fn little(number: u64, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (number >> (8 * at)) as u8).collect()
}

/// A block's head: whether it is the last, what it is, and the size that it claims.
fn block(last: bool, kind: u32, size: u32, bytes: &[u8]) -> Vec<u8> {
    [&little(u64::from(u32::from(last) | kind << 1 | size << 3), 3)[..], bytes].concat()
}

/// A frame with a window of 2 to the power of `log`.
fn frame(log: u8, blocks: &[u8]) -> Vec<u8> {
    [&MAGIC[..], &[0x00, (log - 10) << 3], blocks].concat()
}

/// A frame in one segment that says how large its content is.
fn sized(size: u64, bytes: usize, blocks: &[u8]) -> Vec<u8> {
    let flag = match bytes {
        1 => 0,
        2 => 1,
        4 => 2,
        _ => 3,
    };
    // Two bytes count from 256.
    let size = if bytes == 2 { size.wrapping_sub(256) } else { size };
    [&MAGIC[..], &[flag << 6 | 0x20], &little(size, bytes), blocks].concat()
}

pub(super) fn bombs() -> Bombs {
    let mut all = Bombs(Vec::new());
    all.add_contents(&zstd, true);
    windows(&mut all);
    sizes(&mut all);
    blocks(&mut all);
    frames(&mut all);
    all
}

fn windows(all: &mut Bombs) {
    let one = record_of_zeros(0, 100);
    let record = block(true, RAW, one.len() as u32, &one);
    for log in 10..=41 {
        // Windows up to 8 MiB are always taken, and with this limit none that is larger.
        let fate = if log <= 23 { Read } else { Refused };
        all.add(format!("a window of 2^{log} bytes"), frame(log, &record), fate);
    }
}

fn sizes(all: &mut Bombs) {
    let one = record_of_zeros(0, 100);
    let record = block(true, RAW, one.len() as u32, &one);
    all.add("the size that it has", sized(one.len() as u64, 1, &record), Read);
    for (size, bytes) in [
        (0, 1),
        (255, 1),
        (256, 2),
        (65_791, 2),
        (LIMIT as u64 + 1, 4),
        (u64::from(u32::MAX), 4),
        (1 << 31, 8),
        (1 << 62, 8),
        (u64::MAX - 1, 8),
        (u64::MAX, 8),
    ] {
        all.add(format!("a content of {size} bytes in {bytes}"), sized(size, bytes, &record), Refused);
    }
}

fn blocks(all: &mut Bombs) {
    let one = record_of_zeros(0, 100);
    let record = block(true, RAW, one.len() as u32, &one);
    let repeated = |count: usize| {
        let all_but_last = block(false, RLE, MAX_BLOCK_BYTES, &[0]).repeat(count - 1);
        [all_but_last, block(true, RLE, MAX_BLOCK_BYTES, &[0])].concat()
    };
    // Four bytes become 128 KiB.
    for count in [LIMIT / MAX_BLOCK_BYTES as usize + 1, 1_000, MAX_PAYLOAD_BYTES / 4 - 10] {
        all.add(format!("{count} blocks of one byte again and again"), frame(23, &repeated(count)), TooLarge);
    }
    let empty = block(false, RAW, 0, &[]).repeat((MAX_PAYLOAD_BYTES - 1_000) / 3);
    all.add("blocks of nothing", frame(23, &[&empty[..], &block(true, RAW, 0, &[])].concat()), Refused);
    all.add("blocks of nothing and a record", frame(23, &[&empty[..], &record].concat()), Read);
    all.add("blocks of nothing without end", frame(23, &empty), Refused);
    for (name, kind) in [("raw", RAW), ("repeated", RLE), ("compressed", COMPRESSED), ("reserved", RESERVED)]
    {
        let large = block(true, kind, (1 << 21) - 1, &[0; 100]);
        all.add(format!("a {name} block of 2 MiB"), frame(23, &large), Refused);
        let cut = block(true, kind, 90_000, &[]);
        all.add(format!("a {name} block that is not there"), frame(23, &cut), Refused);
    }
    // Literals of one byte again and again, and no sequences: the sections of a compressed block.
    let literals = |size: u32| [&little(u64::from(1 | 3 << 2 | size << 4), 3)[..], &[0, 0]].concat();
    for size in [MAX_BLOCK_BYTES, MAX_BLOCK_BYTES + 1, (1 << 20) - 1] {
        let content = literals(size);
        let lie = block(false, COMPRESSED, content.len() as u32, &content).repeat(20);
        let fate = if size == MAX_BLOCK_BYTES { TooLarge } else { Refused };
        all.add(format!("literals that become {size} bytes"), frame(23, &lie), fate);
    }
    let sequences = [&little(1 | 3 << 2 | 10 << 4, 3)[..], &[0, 0xff, 0xff, 0xff, 0x00, 1]].concat();
    let lie = block(true, COMPRESSED, sequences.len() as u32, &sequences);
    all.add("98,047 sequences that are not there", frame(23, &lie), Refused);
}

fn frames(all: &mut Bombs) {
    let one = zstd(&record_of_zeros(0, 100));
    let skipped = |size: u64| [&[0x50, 0x2a, 0x4d, 0x18][..], &little(size, 4)].concat();
    let many = skipped(0).repeat((MAX_PAYLOAD_BYTES - 1_000) / 8);
    all.add("frames to skip", many.clone(), Refused);
    all.add("frames to skip and a record", [&many[..], &one].concat(), Read);
    all.add("a frame to skip of 4 GiB", skipped(u64::from(u32::MAX)), Refused);
    all.add(
        "a record and a frame to skip of 4 GiB",
        [&one[..], &skipped(u64::from(u32::MAX))].concat(),
        Refused,
    );
    all.add(
        "a dictionary that nobody has",
        [&MAGIC[..], &[0x23, 1, 2, 3, 4, 100, 1, 0, 0]].concat(),
        Refused,
    );
    all.add("a reserved bit", [&MAGIC[..], &[0x08, 13 << 3, 1, 0, 0]].concat(), Refused);
    all.add("the magic of version 0.7", vec![0x27, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0], Refused);
    all.add("the magic and nothing else", MAGIC.to_vec(), Refused);
    all.add("noise after the frame", [&one[..], &[0x5a; 1_000]].concat(), Refused);
    all.add("half a magic after the frame", [&one[..], &MAGIC[..2]].concat(), Refused);
    let content = record_of_zeros(0, 100);
    let raw = block(true, RAW, content.len() as u32, &content);
    let wrong = [&MAGIC[..], &[0x04, 13 << 3], &raw, &[1, 2, 3, 4]].concat();
    all.add("a content checksum that is wrong", wrong, Refused);
}
