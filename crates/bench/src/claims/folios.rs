//! How large the pieces are in which the page cache holds a file. Only root may look.
//!
//! What a call costs depends on it: a socket that is handed a reference takes one for each piece.

use std::fs::File;
use std::hint::black_box;
use std::io;
use std::os::unix::fs::FileExt;

use crate::raw::{FileMap, page_bytes};

/// Pages that are looked at, from the start of the file.
const PAGES: usize = 2048;
/// A page that continues the one before (`KPF_COMPOUND_TAIL`).
const IS_TAIL: u64 = 1 << 16;
/// In a page table entry: there is a page, and below, which one.
const IS_PRESENT: u64 = 1 << 63;
const FRAME: u64 = (1 << 55) - 1;

/// Pages in a piece, on average; none where it cannot be seen.
pub fn pages_per_folio(file: &File) -> Option<f64> {
    look(file).ok().flatten()
}

fn look(file: &File) -> io::Result<Option<f64>> {
    let (table, flags) = (File::open("/proc/self/pagemap")?, File::open("/proc/kpageflags")?);
    let map = FileMap::of(file)?;
    let page_bytes = page_bytes();
    let (mut pages, mut folios) = (0u32, 0u32);
    for page in map.bytes().chunks(page_bytes).take(PAGES) {
        // Only a page that was touched stands in the page table.
        black_box(page.first().copied());
        let entry = word(&table, (page.as_ptr() as usize / page_bytes) as u64)?;
        // Without the right to see them all frames are 0.
        if entry & IS_PRESENT == 0 || entry & FRAME == 0 {
            continue;
        }
        pages += 1;
        if word(&flags, entry & FRAME)? & IS_TAIL == 0 {
            folios += 1;
        }
    }
    Ok((folios > 0).then(|| f64::from(pages) / f64::from(folios)))
}

/// One of the 64-bit numbers of a file of the kernel.
#[expect(clippy::host_endian_bytes, reason = "the kernel writes them in the machine's own order")]
fn word(file: &File, number: u64) -> io::Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, number * 8)?;
    Ok(u64::from_ne_bytes(bytes))
}
