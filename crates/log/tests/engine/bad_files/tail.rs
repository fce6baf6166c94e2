//! The end of the last segment: where a crash tears, and where bytes rot.

use ottla::Offset;
use ottla::dir::FileKind;

use super::scene::{End, Scene, never_flushed, scene};

/// The last segment, and where its last batch begins.
fn last_batch(scene: &Scene) -> (String, Vec<u8>, usize, Offset) {
    let (base, path) = scene.files(FileKind::Log).pop().unwrap();
    let (position, offset) = *scene.batches(base).last().unwrap();
    let bytes = scene.bytes(&path);
    (path, bytes, position, offset)
}

#[test]
fn a_batch_torn_at_any_byte_is_cut() {
    for scene in [scene(End::Killed), never_flushed()] {
        let (path, bytes, position, offset) = last_batch(&scene);
        for cut in position..bytes.len() {
            let torn = scene.with(&path, &bytes[..cut]);
            let report = torn.opens_up_to(offset, &format!("cut at {cut}"));
            assert_eq!(report.truncated.is_some(), cut > position, "cut at {cut}");
            assert!(report.truncated.is_none_or(|cut| cut.kept_aside.is_empty()), "a torn write is no loss");
        }
    }
}

#[test]
fn a_batch_whose_end_never_came_and_reads_as_zeros_is_cut() {
    let scene = scene(End::Killed);
    let (path, bytes, position, offset) = last_batch(&scene);
    for zeros in position..bytes.len() {
        let mut torn = bytes.clone();
        torn[zeros..].fill(0);
        if torn == bytes {
            continue;
        }
        scene.with(&path, torn).opens_up_to(offset, &format!("zeros from {zeros} on"));
    }
    for behind in [1, 16, 17, 61, 600, 5000] {
        let padded = [&bytes[..], &vec![0; behind]].concat();
        let report = scene.with(&path, padded).opens_whole(&format!("{behind} zeros behind"));
        assert_eq!(report.truncated.map(|cut| cut.cut_bytes), Some(behind as u64));
    }
}

/// A flip in any byte that the checksum or the structure covers.
#[test]
fn a_batch_with_any_byte_changed_is_cut_and_kept_aside_or_still_whole() {
    let scene = scene(End::Killed);
    let (path, bytes, position, offset) = last_batch(&scene);
    for at in position..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x40;
        let context = format!("byte {at}, which is {} of the batch, flipped", at - position);
        let flipped_batch = flipped[position..].to_vec();
        let bad = scene.with(&path, flipped);
        // Base offset and leader epoch lie outside the checksum.
        let outside_the_checksum = (0..8).contains(&(at - position)) || (12..16).contains(&(at - position));
        if (0..8).contains(&(at - position)) {
            // A larger base offset is as good as any; a smaller one does not follow the batch before it.
            continue;
        }
        if outside_the_checksum {
            bad.opens_with_nothing_wrong(&context);
            continue;
        }
        let report = bad.opens_up_to(offset, &context);
        let cut = report.truncated.unwrap_or_else(|| panic!("{context}: nothing was cut"));
        assert_eq!(cut.cut_bytes, flipped_batch.len() as u64, "{context}");
    }
}

#[test]
fn garbage_behind_the_last_batch_is_cut_and_kept_aside() {
    let scene = scene(End::Killed);
    let (path, bytes, position, _) = last_batch(&scene);
    let noise: Vec<u8> = (0_u32..3000).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8 | 1).collect();
    let repeated = &bytes[position..];
    for (what, garbage) in
        [("noise", &noise[..]), ("the same batch again", repeated), ("text", b"Dear Milena, ")]
    {
        let bad = scene.with(&path, [&bytes[..], garbage].concat());
        let report = bad.opens_whole(what);
        let cut = report.truncated.unwrap();
        assert_eq!((cut.position, cut.cut_bytes), (bytes.len() as u64, garbage.len() as u64), "{what}");
    }
}

/// The last segment as a clean stop left it and then lost its end, down to this byte.
fn check_lost_end(scene: &Scene, cut: usize) {
    let (path, bytes, ..) = last_batch(scene);
    let context = format!("cut at {cut} of {}", bytes.len());
    let (found, report) = scene.with(&path, &bytes[..cut]).opens_with_nothing_wrong(&context).unwrap();
    assert!(!report.clean, "{context}");
    let batches = scene.batches(*scene.bases.last().unwrap());
    let ends = batches.iter().map(|(position, _)| *position).skip(1).chain([bytes.len()]);
    let first_lost = batches.iter().zip(ends).find(|(_, end)| *end > cut).unwrap().0.1;
    assert!(
        found.records.iter().eq(scene.contents.records.range(..first_lost)),
        "{context}: {:?}",
        found.records
    );
    assert_eq!(found.end, scene.contents.end, "{context}: those offsets were given out once");
}

/// The mark says that all was on disk, the checkpoint says up to where, and the file says otherwise.
#[test]
fn a_log_that_was_torn_after_a_clean_stop_gives_no_offset_out_again() {
    let scene = scene(End::Closed);
    let (base, (_, bytes, ..)) = (*scene.bases.last().unwrap(), last_batch(&scene));
    let boundaries: Vec<usize> = scene.batches(base).iter().map(|(position, _)| *position).collect();
    (0..bytes.len())
        .filter(|cut| !boundaries.contains(cut))
        .step_by(3)
        .for_each(|cut| check_lost_end(&scene, cut));
}

#[test]
fn a_log_that_lost_whole_batches_after_a_clean_stop_gives_no_offset_out_again() {
    let scene = scene(End::Closed);
    let boundaries = scene.batches(*scene.bases.last().unwrap());
    boundaries.iter().for_each(|(position, _)| check_lost_end(&scene, *position));
}
