//! Whether the claims of log storage hold on this machine: `ottla bench claims`.
//!
//! A [`claim`] is a sentence and the comparisons it stands on; they all stand in [`folklore`]. The [`plan`] says which cases
//! ([`work`]) they need, how large, and in which order; [`run()`] makes them on a [`bench`], each by one of the [`experiments`],
//! and a pure function ([`decide`]) makes a verdict of the samples. The [`report`] is text, JSON or a page.

pub mod report;
pub mod run;

mod bench;
mod experiments;
mod paths;

mod cache;
mod folios;
mod machine;
mod meter;
mod network;
mod receiver;
mod scratch;

mod claim;
mod compare;
mod error;
mod folklore;
mod plan;
mod results;
mod sample;
mod work;

#[cfg(test)]
mod tests;

pub use claim::{Finding, Judged, Verdict};
pub use compare::{Decision, Spread, decide, spread};
pub use error::Error;
pub use machine::{Fact, Machine};
pub use plan::Scale;
pub use results::{Outcome, Results};
pub use run::{Listed, Options, Report, Watch, list, run};
pub use sample::{Metric, Sample};
