//! Frames that are cut, damaged or made to hurt: an error, never a panic, and no more memory than stated.

use ottla_protocol::wire::Writer;
use ottla_protocol::{decode_message, decode_request, encode_message};
use proptest::prelude::*;

use crate::generate::{Gen, rich_entropy};
use crate::memory::allocated_bytes;
use crate::oracle::{Oracle, Visit, each_message, versions};

/// A message that is full of fields and still short.
fn sample<O: Oracle>(version: i16) -> Vec<u8> {
    let encoded = |salt| {
        let entropy = rich_entropy(salt);
        let message = O::generate(&mut Gen::new(&entropy), version);
        let mut writer = Writer::new();
        encode_message(&mut writer, version, &message.ours(version)).unwrap();
        writer.bytes().to_vec()
    };
    let short = |bytes: &Vec<u8>| bytes.len() < 400;
    (0..60).map(encoded).filter(short).max_by_key(Vec::len).expect("one short message")
}

/// How much memory the decoded message may take: none for a request, a stated multiple for a response.
fn allowed_bytes(is_request: bool, frame_bytes: usize) -> usize {
    if is_request { 0 } else { 16 * frame_bytes + 64 * 1_024 }
}

/// Decodes, and if that works encodes and decodes again.
fn survives<O: Oracle>(bytes: &[u8], version: i16, is_request: bool) {
    let mut writer = Writer::new();
    let (decoded, allocated) = allocated_bytes(|| decode_message::<O::Ours<'_>>(bytes, version));
    let allowed = allowed_bytes(is_request, bytes.len());
    assert!(allocated <= allowed, "{allocated} bytes of memory for {} in version {version}", bytes.len());
    let Ok((message, _)) = decoded else { return };
    encode_message(&mut writer, version, &message).expect("what was decoded can be encoded");
    let (again, left) = decode_message::<O::Ours<'_>>(writer.bytes(), version).unwrap();
    assert_eq!((again, left), (message, 0), "version {version}");
}

#[test]
fn a_message_cut_at_any_byte_is_an_error() {
    struct Cut;
    impl Visit for Cut {
        fn visit<O: Oracle>(&mut self, name: &str, _is_request: bool) {
            for version in versions::<O>() {
                let bytes = sample::<O>(version);
                for length in 0..bytes.len() {
                    let cut = decode_message::<O::Ours<'_>>(&bytes[..length], version);
                    assert!(cut.is_err(), "{name} version {version} cut at {length}: {cut:?}");
                }
            }
        }
    }
    each_message(&mut Cut);
}

/// At every position, what a 16-bit, a 32-bit and a varint length there could be made to claim.
fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len()).flat_map(move |at| {
        let rest = (bytes.len() - at) as i64;
        let claims =
            [-2, -1, 0, 1, rest - 5, rest - 1, rest, rest + 1, i64::from(i32::MAX), i64::from(i32::MIN)];
        let varints: [&[u8]; 6] = [
            &[0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0xff, 0xff, 0xff, 0xff, 0x07],
            &[0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
            &[0x80, 0x00],
            &[0xff],
        ];
        let fixed = claims.into_iter().flat_map(move |claim| {
            let (short, long) = ((claim as i16).to_be_bytes(), (claim as i32).to_be_bytes());
            [
                overwritten(bytes, at, &short),
                overwritten(bytes, at, &long),
                spliced(bytes, at, &[claim as u8]),
            ]
        });
        fixed.chain(varints.into_iter().map(move |varint| spliced(bytes, at, varint)))
    })
}

fn overwritten(bytes: &[u8], at: usize, with: &[u8]) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    for (byte, new) in damaged[at..].iter_mut().zip(with) {
        *byte = *new;
    }
    damaged
}

fn spliced(bytes: &[u8], at: usize, with: &[u8]) -> Vec<u8> {
    [&bytes[..at], with, &bytes[at + 1..]].concat()
}

#[test]
fn a_length_that_lies_is_survived_within_the_stated_memory() {
    struct Lie;
    impl Visit for Lie {
        fn visit<O: Oracle>(&mut self, _name: &str, is_request: bool) {
            for version in versions::<O>() {
                for bytes in damaged(&sample::<O>(version)) {
                    survives::<O>(&bytes, version, is_request);
                }
            }
        }
    }
    each_message(&mut Lie);
}

proptest! {
    #[test]
    fn random_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        struct Random<'b>(&'b [u8]);
        impl Visit for Random<'_> {
            fn visit<O: Oracle>(&mut self, _name: &str, is_request: bool) {
                for version in versions::<O>() {
                    survives::<O>(self.0, version, is_request);
                }
            }
        }
        each_message(&mut Random(&bytes));
        let (_, allocated) = allocated_bytes(|| decode_request(&bytes).is_ok());
        prop_assert_eq!(allocated, 0);
    }
}
