//! The lookup of the source notes (SEEDS row 5): segment 00000000001560140916, offset 1560140921 -> relative 5 -> byte 456; offset 1560140922 -> not in the index -> from the nearest lower entry, and scan.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Copied, arg, run};
use ottla::Offset;
use ottla_record::{BatchBuilder, BatchHeader};

const BASE: i64 = 1_560_140_916;

fn batch(base: i64, values: &[Vec<u8>]) -> Vec<u8> {
    let mut builder = BatchBuilder::new().base_offset(Offset::new(base)).leader_epoch(0);
    for value in values {
        builder.push(1_700_000_000_000, None, Some(value), &[]).unwrap();
    }
    builder.build().unwrap()
}

/// A directory with that segment: five records in a batch of 456 bytes, then one record a batch.
fn notes() -> (tempfile::TempDir, PathBuf) {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    fs::create_dir(&dir).unwrap();
    let record_overhead = 7;
    let fill = 456 - BatchHeader::LEN - 5 * record_overhead;
    let mut values = vec![vec![b'.'; fill / 5]; 5];
    values[4] = vec![b'.'; fill - 4 * (fill / 5)];
    let mut log = batch(BASE, &values);
    // Lengths of 64 bytes and more take two bytes, so the sum is set right here and checked.
    while log.len() != 456 {
        let value = values.last_mut().unwrap();
        if log.len() < 456 {
            value.push(b'.')
        } else {
            assert!(value.pop().is_some())
        }
        log = batch(BASE, &values);
    }
    for n in 5..8 {
        log.extend(batch(BASE + n, &[format!("letter {n}").into_bytes()]));
    }
    fs::write(dir.join(format!("{BASE:020}.log")), log).unwrap();
    let (code, told, errors) = run(&["reindex", arg(&dir), "--index-interval-bytes", "400"]);
    assert_eq!((code, errors.as_str()), (0, ""), "{told}");
    (data, dir)
}

fn explained(dir: &std::path::Path, offset: i64) -> String {
    let (code, text, errors) = run(&["explain", arg(dir), &offset.to_string()]);
    assert_eq!((code, errors.as_str()), (0, ""), "{text}");
    text
}

#[test]
fn the_index_of_the_example_holds_relative_offset_5_at_byte_456() {
    let (_data, dir) = notes();
    let index = fs::read(dir.join(format!("{BASE:020}.index"))).unwrap();
    assert_eq!(index, [0, 0, 0, 5, 0, 0, 1, 200]);
}

#[test]
fn an_offset_in_the_index_leads_to_its_byte() {
    let (_data, dir) = notes();
    let text = explained(&dir, 1_560_140_921);
    for step in [
        "00000000001560140916.log   1560140916 <= 1560140921: this one",
        "1560140921 - 1560140916 = 5",
        "look at (5, 456): 5 <= 5, go right",
        "5 is in the index -> byte 456",
        "from byte 456\n     byte 456: offsets 1560140921 to 1560140921",
        "record 1 of 1 in it is offset 1560140921",
        "value  letter 5",
    ] {
        assert!(text.contains(step), "{step:?} is not in:\n{text}");
    }
    // How the notes count is told beside how Kafka counts.
    assert!(text.contains("minus one"), "{text}");
}

#[test]
fn an_offset_that_is_not_in_the_index_is_found_from_the_nearest_lower_entry() {
    let (_data, dir) = notes();
    let text = explained(&dir, 1_560_140_922);
    for step in [
        "1560140922 - 1560140916 = 6",
        "look at (5, 456): 5 <= 6, go right",
        "6 is not in the index; the nearest entry below is 5 -> byte 456",
        "byte 456: offsets 1560140921 to 1560140921, ",
        "1560140921 < 1560140922, go on",
        "1560140922 >= 1560140922, stop",
        "value  letter 6",
    ] {
        assert!(text.contains(step), "{step:?} is not in:\n{text}");
    }
    let text = explained(&dir, 1_560_140_918);
    assert!(text.contains("No entry is at or below 2, so the walk begins at byte 0."), "{text}");
}

#[test]
fn offsets_outside_the_log_are_told() {
    let (_data, dir) = notes();
    let (code, _, errors) = run(&["explain", arg(&dir), "1560140915"]);
    assert!(code == 2 && errors.contains("begins at offset 1560140916"), "{errors}");
    let (code, _, errors) = run(&["explain", arg(&dir), "1560140924"]);
    assert!(code == 2 && errors.contains("ends before offset 1560140924"), "{errors}");
}

#[test]
fn an_offset_that_compaction_took_away_leads_to_the_next_record() {
    let copied = Copied::of("kafka-4.3/compact-0");
    let text = explained(&copied.dir, 6420);
    assert!(text.contains("The walk ends here without a batch that reaches offset 6420."), "{text}");
    assert!(
        text.contains("Offset 6420 is no longer there, compaction took it away; a reader gets 6558 next."),
        "{text}"
    );
}

#[test]
fn an_index_that_is_wrong_is_told_and_not_believed() {
    let (_data, dir) = notes();
    fs::write(dir.join(format!("{BASE:020}.index")), [0, 0, 0, 5, 0, 0, 1, 201]).unwrap();
    let text = explained(&dir, 1_560_140_922);
    assert!(text.contains("the index is wrong, and the walk begins at byte 0"), "{text}");
    assert!(text.contains("value  letter 6"), "{text}");
}
