//! Load for any address that speaks Kafka's protocol: what is sent, when, and what must come back.
//!
//! | step | file |
//! | --- | --- |
//! | what is asked for | `settings` |
//! | which connection sends to which partition | `lanes` |
//! | when each batch is due | `schedule` |
//! | sending | `flat_out`, `paced` |
//! | reading | `consumer` |
//! | is it what was sent? | `ledger` |
//! | how long it took | `latency` |
//! | all of it together | `run` |
//! | what came of it | `outcome` |

mod settings;

mod error;

mod lanes;
mod latency;
mod ledger;
mod schedule;
mod timeline;
mod window;

mod live;
mod part;

mod consumer;
mod flat_out;
mod paced;
mod sender;

mod topic;

mod json;
mod outcome;
mod run;

pub use error::{LoadError, Wrong};
pub use json::json_of;
pub use latency::{Latency, Quantile, write_hgrm};
pub use live::SoFar;
pub use outcome::{ClientFigures, Outcome, ServerFigures, Throughput};
pub use run::run;
pub use settings::{Acks, Pace, Settings, Span, Timestamps, Topic};
