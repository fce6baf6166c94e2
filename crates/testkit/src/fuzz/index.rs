use std::path::Path;

use ottla::fs::{FileSystem, OpenMode};
use ottla::segment::{Entry, IndexView, OffsetIndexEntry, TimeIndexEntry};

use crate::{Image, SimFs};

/// An `.index` file of any bytes: every look-up answers, and where entries are sorted, as a scan does.
pub fn offset_index(data: &[u8]) {
    let wanted = |index: &IndexView<OffsetIndexEntry>, at| index.get(at).unwrap().relative_offset;
    look_up(data, wanted, |entry| entry.relative_offset);
}

/// A `.timeindex` file of any bytes: every look-up answers, and where entries are sorted, as a scan does.
pub fn time_index(data: &[u8]) {
    let wanted = |index: &IndexView<TimeIndexEntry>, at| index.get(at).unwrap().timestamp_ms;
    look_up(data, wanted, |entry| entry.timestamp_ms);
}

fn look_up<E: Entry + PartialEq + std::fmt::Debug, K: Ord + Copy>(
    data: &[u8],
    wanted: impl Fn(&IndexView<E>, u32) -> K,
    key: impl Fn(&E) -> K + Copy,
) {
    let path = Path::new("/index");
    let mut image = Image::default();
    image.put(path, data);
    let fs = SimFs::from_image(&image);
    let index = IndexView::<E>::open(&fs, path).unwrap().expect("the file is there");
    let entries: Vec<E> = (0..index.len()).map(|at| index.get(at).unwrap()).collect();
    assert!(entries.len() * E::LEN <= data.len());
    assert_eq!(index.iter().map(Result::unwrap).collect::<Vec<_>>(), entries);
    assert_eq!(index.last().unwrap(), entries.last().copied());
    let sorted = entries.is_sorted_by_key(key);
    for at in 0..index.len() {
        let wanted = wanted(&index, at);
        let floor = index.floor(|entry| key(&entry) <= wanted).unwrap().map(|(_, entry)| entry);
        let around = index.around(|entry| key(&entry) <= wanted).unwrap();
        assert_eq!(around.floor, floor);
        if sorted {
            let split = entries.partition_point(|entry| key(entry) <= wanted);
            assert_eq!(floor, split.checked_sub(1).map(|last| entries[last]));
            assert_eq!(around.above, entries.get(split).copied());
        }
    }
    written_again_is_the_same(&fs, &entries, data);
}

fn written_again_is_the_same<E: Entry>(fs: &SimFs, entries: &[E], data: &[u8]) {
    let mut bytes = Vec::new();
    entries.iter().for_each(|entry| entry.encode(&mut bytes));
    assert!(data.starts_with(&bytes));
    let again = fs.open(Path::new("/again"), OpenMode::Create).unwrap();
    again.write_all_at(&bytes, 0).unwrap();
    let index = IndexView::<E>::open(fs, Path::new("/again")).unwrap().expect("the file is there");
    assert_eq!(index.len() as usize, entries.len());
}
