use std::cell::RefCell;
use std::fmt;

use super::Window;

/// The most bytes that a scratch keeps of its buffer between two batches.
const RETAINED_WINDOW_BYTES: usize = 256 * 1024;

/// Buffers for decompression that are worth keeping from one batch to the next.
///
/// [`check`](crate::check) keeps one for each thread. A caller that wants to say where it lives passes its
/// own to [`check_with`](crate::check_with). Between two batches a scratch holds at most 256 KiB, and a
/// zstd context of at most 4 MiB.
#[derive(Default)]
pub struct Scratch {
    pub(super) window: Window,
    #[cfg(feature = "zstd")]
    pub(super) zstd: super::zstd::Context,
}

impl Scratch {
    /// An empty scratch. It allocates nothing before the first compressed batch.
    pub fn new() -> Scratch {
        Scratch::default()
    }

    /// Gives back what one unusually large batch has made grow.
    pub(crate) fn trim(&mut self) {
        self.window.trim(RETAINED_WINDOW_BYTES);
        #[cfg(feature = "zstd")]
        self.zstd.trim();
    }

    /// Runs `work` with the scratch of this thread.
    pub(crate) fn of_this_thread<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
        thread_local! {
            static SCRATCH: RefCell<Scratch> = RefCell::default();
        }
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => work(&mut scratch),
            Err(_) => work(&mut Scratch::new()),
        })
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}
