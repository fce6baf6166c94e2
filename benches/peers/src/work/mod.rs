//! What is measured, in a process of its own each.

mod task;

mod append;
mod check;
mod open;
mod read;
mod synced;

mod usage;

pub use append::WAITING;
pub use task::{Task, Work, run};
