//! Whether memory minds the order.

use super::settings::{each_block, nothing_more, read};
use crate::claims::claim::Claim;
use crate::claims::sample::Metric;
use crate::claims::work::{Cache, Order};

pub const CLAIM: Claim = Claim {
    name: "warm-order",
    sentence: "In the page cache the order of reads hardly matters (random at 0.8 of in order, or better).",
    metric: Metric::MegabytesPerSecond,
    asks: |scale| {
        each_block(scale, 0.8, |block| {
            (read(Cache::Warm, Order::Random, block), read(Cache::Warm, Order::InOrder, block))
        })
    },
    shows: nothing_more,
    where_it_holds: "The call itself and the copy cost the same wherever the page is.",
    where_it_does_not: "Memory has an order too: small reads here and there miss the processor's caches and its address translation, \
                        and its prefetching guesses wrong.",
};
