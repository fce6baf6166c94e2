//! The ways from a file to a socket, one a file.

mod keys;
mod path;
mod way;

mod map_write;
mod read_write;
mod sendfile;
mod splice;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "io-uring")]
mod uring;

#[cfg(test)]
mod tests;

pub use keys::{ClientKeys, Keys};
pub use path::Path;
pub use way::{Job, prepare};
