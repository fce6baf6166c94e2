//! The codecs of record batches, each in the dialect that Kafka's clients write and its readers take.
//!
//! Every decoder hands out its output in pieces ([`Inflate`]) so that a batch can be checked without ever
//! being in memory as a whole, and counts it against a limit before there is room for it.

mod codec;
mod inflate;
mod scratch;
mod window;

#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "lz4")]
mod lz4;
#[cfg(feature = "snappy")]
mod snappy;
#[cfg(feature = "zstd")]
mod zstd;

pub use codec::Compression;
pub(crate) use inflate::{Inflate, compress, decompress};
pub use scratch::Scratch;
pub(crate) use window::Window;
