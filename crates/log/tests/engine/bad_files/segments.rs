//! Segments that are missing, damaged, overlapping or wrongly named.

use ottla::Offset;
use ottla::dir::FileKind;

use super::scene::{ENDS, End, Scene, logs, never_flushed, scene};

const FILES: [FileKind; 3] = [FileKind::Log, FileKind::Index, FileKind::TimeIndex];

/// As when somebody renames the files of a segment.
fn renamed(scene: &Scene, from: Offset, to: Offset) -> Scene {
    let mut renamed = scene.clone();
    for kind in FILES {
        let bytes = scene.bytes(&scene.path(from, kind));
        renamed = renamed.without(&scene.path(from, kind)).with(&scene.path(to, kind), bytes);
    }
    renamed
}

/// The bytes of the segment are still somewhere in the directory.
fn assert_kept(before: &Scene, after: &ottla_testkit::Image, context: &str) {
    let kept: Vec<u8> = logs(after).into_values().flatten().collect();
    for (path, bytes) in logs(&before.image) {
        let there = bytes.is_empty() || kept.windows(bytes.len()).any(|window| window == bytes);
        assert!(there, "{context}: the bytes of {path} are gone");
    }
}

fn open_image(scene: &Scene) -> ottla_testkit::Image {
    let fs = ottla_testkit::SimFs::from_image(&scene.image);
    drop(crate::support::open(&fs, &crate::support::small()));
    fs.image()
}

fn check_renamed(scene: &Scene, base: Offset, to: Offset) {
    let context = format!("segment {base} renamed to {to}, recovery point {}", scene.recovery_point);
    let bad = renamed(scene, base, to);
    assert_kept(&bad, &open_image(&bad), &context);
    let Some((found, _)) = bad.opens_with_nothing_wrong(&context) else { return };
    let before = found.start..base.min(to).max(found.start);
    for (offset, value) in scene.contents.records.range(before) {
        assert_eq!(found.records.get(offset), Some(value), "{context}: offset {offset}");
    }
}

#[test]
fn a_segment_under_a_wrong_name_costs_no_record_before_it_and_no_byte() {
    for scene in [scene(End::Closed), scene(End::Killed), never_flushed()] {
        for base in scene.bases.clone() {
            let names = [-2, -1, 1, 2].map(|by| base + by);
            let others = names.into_iter().filter(|to| *to >= Offset::ZERO && !scene.bases.contains(to));
            others.for_each(|to| check_renamed(&scene, base, to));
        }
    }
}

#[test]
fn a_segment_named_past_the_end_of_a_log_that_was_not_closed_costs_no_record_before_it_and_no_byte() {
    for scene in [scene(End::Killed), never_flushed()] {
        for base in scene.bases.clone() {
            check_renamed(&scene, base, base + 7);
            check_renamed(&scene, base, base + 500);
            check_renamed(&scene, base, base + 3_000_000_000);
        }
    }
}

/// The log then ends at the wrong name, or somewhere else at the second open.
#[test]
fn a_segment_named_past_the_end_of_a_closed_log_does_not_move_its_end() {
    let scene = scene(End::Closed);
    for base in scene.bases.clone() {
        check_renamed(&scene, base, base + 7);
        check_renamed(&scene, base, base + 500);
    }
}

#[test]
fn two_segments_that_overlap_cost_no_byte() {
    for scene in [scene(End::Closed), scene(End::Killed), never_flushed()] {
        for pair in scene.bases.windows(2) {
            let (first, next) = (scene.bytes(&scene.path(pair[0], FileKind::Log)), pair[1]);
            // The first batch of the next segment at the end of the one before, too.
            let second = scene.bytes(&scene.path(next, FileKind::Log));
            let size = scene.batches(next).get(1).map_or(second.len(), |(position, _)| *position);
            let context = format!("the first batch of {next} twice, recovery point {}", scene.recovery_point);
            let twice = [&first[..], &second[..size]].concat();
            let bad = scene.with(&scene.path(pair[0], FileKind::Log), twice);
            assert_kept(&bad, &open_image(&bad), &context);
            let Some((found, _)) = bad.opens_with_nothing_wrong(&context) else { continue };
            for (offset, value) in scene.contents.records.range(..next) {
                assert_eq!(found.records.get(offset), Some(value), "{context}: {offset}");
            }
        }
    }
}

#[test]
fn a_segment_that_is_missing_costs_its_own_records() {
    for end in ENDS {
        let scene = scene(end);
        for pair in scene.bases.windows(2) {
            let context =
                format!("{end:?}: without segment {}, recovery point {}", pair[0], scene.recovery_point);
            let bad = scene.without(&scene.path(pair[0], FileKind::Log));
            assert_kept(&bad, &open_image(&bad), &context);
            let Some((found, _)) = bad.opens_with_nothing_wrong(&context) else { continue };
            for (offset, value) in scene.contents.records.range(found.start..found.start.max(pair[0])) {
                assert_eq!(found.records.get(offset), Some(value), "{context}: {offset}");
            }
            if pair[1] <= scene.recovery_point {
                for (offset, value) in scene.contents.records.range(pair[1]..) {
                    assert_eq!(found.records.get(offset), Some(value), "{context}: {offset}");
                }
            }
        }
    }
}

/// What was on disk before the crash is never cut, whatever became of it.
#[test]
fn damage_below_the_recovery_point_is_told_where_it_is_read_and_nowhere_else() {
    for end in ENDS {
        let scene = scene(end);
        let below = scene.bases.iter().filter(|base| **base < scene.recovery_point);
        for base in below {
            let batches = scene.batches(*base);
            let path = scene.path(*base, FileKind::Log);
            for (number, (position, offset)) in batches.iter().enumerate() {
                let next = batches.get(number + 1).map(|(_, next)| *next);
                let next_segment = scene.bases.iter().find(|other| *other > base).copied();
                let end_of_batch = next.or(next_segment).unwrap_or(scene.contents.end);
                if end_of_batch > scene.recovery_point {
                    continue;
                }
                let mut bytes = scene.bytes(&path);
                // In the records, which the checksum covers.
                bytes[position + 61] ^= 0x20;
                let context = format!("{end:?}: the batch at {offset} is damaged");
                let bad = scene.with(&path, bytes);
                let damaged = scene.contents.but_for(*offset..end_of_batch);
                let found = bad.opens_with_nothing_wrong(&context);
                let (found, report) = found.unwrap_or_else(|| panic!("{context}: it does not open"));
                assert_eq!(report.truncated, None, "{context}");
                for (offset, value) in &damaged.records {
                    assert_eq!(found.records.get(offset), Some(value), "{context}: {offset}");
                }
                assert_eq!(found.end, scene.contents.end, "{context}");
                assert_kept(&bad, &open_image(&bad), &context);
            }
        }
    }
}

/// A read that meets garbage behind whole batches once failed, also for those batches.
#[test]
fn garbage_behind_a_segment_keeps_no_reader_from_what_is_before_and_after_it() {
    for end in ENDS {
        let scene = scene(end);
        for base in scene.bases.iter().filter(|base| **base < scene.recovery_point).take(2) {
            let path = scene.path(*base, FileKind::Log);
            let bad = scene
                .with(&path, [&scene.bytes(&path)[..], b"no batch at all, and longer than a head"].concat());
            let (found, report) = bad.opens_with_nothing_wrong(&path).unwrap();
            assert_eq!(
                (found.records, found.refused),
                (scene.contents.records.clone(), vec![]),
                "{end:?}: {path}"
            );
            assert_eq!(found.committed, scene.contents.committed, "{end:?}: {path}, {report:?}");
        }
    }
}

/// Any bytes at all in place of a segment, of the last one too.
#[test]
fn a_segment_of_other_bytes_is_kept() {
    let noise: Vec<u8> = (0_u32..3000).map(|n| (n.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
    for scene in [scene(End::Closed), scene(End::Killed), never_flushed()] {
        for base in &scene.bases {
            let path = scene.path(*base, FileKind::Log);
            let contents: [(&str, &[u8]); 4] =
                [("nothing", b""), ("text", b"Dear Milena, today I want to write about something else, but it does not want to be written."), ("noise", &noise), ("one byte", b"\0")];
            for (what, bytes) in contents {
                let context = format!("{what} in segment {base}, recovery point {}", scene.recovery_point);
                let bad = scene.with(&path, bytes);
                if bytes.len() > 1 {
                    assert_kept(&bad, &open_image(&bad), &context);
                }
                let Some((found, _)) = bad.opens_with_nothing_wrong(&context) else { continue };
                for (offset, value) in scene.contents.records.range(found.start..found.start.max(*base)) {
                    assert_eq!(found.records.get(offset), Some(value), "{context}: {offset}");
                }
            }
        }
    }
}
