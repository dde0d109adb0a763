//! States and locks of any backend kind.

pub mod backup;
pub mod state_store;
