//! LZ4 frames, byte by byte.

use std::hash::Hasher;

use super::common::hand_made::{lz4, record_of_zeros};
use super::{Bombs, LIMIT, MAX_PAYLOAD_BYTES, Read, Refused, TooLarge};
use lz4_flex::frame::BlockSize;

const END: [u8; 4] = [0; 4];
const INDEPENDENT: u8 = 0b0110_0000;

/// The head of a frame, with the checksum that goes with it.
fn head(flags: u8, block_size: u8, content_size: Option<u64>) -> Vec<u8> {
    let mut descriptor = vec![flags, block_size << 4];
    descriptor.extend(content_size.into_iter().flat_map(little));
    let mut hasher = twox_hash::XxHash32::with_seed(0);
    hasher.write(&descriptor);
    let checksum = (hasher.finish() >> 8) as u8;
    [&[0x04, 0x22, 0x4d, 0x18][..], &descriptor, &[checksum]].concat()
}

fn little(number: u64) -> [u8; 8] {
    let mut bytes = number.to_be_bytes();
    bytes.reverse();
    bytes
}

/// A block behind the size that it claims.
fn block(size: u64, bytes: &[u8]) -> Vec<u8> {
    [&little(size)[..4], bytes].concat()
}

fn framed(blocks: &[u8]) -> Vec<u8> {
    [&head(INDEPENDENT, 4, None)[..], blocks, &END].concat()
}

/// One literal and one match of so many bytes from one byte back, as long runs of 255 as it takes, and five literals.
fn long_match(length: usize) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0, 1, 0];
    let mut left = length - 19;
    while left >= 255 {
        bytes.push(255);
        left -= 255;
    }
    bytes.push(left as u8);
    bytes.extend([0x50, 0, 0, 0, 0, 0]);
    bytes
}

pub(super) fn bombs() -> Bombs {
    let mut all = Bombs(Vec::new());
    all.add_contents(&|bytes| lz4(bytes, |info| info), false);
    for (name, size) in
        [("256 KiB", BlockSize::Max256KB), ("1 MiB", BlockSize::Max1MB), ("4 MiB", BlockSize::Max4MB)]
    {
        let bomb = lz4(&vec![0; 8 << 20], |info| info.block_size(size));
        all.add(format!("zeros in blocks of {name}"), bomb, TooLarge);
    }
    heads(&mut all);
    blocks(&mut all);
    ends(&mut all);
    all
}

fn heads(all: &mut Bombs) {
    let one = record_of_zeros(0, 100);
    let stored = [&block(one.len() as u64 | 1 << 31, &one)[..], &END].concat();
    for size in [0, 1, LIMIT as u64 + 1, 1 << 31, 1 << 63, u64::MAX] {
        // Nobody allocates by this claim, and Kafka's reader does not look at it.
        all.add(
            format!("a content of {size} bytes"),
            [&head(INDEPENDENT | 8, 4, Some(size))[..], &stored].concat(),
            Read,
        );
    }
    for size in [0, 1, 2, 3] {
        all.add(
            format!("block size {size}"),
            [&head(INDEPENDENT, size, None)[..], &stored].concat(),
            Refused,
        );
    }
    for (name, flags) in [
        ("linked blocks", 0b0100_0000),
        ("a dictionary", INDEPENDENT | 1),
        ("a reserved flag", INDEPENDENT | 2),
        ("version 0", 0b0010_0000),
        ("version 3", 0b1110_0000),
    ] {
        all.add(name, [&head(flags, 4, None)[..], &stored].concat(), Refused);
    }
    let mut wrong = [&head(INDEPENDENT, 4, None)[..], &stored].concat();
    wrong[6] ^= 1;
    all.add("a head whose checksum is wrong", wrong, Refused);
    all.add("the magic and nothing else", vec![0x04, 0x22, 0x4d, 0x18], Refused);
    all.add("the magic of old frames", vec![0x02, 0x21, 0x4c, 0x18, 0, 0, 0, 0], Refused);
    all.add("a frame to skip", vec![0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff], Refused);
}

fn blocks(all: &mut Bombs) {
    let one = record_of_zeros(0, 100);
    let record = block(one.len() as u64 | 1 << 31, &one);
    for size in [5, 65_537, 0x7fff_ffff] {
        all.add(format!("a block of {size} bytes"), framed(&block(size, &[0; 4])), Refused);
        all.add(format!("a stored block of {size} bytes"), framed(&block(size | 1 << 31, &[0; 4])), Refused);
    }
    // A token that says: no literals, and the block ends.
    let empty = block(1, &[0]).repeat((MAX_PAYLOAD_BYTES - 1_000) / 5);
    all.add("blocks of nothing", framed(&empty), Refused);
    all.add("blocks of nothing and a record", framed(&[&empty[..], &record].concat()), Read);
    let bytes: Vec<u8> = one.iter().flat_map(|byte| block(1 | 1 << 31, &[*byte])).collect();
    all.add("a block for each byte", framed(&bytes), Read);
    let full = long_match(65_536 - 6);
    let count = LIMIT / 65_536 + 2;
    all.add("the longest matches", framed(&block(full.len() as u64, &full).repeat(count)), TooLarge);
    let over = long_match(65_536 * 2);
    all.add("a block that becomes more than a block", framed(&block(over.len() as u64, &over)), Refused);
    let large = long_match(4 << 20);
    let of_4_mib = [&head(INDEPENDENT, 7, None)[..], &block(large.len() as u64, &large), &END].concat();
    all.add("a match of 4 MiB", of_4_mib, TooLarge);
    for (name, bytes) in [
        ("a match from nowhere", vec![0x1f, 0, 0, 0, 5, 0x50, 0, 0, 0, 0, 0]),
        ("a match from before the beginning", vec![0x1f, 0, 9, 0, 5, 0x50, 0, 0, 0, 0, 0]),
        ("a literal that is not there", vec![0xf0, 255, 255, 255, 7]),
        ("a run without end", vec![0xff; 60_000]),
        ("a match that is cut", vec![0x1f, 0, 1]),
    ] {
        all.add(name, framed(&block(bytes.len() as u64, &bytes)), Refused);
    }
}

fn ends(all: &mut Bombs) {
    let good = lz4(&record_of_zeros(0, 100), |info| info.block_checksums(true).content_checksum(true));
    all.add("no end mark", good[..good.len() - 8].to_vec(), Refused);
    all.add("no content checksum", good[..good.len() - 4].to_vec(), Refused);
    let mut content = good.clone();
    *content.last_mut().unwrap() ^= 1;
    all.add("a content checksum that is wrong", content, Refused);
    let mut of_block = good.clone();
    let at = good.len() - 9;
    of_block[at] ^= 1;
    all.add("a block checksum that is wrong", of_block, Refused);
    all.add("a second frame", [good.clone(), good.clone()].concat(), Refused);
    all.add("zeros after the frame", [good.clone(), vec![0; 1_000]].concat(), Refused);
    all.add("end marks after the frame", [good, END.repeat(100_000)].concat(), Refused);
}
