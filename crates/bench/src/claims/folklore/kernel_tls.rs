//! Encryption below the socket.

use super::settings::{each_transfer, nothing_more};
use crate::claims::claim::Claim;
use crate::claims::paths::Path;
use crate::claims::sample::Metric;

pub const CLAIM: Claim = Claim {
    name: "kernel-tls",
    sentence: "TLS in the kernel brings sendfile back: at least 1.25 times less CPU than TLS in the process.",
    metric: Metric::CpuSecondsPerGigabyte,
    asks: |scale| each_transfer(scale, Path::KernelTls, Path::Tls, 1.25),
    shows: nothing_more,
    where_it_holds: "The kernel encrypts from the page cache straight into what is sent: the way into the process and back is saved.",
    where_it_does_not: "Encrypting is most of the price, and the kernel does not do it faster without help from a network card.",
};
