//! The only unsafe code of this crate: mappings of files, what of them is in memory, and io_uring.
#![expect(unsafe_code, reason = "each block says why it is sound")]

mod map;
#[cfg(feature = "io-uring")]
mod ring;

pub use map::{FileMap, page_bytes};
#[cfg(feature = "io-uring")]
pub use ring::Ring;
