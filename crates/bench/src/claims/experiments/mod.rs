//! The experiments: each measures one case of its kind once.

pub mod appends;
mod places;
pub mod read_order;
pub mod syncs;
pub mod transfers;
pub mod write_order;
