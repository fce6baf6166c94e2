//! RFC 1952 around RFC 1951, bit by bit.

use super::common::hand_made::{gzip, record_of_zeros};
use super::{Bombs, LIMIT, MAX_PAYLOAD_BYTES, MIB, Read, Refused, TooLarge};

/// Deflate's bits, the lowest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) -> &mut Bits {
        for at in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((value >> at & 1) as u8) << (self.used % 8);
            self.used += 1;
        }
        self
    }

    /// An empty block of fixed codes: its head, and the code that ends it.
    fn empty_fixed(&mut self, last: bool) -> &mut Bits {
        self.put(u32::from(last), 1).put(0b01, 2).put(0, 7)
    }

    /// An empty block with codes of its own, the shortest there is: 256 ends it, and one distance.
    fn empty_dynamic(&mut self, last: bool) -> &mut Bits {
        self.put(u32::from(last), 1).put(0b10, 2).put(0, 5).put(0, 5).put(14, 4);
        // The lengths of the code for lengths: those of 18 and of 1 are one bit.
        for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1] {
            self.put(u32::from(symbol == 18 || symbol == 1), 3);
        }
        // 256 times nothing, then a length of 1 for 256 and for distance 0, and the end.
        self.put(1, 1).put(127, 7).put(1, 1).put(107, 7).put(0, 1).put(0, 1).put(0, 1)
    }
}

fn head(flags: u8) -> Vec<u8> {
    vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255]
}

/// A member of this deflate stream with any trailer.
fn member(flags: u8, extra: &[u8], deflate: &[u8], trailer: [u8; 8]) -> Vec<u8> {
    [&head(flags)[..], extra, deflate, &trailer].concat()
}

/// A member of so many blocks, all empty but for what `last` adds.
fn of_blocks(bits: &Bits) -> Vec<u8> {
    member(0, &[], &bits.bytes, [0; 8])
}

pub(super) fn bombs() -> Bombs {
    let mut all = Bombs(Vec::new());
    all.add_contents(&gzip, true);
    let one = gzip(&record_of_zeros(0, 100));
    heads(&mut all, &one);
    blocks(&mut all, &one);
    trailers(&mut all, &one);
    all
}

/// Heads that claim or hold more than they need.
fn heads(all: &mut Bombs, one: &[u8]) {
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let deflate = &one[10..];
    all.add(
        "an extra field of 64 KiB that is not there",
        [&head(EXTRA)[..], &[0xff, 0xff, 1, 2]].concat(),
        Refused,
    );
    let extra = [&[0xff, 0xff][..], &[7; 65_535]].concat();
    all.add("an extra field of 64 KiB", [&head(EXTRA)[..], &extra, deflate].concat(), Read);
    all.add("a name without end", [head(NAME), vec![b'x'; MIB / 2]].concat(), Refused);
    all.add("a comment without end", [head(COMMENT), vec![b'x'; MIB / 2]].concat(), Refused);
    let named =
        [&head(NAME | COMMENT)[..], b"a\0b\0", &Bits::default().empty_fixed(true).bytes, &[0; 8]].concat();
    all.add("many named members", named.repeat(MAX_PAYLOAD_BYTES / named.len()), Refused);
    let long_names: Vec<u8> =
        [&head(NAME)[..], &[b'x'; 60_000], b"\0", &Bits::default().empty_fixed(true).bytes, &[0; 8]].concat();
    all.add("many long names", long_names.repeat(16), Refused);
    for flags in [0x20, 0x40, 0x80, 0xe0] {
        all.add(format!("reserved flags {flags:#x}"), [&head(flags)[..], deflate].concat(), Refused);
    }
    for method in [0, 7, 9] {
        let mut bad = one.to_vec();
        bad[2] = method;
        all.add(format!("method {method}"), bad, Refused);
    }
    all.add("a head and nothing else", head(0), Refused);
    all.add("heads and nothing else", head(0).repeat(10_000), Refused);
}

/// Blocks that give nothing, or more than they hold.
fn blocks(all: &mut Bombs, one: &[u8]) {
    let room = MAX_PAYLOAD_BYTES - 1_000;
    let repeated = |block: fn(&mut Bits, bool), bits_each: usize| {
        let mut bits = Bits::default();
        (1..room * 8 / bits_each).for_each(|_| block(&mut bits, false));
        block(&mut bits, true);
        of_blocks(&bits)
    };
    let fixed = repeated(
        |bits, last| {
            bits.empty_fixed(last);
        },
        10,
    );
    all.add("empty blocks of fixed codes", fixed.clone(), Refused);
    all.add("empty blocks of fixed codes and a record", [&fixed, one].concat(), Read);
    let dynamic = repeated(
        |bits, last| {
            bits.empty_dynamic(last);
        },
        95,
    );
    all.add("empty blocks with codes of their own", dynamic.clone(), Refused);
    all.add("empty blocks with codes of their own and a record", [&dynamic, one].concat(), Read);
    let stored = [0, 0, 0, 0xff, 0xff].repeat(room / 5);
    let ended = [&stored[..], &[1, 0, 0, 0xff, 0xff]].concat();
    all.add("empty stored blocks", member(0, &[], &ended, [0; 8]), Refused);
    all.add("empty stored blocks without end", [head(0), stored].concat(), Refused);
    all.add("a stored block that lies", member(0, &[], &[1, 0xff, 0xff, 0, 0, 1, 2, 3], [0; 8]), Refused);
    all.add("a stored block without its complement", member(0, &[], &[1, 5, 0, 5, 0], [0; 8]), Refused);
    all.add("a block of the reserved kind", member(0, &[], &[0b111], [0; 8]), Refused);
    // A match before anything was there: length 258, distance 1.
    let mut before = Bits::default();
    before.put(1, 1).put(0b01, 2).put(0b1010_0011, 8).put(0, 5).put(0, 7);
    all.add("a match before the beginning", of_blocks(&before), Refused);
    // One literal, then matches of 258 bytes at 13 bits each, and no end.
    let mut long = Bits::default();
    long.put(0, 1).put(0b01, 2).put(0b0000_1100, 8);
    (0..2 * LIMIT / 258).for_each(|_| {
        long.put(0b1010_0011, 8).put(0, 5);
    });
    all.add("the longest matches without end", of_blocks(&long), TooLarge);
    for lengths in [[7; 18], [0; 18]] {
        let mut codes = Bits::default();
        codes.put(1, 1).put(0b10, 2).put(31, 5).put(31, 5).put(14, 4);
        lengths.iter().for_each(|length| {
            codes.put(*length, 3);
        });
        all.add(format!("codes of {} bits that are none", lengths[0]), of_blocks(&codes), Refused);
    }
}

fn trailers(all: &mut Bombs, one: &[u8]) {
    let at = one.len() - 8;
    for (name, place) in [("checksum", at), ("size", at + 4)] {
        let mut bad = one.to_vec();
        bad[place] ^= 1;
        all.add(format!("a {name} that is wrong"), bad, Refused);
    }
    let mut size = one.to_vec();
    size[at + 4..].fill(0xff);
    all.add("a size of 4 GiB", size, Refused);
    for missing in [1, 4, 8] {
        all.add(format!("a trailer without {missing} bytes"), one[..one.len() - missing].to_vec(), Refused);
    }
    for (name, rest) in
        [("zeros", vec![0; 1_000]), ("noise", vec![0x5a; 1_000]), ("half a head", head(0)[..5].to_vec())]
    {
        all.add(format!("{name} after the last member"), [one, &rest].concat(), Refused);
    }
}
