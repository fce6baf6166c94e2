//! Kafka's topic settings by name: what there is, what it defaults to, what a value must be, and which
//! field of [`LogConfig`](crate::LogConfig) it is.
//!
//! ```
//! use std::collections::BTreeMap;
//! use ottla::{LogConfig, settings};
//!
//! let overrides = BTreeMap::from([("segment.bytes".to_owned(), "1048576".to_owned())]);
//! settings::validate(&overrides)?;
//! let config = settings::apply(&LogConfig::default(), &overrides);
//! assert_eq!(config.segment_bytes, 1 << 20);
//! # Ok::<(), ottla::Error>(())
//! ```

mod apply;
mod change;
mod check;
mod kind;
mod table;

pub use apply::{SettingValue, apply, describe, from_broker};
pub use change::{Change, change, replace};
pub use check::validate;
pub use kind::Kind;
pub use table::{SETTINGS, Setting};
