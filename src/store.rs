//! States and locks of any backend kind, and what is done with them whatever the kind.

pub mod backup;
pub mod location;
pub mod migrate;
pub mod state_store;
pub mod inventory;
pub mod history;
pub mod restore;
pub mod check;
