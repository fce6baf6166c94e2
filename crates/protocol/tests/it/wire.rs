//! The primitive types: what is read, and what is refused.

use ottla_protocol::wire::{List, MAX_TAGGED_FIELDS, Reader, Writer};
use ottla_protocol::{ProtocolError, Uuid};
use proptest::prelude::*;

fn flexible(bytes: &[u8]) -> Reader<'_> {
    Reader::new(bytes, true)
}

fn fixed(bytes: &[u8]) -> Reader<'_> {
    Reader::new(bytes, false)
}

proptest! {
    #[test]
    fn varints_come_back(value in any::<u32>()) {
        let mut writer = Writer::new();
        writer.unsigned_varint(value);
        let mut reader = flexible(writer.bytes());
        prop_assert_eq!(reader.unsigned_varint("v"), Ok(value));
        prop_assert_eq!(reader.remaining(), 0);
    }

    #[test]
    fn topic_ids_print_and_parse(bytes in any::<[u8; 16]>()) {
        let id = Uuid::from_bytes(bytes);
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        prop_assert_eq!(id.to_string().len(), 22);
    }

    #[test]
    fn any_text_parses_to_an_id_that_prints_it_or_not_at_all(text in "[A-Za-z0-9_=+/-]{20,24}") {
        if let Ok(id) = text.parse::<Uuid>() {
            prop_assert_eq!(id.to_string(), text.trim_end_matches('='));
        }
    }
}

#[test]
fn topic_ids_are_printed_as_kafka_prints_them() {
    let printed = |bits: u128| Uuid::from_bytes(bits.to_be_bytes()).to_string();
    assert_eq!(printed(0), "AAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(printed(1), "AAAAAAAAAAAAAAAAAAAAAQ");
    assert_eq!(printed(u128::MAX), "_____________________w");
    assert_eq!(printed(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210), "ASNFZ4mrze_-3LqYdlQyEA");
    assert_eq!("AAAAAAAAAAAAAAAAAAAAAQ==".parse(), Ok(Uuid::from_bytes(1_u128.to_be_bytes())));
    for bad in ["", "AAAAAAAAAAAAAAAAAAAAAR", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA+", "é"] {
        assert!(bad.parse::<Uuid>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_varint_has_at_most_five_bytes_and_32_bits() {
    let read = |bytes: &[u8]| flexible(bytes).unsigned_varint("v");
    let too_long = Err(ProtocolError::VarintTooLong { field: "v", position: 0 });
    assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Ok(u32::MAX));
    assert_eq!(read(&[0x80, 0x80, 0x80, 0x80, 0x00]), Ok(0), "longer than needed, as Kafka reads it");
    assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0x1f]), too_long);
    assert_eq!(read(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), too_long);
    let short = ProtocolError::UnexpectedEnd { field: "v", position: 1, needed: 1, found: 0 };
    assert_eq!(read(&[0x80]), Err(short));
}

#[test]
fn a_string_says_what_is_wrong_with_it() {
    let end = |position, needed, found| {
        Err(ProtocolError::UnexpectedEnd { field: "name", position, needed, found })
    };
    assert_eq!(fixed(&[0, 2, b'h', b'i']).string("name"), Ok("hi"));
    assert_eq!(flexible(&[3, b'h', b'i']).string("name"), Ok("hi"));
    assert_eq!(fixed(&[0, 3, b'h', b'i']).string("name"), end(2, 3, 2));
    assert_eq!(flexible(&[4, b'h', b'i']).string("name"), end(1, 3, 2));
    assert_eq!(fixed(&[0]).string("name"), end(0, 2, 1));
    let null = Err(ProtocolError::UnexpectedNull { field: "name", position: 0 });
    assert_eq!(fixed(&[0xff, 0xff]).string("name"), null);
    assert_eq!(flexible(&[0]).string("name"), null);
    assert_eq!(flexible(&[0]).nullable_string("name"), Ok(None));
    let negative = ProtocolError::NegativeLength { field: "name", position: 0, found: -2 };
    assert_eq!(fixed(&[0xff, 0xfe]).nullable_string("name"), Err(negative));
    let utf8 = ProtocolError::InvalidUtf8 { field: "name", position: 1 };
    assert_eq!(flexible(&[2, 0xff]).string("name"), Err(utf8));
    let mut long = vec![0x81, 0x80, 0x02];
    long.resize(40_000, b'k');
    let too_long = ProtocolError::StringTooLong { field: "name", position: 0, length: 32_768 };
    assert_eq!(flexible(&long).string("name"), Err(too_long));
}

#[test]
fn a_compact_length_above_31_bits_is_negative() {
    let mut reader = flexible(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    let found = i64::from((u32::MAX - 1).cast_signed());
    assert_eq!(found, -2);
    let negative = ProtocolError::NegativeLength { field: "records", position: 0, found };
    assert_eq!(reader.nullable_bytes("records"), Err(negative));
}

#[test]
fn a_count_above_what_is_left_is_refused_at_once() {
    let bytes = [0x7f, 0xff, 0xff, 0xff, 0, 0];
    let needed = i32::MAX as usize;
    let error = ProtocolError::UnexpectedEnd { field: "topics", position: 0, needed, found: 2 };
    assert_eq!(fixed(&bytes).list::<i32>("topics", 0).err(), Some(error.clone()));
    assert_eq!(fixed(&bytes).vec::<i32>("topics", 0).err(), Some(error));
}

#[test]
fn an_element_without_a_name_has_that_of_its_list() {
    let error = fixed(&[0, 0, 0, 1, 0]).list::<i32>("broker_ids", 0).err();
    let end = ProtocolError::UnexpectedEnd { field: "broker_ids", position: 4, needed: 4, found: 1 };
    assert_eq!(error, Some(end));
}

#[test]
fn a_list_reads_the_same_from_a_frame_and_from_a_slice() {
    let names = ["a", "", "příběh"];
    let slice = List::from(&names);
    for is_flexible in [false, true] {
        let mut writer = Writer::new();
        let bytes: &[u8] = if is_flexible {
            &[4, 2, b'a', 1, 10, b'p', 0xc5, 0x99, 0xc3, 0xad, b'b', 0xc4, 0x9b, b'h']
        } else {
            writer.list(&slice, 0);
            writer.bytes()
        };
        let list = Reader::new(bytes, is_flexible).list::<&str>("names", 0).unwrap();
        assert_eq!(list, slice);
        assert_eq!((list.len(), list.iter().len(), list.is_empty()), (3, 3, false));
        assert_eq!(format!("{list:?}"), format!("{names:?}"));
        assert_eq!(list.into_iter().collect::<Vec<_>>(), names);
    }
}

#[test]
fn tagged_fields_are_known_or_stepped_over() {
    // Tag 1 with two bytes, tag 300 with none, and one byte after the section.
    let bytes = [2, 1, 2, 0x12, 0x34, 0xac, 0x02, 0, 9];
    let mut reader = flexible(&bytes);
    let mut seen = Vec::new();
    let read = reader.tagged_fields(|tag, field| {
        seen.push(tag);
        if tag == 1 {
            assert_eq!(field.i16("known"), Ok(0x1234));
            assert!(field.i8("beyond").is_err(), "a field does not leave its size");
        }
        Ok(tag == 1)
    });
    assert_eq!((read, seen, reader.remaining()), (Ok(()), vec![1, 300], 1));
    let mut reader = flexible(&bytes);
    assert_eq!((reader.no_tagged_fields(), reader.remaining()), (Ok(()), 1));
    let mut reader = fixed(&bytes);
    assert_eq!((reader.no_tagged_fields(), reader.remaining()), (Ok(()), 9), "there are none");
}

#[test]
fn tagged_fields_that_lie_are_refused() {
    let read =
        |bytes: &[u8]| flexible(bytes).tagged_fields(|tag, field| Ok(tag == 0 && field.i8("known").is_ok()));
    let order = Err(ProtocolError::TagOutOfOrder { position: 3, tag: 5 });
    assert_eq!(read(&[2, 5, 0, 5, 0]), order, "twice the same");
    assert_eq!(read(&[2, 6, 0, 5, 0]), order);
    let size = ProtocolError::TaggedFieldSize { position: 3, tag: 0, size_bytes: 2, left: 1 };
    assert_eq!(read(&[1, 0, 2, 7, 7]), Err(size));
    let end = ProtocolError::UnexpectedEnd { field: "tagged field", position: 3, needed: 9, found: 2 };
    assert_eq!(read(&[1, 4, 9, 0, 0]), Err(end));
    let found = MAX_TAGGED_FIELDS + 1;
    let too_many = ProtocolError::TooManyTaggedFields { position: 0, found };
    assert_eq!(read(&[found as u8]), Err(too_many));
}

#[test]
fn as_many_tagged_fields_as_allowed_are_read() {
    let mut bytes = vec![MAX_TAGGED_FIELDS as u8];
    bytes.extend((0..MAX_TAGGED_FIELDS as u8).flat_map(|tag| [tag, 0]));
    assert_eq!(flexible(&bytes).no_tagged_fields(), Ok(()));
}
