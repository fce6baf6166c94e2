//! Which logs there are, and which there are not.

use anyhow::{Context, Result};

use super::Peer;

pub const FLOOR: &str = "floor";
pub const OTTLA: &str = "ottla";

/// Those that were built in.
pub static ALL: &[&Peer] = &[
    &super::floor::PEER,
    &super::ottla::PEER,
    &super::ottla::CHECKED,
    #[cfg(feature = "commitlog")]
    &super::commitlog::PEER,
    #[cfg(feature = "okaywal")]
    &super::okaywal::PEER,
    #[cfg(feature = "raft-engine")]
    &super::raft_engine::PEER,
    #[cfg(feature = "walrus-rust")]
    &super::walrus::PEER,
];

/// Those that this build does not measure, and why.
pub fn left_out() -> Vec<(&'static str, &'static str)> {
    const FEATURE: &str = "built without its feature";
    let newer =
        "1.0.8 is for Rust 1.98.1 and does not compile with the 1.95 that this repository is built with";
    let all = [
        ("commitlog", cfg!(feature = "commitlog"), FEATURE),
        ("krabka-log", false, newer),
        ("okaywal", cfg!(feature = "okaywal"), FEATURE),
        ("raft-engine", cfg!(feature = "raft-engine"), FEATURE),
        ("walrus-rust", cfg!(feature = "walrus-rust"), FEATURE),
    ];
    all.into_iter().filter(|(_, built, _)| !built).map(|(name, _, why)| (name, why)).collect()
}

pub fn named(name: &str) -> Result<&'static Peer> {
    let names = || ALL.iter().map(|peer| peer.name).collect::<Vec<_>>().join(", ");
    let found = ALL.iter().find(|peer| peer.name == name).copied();
    found.with_context(|| format!("no log is called {name}: there are {}", names()))
}
