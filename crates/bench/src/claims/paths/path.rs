//! Which ways there are, and what is known of each without measuring.

use serde::Serialize;

/// Which calls carry the bytes from a file to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// `pread` into a buffer, `write` from it.
    ReadWrite,
    /// `write` from a mapping.
    MapWrite,
    /// `sendfile`.
    Sendfile,
    /// `splice` into a pipe and out of it.
    Splice,
    /// `read` and `send`, eight chunks in one chain of io_uring.
    IoUring,
    /// `pread`, TLS 1.3 by rustls, `writev`.
    Tls,
    /// `sendfile` into a socket that encrypts.
    KernelTls,
}

impl Path {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ReadWrite,
        Self::MapWrite,
        Self::Sendfile,
        Self::Splice,
        Self::IoUring,
        Self::Tls,
        Self::KernelTls,
    ];

    /// Its name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::ReadWrite => "read + write",
            Self::MapWrite => "mmap + write",
            Self::Sendfile => "sendfile",
            Self::Splice => "splice",
            Self::IoUring => "io_uring read + send",
            Self::Tls => "read + TLS + write",
            Self::KernelTls => "sendfile + TLS in the kernel",
        }
    }

    /// How often the sender's processor copies each byte, known from how the path works; encrypting from one place to another
    /// counts as a copy. Over loopback and veth the receiver's copy comes on top; a real card would fetch the bytes by itself.
    pub fn copies_by_the_sender(self) -> u32 {
        match self {
            Self::Sendfile | Self::Splice => 0,
            Self::MapWrite | Self::KernelTls => 1,
            Self::ReadWrite | Self::IoUring => 2,
            Self::Tls => 3,
        }
    }

    /// Whether the receiver needs keys.
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::KernelTls)
    }
}
