use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla::Offset;
use ottla::producer::TxnIndex;

use crate::{Image, SimFs};

/// A `.txnindex` file of any bytes: it is refused, or every search answers with entries that are in it.
pub fn txn_index(data: &[u8]) {
    let path = PathBuf::from("/00000000000000000000.txnindex");
    let mut image = Image::default();
    image.put(&path, data);
    let fs = Arc::new(SimFs::from_image(&image));
    let Ok(index) = TxnIndex::open_read_only(fs.clone(), path.clone(), Offset::ZERO) else { return };
    let entries = index.entries();
    for (from, to) in bounds(data) {
        let found = index.aborted_between(from, to);
        if let (Ok(entries), Ok(found)) = (&entries, found) {
            assert!(found.aborted.iter().all(|txn| entries.contains(txn)));
        }
    }
    assert_eq!(fs.image().read(&path), Some(data), "reading changes nothing");
    cut(&fs, &path, data);
}

fn bounds(data: &[u8]) -> Vec<(Offset, Offset)> {
    let offset = |at: usize| {
        let bytes = data.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        Offset::new(bytes.map_or(0, i64::from_be_bytes))
    };
    vec![(Offset::ZERO, Offset::MAX), (offset(10), offset(18)), (offset(18), Offset::MAX)]
}

fn cut(fs: &Arc<SimFs>, path: &Path, data: &[u8]) {
    let Ok(index) = TxnIndex::open(fs.clone(), path.to_path_buf(), Offset::ZERO) else { return };
    let Some((_, to)) = bounds(data).get(1).copied() else { return };
    if index.truncate_to(to).is_ok()
        && let Ok(left) = index.entries()
    {
        assert_eq!(left.len() as u64, index.len());
    }
}
