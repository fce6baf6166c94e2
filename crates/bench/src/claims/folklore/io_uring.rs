//! The newest way.

use super::settings::{each_transfer, nothing_more};
use crate::claims::claim::Claim;
use crate::claims::paths::Path;
use crate::claims::sample::Metric;

pub const CLAIM: Claim = Claim {
    name: "io-uring",
    sentence: "io_uring makes read + write at least 1.1 times cheaper for the sender.",
    metric: Metric::CpuSecondsPerGigabyte,
    asks: |scale| each_transfer(scale, Path::IoUring, Path::ReadWrite, 1.1),
    shows: nothing_more,
    where_it_holds: "Eight chunks are read and sent for one system call, and the calls are what it saves.",
    where_it_does_not: "With chunks of this size a system call is a small part of the price; the two copies remain, and the ring has \
                        a bookkeeping of its own.",
};
