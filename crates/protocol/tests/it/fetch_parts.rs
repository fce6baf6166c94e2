//! Records that the sender holds: what leaves is what would leave if they were in the frame.

use std::borrow::Cow;

use ottla_protocol::api::fetch::{FetchableTopicResponse, PartitionData, Records, Response};
use ottla_protocol::wire::{Part, Writer};
use ottla_protocol::{EncodeError, encode_response};
use proptest::prelude::*;

fn response<'a>(records: impl IntoIterator<Item = Records<'a>>) -> Response<'a> {
    let partition =
        |(index, records)| PartitionData { partition_index: index, records, ..Default::default() };
    let partitions = (0..).zip(records).map(partition).collect();
    let topic = FetchableTopicResponse { topic: "letters".into(), partitions, ..Default::default() };
    Response { responses: vec![topic], ..Default::default() }
}

/// What a sender does.
fn sent(writer: &Writer, held: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in writer.parts() {
        match part {
            Part::Bytes(range) => bytes.extend(writer.part_bytes(range)),
            Part::External { index, len } => {
                assert_eq!(held[index].len(), len);
                bytes.extend(&held[index]);
            }
        }
    }
    bytes
}

proptest! {
    #[test]
    fn external_records_send_the_same_bytes_as_inline_ones(
        frames in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..5), 1..4),
        version in 4_i16..=18,
    ) {
        let (mut inline, mut external) = (Writer::new(), Writer::new());
        for held in &frames {
            let here = held.iter().map(|records| Records::Inline(Cow::Borrowed(records)));
            encode_response(&mut inline, 3, version, &response(here)).unwrap();
            let there = held.iter().map(|records| Records::External(records.len()));
            encode_response(&mut external, 3, version, &response(there)).unwrap();
        }
        let held = frames.concat();
        prop_assert_eq!(external.total_bytes(), inline.bytes().len());
        prop_assert_eq!(inline.total_bytes(), inline.bytes().len());
        prop_assert_eq!(sent(&external, &held), inline.bytes());
        prop_assert_eq!(sent(&inline, &[]), inline.bytes());
    }
}

#[test]
fn parts_come_in_order_and_none_is_empty() {
    let mut writer = Writer::new();
    let records = [Records::External(7), Records::External(0), Records::Null, Records::External(9)];
    encode_response(&mut writer, 1, 11, &response(records)).unwrap();
    let parts: Vec<Part> = writer.parts().collect();
    let [Part::Bytes(head), first, Part::Bytes(middle), second] = &parts[..] else { panic!("{parts:?}") };
    assert_eq!((head.start, head.end, middle.end), (0, middle.start, writer.bytes().len()));
    assert_eq!(*first, Part::External { index: 0, len: 7 });
    assert_eq!(*second, Part::External { index: 2, len: 9 }, "the empty one counts");
    assert_eq!(writer.total_bytes(), writer.bytes().len() + 16);
    let length = i32::from_be_bytes(writer.bytes()[..4].try_into().unwrap());
    assert_eq!(length as usize, writer.total_bytes() - 4, "the length counts external bytes");
}

#[test]
fn a_frame_of_2_gib_is_taken_back_with_its_marks() {
    let mut writer = Writer::new();
    encode_response(&mut writer, 1, 18, &response([Records::External(5)])).unwrap();
    let (bytes, total) = (writer.bytes().to_vec(), writer.total_bytes());
    let big = [Records::External(i32::MAX as usize / 2), Records::External(i32::MAX as usize / 2)];
    let error = encode_response(&mut writer, 2, 18, &response(big));
    assert!(
        matches!(error, Err(EncodeError::FrameTooLarge { size_bytes }) if size_bytes > i32::MAX as usize - 9)
    );
    assert_eq!((writer.bytes(), writer.total_bytes()), (&*bytes, total));
    let error = encode_response(&mut writer, 2, 18, &response([Records::External(usize::MAX)]));
    assert!(matches!(error, Err(EncodeError::TooLong { .. })));
    assert_eq!(writer.parts().count(), 3, "head, records, tail of the first frame");
}

#[test]
fn a_cleared_writer_starts_anew() {
    let mut writer = Writer::new();
    encode_response(&mut writer, 1, 18, &response([Records::External(5)])).unwrap();
    let first = writer.bytes().to_vec();
    writer.clear();
    assert!(writer.is_empty());
    assert_eq!(writer.parts().count(), 0);
    encode_response(&mut writer, 1, 18, &response([Records::External(5)])).unwrap();
    assert_eq!(writer.bytes(), first);
    assert!(writer.parts().any(|part| part == Part::External { index: 0, len: 5 }));
}
