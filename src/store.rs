//! States and locks of any backend kind.

pub mod backup;
pub mod location;
pub mod state_store;
