//! TLS 1.3 with AES-128-GCM, in the process (rustls and ring) and in the kernel. Keys and certificate live as long as one transfer.

mod client;
mod kernel;
mod pair;
mod process;

pub use client::ClientSide;
pub use kernel::KernelTls;
pub use pair::Pair;
pub use process::ProcessTls;
