//! How a walk over heads, and a scan of whole batches, tell what a crash has torn from what is damaged.

use std::path::Path;
use std::sync::Arc;

use ottla::fs::{File, FileSystem, OpenMode};
use ottla::segment::{BatchScan, HeadWalk, WalkEnd, Walked, end_by_heads};
use ottla::{Offset, Position};
use ottla_record::HEAD_PEEK_LEN;
use ottla_testkit::{Image, SimFs};

use crate::made::batch;

fn file(bytes: impl Into<Vec<u8>>) -> Arc<dyn File> {
    let (mut image, path) = (Image::default(), Path::new("/data/file"));
    image.put(path, bytes);
    SimFs::from_image(&image).open(path, OpenMode::Read).unwrap()
}

/// What both say of the bytes behind a whole batch.
fn behind_a_batch(bytes: &[u8]) -> [WalkEnd; 2] {
    let whole = [&batch(0, 0)[..], bytes].concat();
    let (end, file) = (whole.len() as u64, file(whole));
    let mut walk = HeadWalk::new(&*file, Position::ZERO, end);
    assert!(matches!(walk.step().unwrap(), Walked::Batch(..)));
    let Walked::End(walked) = walk.step().unwrap() else { panic!("{} bytes", bytes.len()) };
    let mut scan = BatchScan::new(&*file, Position::ZERO, end, 0);
    scan.step().unwrap().unwrap();
    let scanned = scan.step().unwrap().unwrap_err();
    assert_eq!(scanned.position, end - bytes.len() as u64);
    [walked, scanned.end]
}

#[test]
fn a_head_or_a_batch_that_is_cut_is_torn() {
    let next = batch(0x0102_0304_0506_0708, 0x0102_0304_0506_0708);
    for found in 1..next.len() {
        for end in behind_a_batch(&next[..found]) {
            let WalkEnd::Torn { needed, found: told } = end else { panic!("{found}: {end:?}") };
            assert!(told == found as u64 && needed > told, "{found}: {end:?}");
            assert!(found < HEAD_PEEK_LEN || needed == next.len() as u64, "{found}: {end:?}");
        }
    }
}

#[test]
fn what_is_no_head_is_invalid_however_long() {
    for len in [HEAD_PEEK_LEN, HEAD_PEEK_LEN + 1, 500, 5_000] {
        for end in behind_a_batch(&vec![0xee; len]) {
            assert!(matches!(end, WalkEnd::Invalid(_)), "{len}: {end:?}");
        }
        // Zeros, and then one that is none.
        let [_, scanned] = behind_a_batch(&[&vec![0; len][..], &[1]].concat());
        assert!(matches!(scanned, WalkEnd::Invalid(_)), "{len}: {scanned:?}");
        let [_, scanned] = behind_a_batch(&vec![0; len]);
        assert_eq!(scanned, WalkEnd::Zeros { bytes: len as u64 });
    }
}

#[test]
fn a_walk_goes_on_behind_what_is_damaged() {
    let size = batch(0, 0).len();
    let mut bytes: Vec<u8> = (0..5).flat_map(|offset| batch(offset, offset)).collect();
    // Two heads, one after the other.
    bytes[size..size + 20].fill(0xee);
    bytes[2 * size..2 * size + 20].fill(0xee);
    for (next_offset, end, expected) in
        [(1, 5, &[0, 3, 4][..]), (4, 5, &[0, 4]), (5, 5, &[0]), (1, 4, &[0, 3]), (1, 3, &[0])]
    {
        let file = file(&bytes[..]);
        let mut walk = HeadWalk::new(&*file, Position::ZERO, (end * size) as u64);
        let mut found = Vec::new();
        while let Some((position, head)) = walk.step_over_damage(Offset::new(next_offset)).unwrap() {
            assert_eq!(head.base_offset().get(), i64::from(position.get()) / size as i64);
            found.push(head.base_offset().get());
        }
        assert_eq!(found, expected, "{next_offset}");
    }
}

#[test]
fn a_file_ends_behind_its_largest_offset() {
    for (batches, end) in [
        (vec![], 7),
        (vec![batch(7, 9)], 10),
        (vec![batch(7, 9), batch(12, 14)], 15),
        (vec![batch(7, 9), batch(12, 14), batch(8, 8)], 15),
        (vec![batch(7, 9), b"no batch, and longer than a head".to_vec(), batch(12, 14)], 10),
    ] {
        assert_eq!(end_by_heads(&*file(batches.concat()), Offset::new(7)).unwrap(), Offset::new(end));
    }
}
