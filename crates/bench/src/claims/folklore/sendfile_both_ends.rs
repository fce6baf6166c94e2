//! Whether what the sender saves is paid by the receiver.

use super::settings::{each_transfer, nothing_more};
use crate::claims::claim::Claim;
use crate::claims::paths::Path;
use crate::claims::sample::Metric;

pub const CLAIM: Claim = Claim {
    name: "sendfile-both-ends",
    sentence: "Both ends counted, sendfile costs at least 1.25 times less CPU than read + write.",
    metric: Metric::BothCpuSecondsPerGigabyte,
    asks: |scale| each_transfer(scale, Path::Sendfile, Path::ReadWrite, 1.25),
    shows: nothing_more,
    where_it_holds: "The copies that the sender saves are gone, not moved: what the receiver copies costs it little more from the page \
                     cache than from a buffer that was just written.",
    where_it_does_not: "The receiver pays for what the sender saves: it takes the bytes from the page cache, which no processor has at \
                        hand, where read + write left them in a cache for it.",
};
