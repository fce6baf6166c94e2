//! The rival that is often forgotten.

use super::settings::{each_transfer, nothing_more};
use crate::claims::claim::Claim;
use crate::claims::paths::Path;
use crate::claims::sample::Metric;

pub const CLAIM: Claim = Claim {
    name: "mmap-write",
    sentence: "sendfile costs the sender at least 1.1 times less CPU than a write from a mapping.",
    metric: Metric::CpuSecondsPerGigabyte,
    asks: |scale| each_transfer(scale, Path::Sendfile, Path::MapWrite, 1.1),
    shows: nothing_more,
    where_it_holds: "A write from a mapping copies once and takes a page fault for every few pages of a new mapping; sendfile does \
                     neither.",
    where_it_does_not: "One copy out of the page cache, in large pieces, costs no more here than handing over page by page.",
};
