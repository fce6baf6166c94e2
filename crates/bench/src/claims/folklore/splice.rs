//! sendfile by hand.

use super::settings::{each_transfer, nothing_more};
use crate::claims::claim::Claim;
use crate::claims::paths::Path;
use crate::claims::sample::Metric;

pub const CLAIM: Claim = Claim {
    name: "splice",
    sentence: "splice through a pipe costs the sender about what sendfile costs (at most 1.25 times as much).",
    metric: Metric::CpuSecondsPerGigabyte,
    asks: |scale| each_transfer(scale, Path::Splice, Path::Sendfile, 0.8),
    shows: nothing_more,
    where_it_holds: "The kernel does sendfile by a pipe of its own; splice is the same work with twice the calls.",
    where_it_does_not: "The pipe's size and the second call make themselves felt.",
};
