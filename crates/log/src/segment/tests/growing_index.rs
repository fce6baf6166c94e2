//! The index of an active segment is looked up while it grows and while its tail is written out.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use shuttle::thread;

use crate::fs::File;
use crate::offset::Position;
use crate::segment::growing_index::GrowingIndex;
use crate::segment::{Around, Entry, OffsetIndexEntry};

/// A file in memory; another thread may go on before each call, and in the midst of a write.
#[derive(Debug, Default)]
struct Memory(Mutex<Vec<u8>>);

fn point() {
    shuttle::sync::atomic::AtomicBool::new(false).load(Ordering::SeqCst);
}

impl File for Memory {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        point();
        let bytes = self.0.lock().unwrap();
        let found = bytes.get(position as usize..).unwrap_or_default();
        let count = found.len().min(buf.len());
        buf[..count].copy_from_slice(&found[..count]);
        Ok(count)
    }

    fn write_all_at(&self, buf: &[u8], position: u64) -> io::Result<()> {
        for (at, byte) in (position as usize..).zip(buf) {
            if at % 5 == 0 {
                point();
            }
            let mut bytes = self.0.lock().unwrap();
            let len = bytes.len().max(at + 1);
            bytes.resize(len, 0);
            bytes[at] = *byte;
        }
        Ok(())
    }

    fn write_all_vectored_at(&self, _bufs: &mut [IoSlice<'_>], _position: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().len() as u64)
    }

    fn set_len(&self, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

fn entry(number: u32) -> OffsetIndexEntry {
    OffsetIndexEntry { relative_offset: number * 10, position: Position::new(number * 100) }
}

/// Looks between the entry with this number and the next.
fn look(index: &GrowingIndex<OffsetIndexEntry>, pushed: &AtomicU32, near: u32) {
    let before = pushed.load(Ordering::SeqCst);
    let Around { floor, above } = index.around(|entry| entry.relative_offset <= near * 10 + 5).unwrap();
    // The push itself comes before it is counted.
    let after = pushed.load(Ordering::SeqCst) + 1;
    let one_of = |least: u32, most: u32| (least..=most).map(|number| (number > 0).then(|| entry(number)));
    assert!(
        one_of(before.min(near), after.min(near)).any(|expected| floor == expected),
        "{floor:?}, {before} to {after}"
    );
    assert!(
        above == Some(entry(near + 1)) || (above.is_none() && before <= near),
        "{above:?}, {before} to {after}"
    );
    assert!(index.last().unwrap().map_or(0, |last| last.relative_offset / 10) >= before);
    assert!(index.len() >= before);
}

/// Four entries are pushed behind so many.
fn grow(resumed: u32) {
    let mut bytes = Vec::new();
    (1..=resumed).for_each(|number| entry(number).encode(&mut bytes));
    let index = Arc::new(GrowingIndex::resume(Arc::new(Memory(Mutex::new(bytes))), resumed));
    let (pushed, near) = (Arc::new(AtomicU32::new(resumed)), resumed + 2);
    let readers = [(); 2].map(|()| {
        let (index, pushed) = (index.clone(), pushed.clone());
        thread::spawn(move || [(); 3].map(|()| look(&index, &pushed, near)))
    });
    for number in resumed + 1..=resumed + 4 {
        index.push(entry(number)).unwrap();
        pushed.store(number, Ordering::SeqCst);
        if number % 2 == 1 {
            index.write_tail().unwrap();
        }
    }
    for reader in readers {
        reader.join().unwrap();
    }
    look(&index, &pushed, near);
}

#[test]
fn a_look_up_finds_its_neighbours_on_every_schedule() {
    let count = std::env::var("OTTLA_SCHEDULES").map_or(150, |count| count.parse().unwrap());
    // Nothing yet, and almost two blocks: then the look-up is at the border between the second and the third.
    for resumed in [0, 1_022] {
        shuttle::check_random_with_seed(move || grow(resumed), 1, count);
        shuttle::check_pct(move || grow(resumed), count, 3);
    }
    println!("the growing index, at two lengths: {count} schedules by chance, {count} of PCT depth 3");
}
