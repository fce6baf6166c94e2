//! Why nobody notices the order of writes.

use super::settings::{each_block, nothing_more, write};
use crate::claims::claim::Claim;
use crate::claims::sample::Metric;
use crate::claims::work::{Order, Through};

pub const CLAIM: Claim = Claim {
    name: "cache-sorts-writes",
    sentence: "Through the page cache the order of writes hardly matters (random at 0.8 of in order, or better).",
    metric: Metric::MegabytesPerSecond,
    asks: |scale| {
        each_block(scale, 0.8, |block| {
            (
                write(Through::PageCache, Order::Random, block),
                write(Through::PageCache, Order::InOrder, block),
            )
        })
    },
    shows: nothing_more,
    where_it_holds: "The kernel collects dirty pages and writes them back by their place in the file, so the disk sees an order in \
                     either case. The sync at the end is part of the figure.",
    where_it_does_not: "Pages that are dirtied here and there cost more: the page cache keeps them in smaller pieces and finds them \
                        one by one, and what is written back early, or in part, is no longer one long run for the disk.",
};
