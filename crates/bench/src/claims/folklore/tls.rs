//! What encryption does to zero copy.

use super::settings::{each_transfer, nothing_more};
use crate::claims::claim::Claim;
use crate::claims::paths::Path;
use crate::claims::sample::Metric;

pub const CLAIM: Claim = Claim {
    name: "tls",
    sentence: "TLS ends zero copy: it costs the sender at least twice the CPU of sendfile.",
    metric: Metric::CpuSecondsPerGigabyte,
    asks: |scale| each_transfer(scale, Path::Sendfile, Path::Tls, 2.0),
    shows: nothing_more,
    where_it_holds: "The bytes must come into the process to be encrypted, and go back: read, encrypt (AES-128-GCM by rustls and \
                     ring), write.",
    where_it_does_not: "With the processor's instructions for AES, encrypting costs little more than what sendfile costs here.",
};
