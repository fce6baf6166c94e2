//! Zero copy as a matter of speed.

use super::settings::{each_transfer, nothing_more};
use crate::claims::claim::Claim;
use crate::claims::paths::Path;
use crate::claims::sample::Metric;

pub const CLAIM: Claim = Claim {
    name: "sendfile-speed",
    sentence: "sendfile moves at least 1.1 times as many bytes a second as read + write.",
    metric: Metric::MegabytesPerSecond,
    asks: |scale| each_transfer(scale, Path::Sendfile, Path::ReadWrite, 1.1),
    shows: nothing_more,
    where_it_holds: "The sender is what limits this pair, and it has less to do.",
    where_it_does_not: "The receiver limits this pair, or both share the work well: while read + write copies on one processor, the \
                        receiver copies on the other.",
};
