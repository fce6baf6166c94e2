//! An allocator that counts what one thread takes. A test binary names it with
//! `#[global_allocator] static ALLOCATOR: Counting = Counting;`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static TAKEN: Cell<usize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

pub struct Counting;

fn count(bytes: isize) {
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
    if let Ok(taken) = usize::try_from(bytes) {
        let _ = TAKEN.try_with(|all| all.set(all.get() + taken));
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
    }
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
    // `realloc` is left to the default, which has old and new bytes at the same time: the worst case.
}

/// What some work took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// The most bytes that this thread held beyond what it held before.
    pub peak_bytes: usize,
    /// All bytes that it took, one after the other: each of them was written, so this is a measure of work.
    pub taken_bytes: usize,
    /// How often it asked for some.
    pub calls: usize,
}

/// Bytes that this thread holds now, counted from an unknown start.
pub fn live_bytes() -> isize {
    LIVE.get()
}

pub fn cost_of<T>(work: impl FnOnce() -> T) -> (Cost, T) {
    let (live, taken, calls) = (LIVE.get(), TAKEN.get(), CALLS.get());
    PEAK.set(live);
    let result = work();
    let cost = Cost {
        peak_bytes: (PEAK.get() - live) as usize,
        taken_bytes: TAKEN.get() - taken,
        calls: CALLS.get() - calls,
    };
    (cost, result)
}
