//! A swap gives a new segment its name after the segments that it replaces have gone. A crash may come between.

use ottla::dir::{FileKind, Suffix};

use crate::made::{DIR, Made, Opened, batch, compacted, leftover, path, transaction};

/// Two segments below the active one, all on disk.
fn segments() -> Made {
    let segments = [(0, &[batch(0, 3)][..]), (4, &[batch(4, 7)]), (8, &[batch(8, 9)])];
    Made::of(segments).config(compacted()).flushed_to(8)
}

fn names(opened: &Opened) -> Vec<String> {
    let dir = opened.fs.image();
    let names = dir.entries().filter_map(|(path, _)| path.strip_prefix(DIR).ok());
    let mut names: Vec<String> = names.map(|name| name.display().to_string()).collect();
    names.retain(|name| name.starts_with("000") && !name.ends_with("snapshot"));
    names.sort();
    names
}

fn files(bases: &[i64]) -> Vec<String> {
    let kinds = ["index", "log", "timeindex"];
    bases.iter().flat_map(|base| kinds.map(|kind| format!("{base:020}.{kind}"))).collect()
}

#[test]
fn a_whole_new_segment_takes_the_place_of_all_that_it_replaces() {
    let swap = [batch(1, 1), batch(6, 7)].concat();
    let opened = segments().with(leftover(0, FileKind::Log, Suffix::Swap), &swap[..]).open();
    assert_eq!(names(&opened), files(&[0, 8]));
    assert_eq!(opened.bytes(path(0, FileKind::Log)), Some(swap));
    assert_eq!((opened.offsets(), opened.is_cut()), (vec![1, 6, 7, 8, 9], false));
    let gone = &opened.report.removed_leftovers;
    assert!(gone.contains(&path(0, FileKind::Log)) && gone.contains(&path(4, FileKind::Log)), "{gone:?}");
    assert!(!opened.report.rebuilt_indexes.contains(&path(0, FileKind::TxnIndex)));
}

/// It ends before the second segment, which it does not replace.
#[test]
fn a_new_segment_replaces_only_what_begins_before_its_end() {
    let swap = batch(1, 3);
    let opened = segments().with(leftover(0, FileKind::Log, Suffix::Swap), &swap[..]).open();
    assert_eq!(names(&opened), files(&[0, 4, 8]));
    assert_eq!(opened.offsets(), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn a_segment_that_was_not_finished_replaces_nothing() {
    for suffixes in [&[Suffix::Cleaned][..], &[Suffix::Cleaned, Suffix::Swap], &[Suffix::Deleted]] {
        let mut made = segments();
        for suffix in suffixes {
            made = made.with(leftover(0, FileKind::Log, *suffix), batch(6, 7));
        }
        let opened = made.open();
        assert_eq!(names(&opened), files(&[0, 4, 8]), "{suffixes:?}");
        assert_eq!(opened.offsets(), Vec::from_iter(0..=9));
        for suffix in suffixes {
            assert!(opened.report.removed_leftovers.contains(&leftover(0, FileKind::Log, *suffix)));
        }
    }
}

/// Its indexes have their names already, or have not.
#[test]
fn indexes_of_a_new_segment_come_with_it() {
    let swap = [batch(0, 0), batch(3, 3), batch(7, 7)];
    let indexed = Made::of([(0, &swap)]).open();
    for renamed in [&[][..], &[FileKind::Index, FileKind::TimeIndex]] {
        let mut made = segments().with(leftover(0, FileKind::Log, Suffix::Swap), swap.concat());
        if renamed.is_empty() {
            for kind in [FileKind::Index, FileKind::TimeIndex] {
                made = made.with(leftover(0, kind, Suffix::Swap), indexed.bytes(path(0, kind)).unwrap());
            }
        }
        let opened = made.open();
        assert_eq!(names(&opened), files(&[0, 8]));
        for kind in [FileKind::Index, FileKind::TimeIndex] {
            assert_eq!(opened.bytes(path(0, kind)), indexed.bytes(path(0, kind)), "{kind:?}");
        }
    }
}

/// The index of aborted transactions was lost with the power, and without it their records would pass for committed.
#[test]
fn a_new_segment_has_an_index_of_the_transactions_that_were_aborted_in_it() {
    for commit in [false, true] {
        let swap = [transaction(0, commit), batch(5, 7)].concat();
        let opened = segments().with(leftover(0, FileKind::Log, Suffix::Swap), swap).open();
        let (visible, index) = match commit {
            false => (&[5, 6, 7, 8, 9][..], vec![path(0, FileKind::TxnIndex)]),
            true => (&[0, 1, 5, 6, 7, 8, 9][..], vec![]),
        };
        assert_eq!(opened.committed(), visible, "commit {commit}");
        let rebuilt = opened
            .report
            .rebuilt_indexes
            .iter()
            .filter(|path| path.ends_with("00000000000000000000.txnindex"));
        assert_eq!(rebuilt.cloned().collect::<Vec<_>>(), index, "commit {commit}");
        let bytes = opened.bytes(path(0, FileKind::TxnIndex));
        assert_eq!(bytes.is_some_and(|bytes| bytes.len() == 34), !commit, "one entry where one was aborted");
    }
}

/// Of a segment that was there all the time nobody knows whether it had one.
#[test]
fn only_what_was_swapped_in_gets_an_index_of_transactions() {
    let made =
        Made::of([(0, &[transaction(0, false), batch(3, 3)]), (4, &[batch(4, 7)]), (8, &[batch(8, 9)])]);
    let made = made.config(compacted()).flushed_to(8);
    let opened = made.with(leftover(4, FileKind::Log, Suffix::Swap), batch(5, 7)).open();
    assert_eq!(opened.bytes(path(0, FileKind::TxnIndex)), None);
    assert_eq!(opened.bytes(path(4, FileKind::TxnIndex)), None);
}
