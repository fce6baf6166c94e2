//! The claim of zero copy, as it is usually meant.

use super::settings::{each_transfer, nothing_more};
use crate::claims::claim::Claim;
use crate::claims::paths::Path;
use crate::claims::sample::Metric;

pub const CLAIM: Claim = Claim {
    name: "sendfile-cpu",
    sentence: "sendfile costs the sender at least 1.25 times less CPU than read + write.",
    metric: Metric::CpuSecondsPerGigabyte,
    asks: |scale| each_transfer(scale, Path::Sendfile, Path::ReadWrite, 1.25),
    shows: nothing_more,
    where_it_holds: "sendfile hands page references to the socket; read + write copies every byte twice. The two copies are what \
                     is saved.",
    where_it_does_not: "On one machine no network card fetches the bytes: the receiver's copy then reads the page cache instead of \
                        a buffer that the sender just wrote and that is still in the processor's cache. Handling references page by \
                        page, most of all where the page cache holds small pieces, can cost as much as copying.",
};
