//! What makes reading in order fast.

use super::settings::{cold_read, each_block};
use crate::claims::claim::Claim;
use crate::claims::sample::Metric;
use crate::claims::work::Advice;

pub const CLAIM: Claim = Claim {
    name: "read-ahead",
    sentence: "It is read-ahead that makes reading in order fast: without it, half the speed is gone.",
    metric: Metric::MegabytesPerSecond,
    asks: |scale| {
        each_block(scale, 2.0, |block| {
            (cold_read(Advice::Default, block), cold_read(Advice::NoReadAhead, block))
        })
    },
    shows: |scale| scale.block_bytes.iter().map(|block| cold_read(Advice::Sequential, *block)).collect(),
    where_it_holds: "With POSIX_FADV_RANDOM every call in order waits for the disk too; nothing about the order itself helps.",
    where_it_does_not: "A call for so many bytes keeps the disk busy by itself; reading ahead adds little.",
};
