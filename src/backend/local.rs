//! The `local` backend: one folder of states on this machine, for its owner only.
//!
//! `folder` and `file_modes` are its resources, `provider` reads and writes them, `store` has the
//! states and locks, `verify` what must hold, `teardown` what would be lost.

pub mod folder;
pub mod file_modes;
pub mod file_system;
pub mod resources;
pub mod provider;
mod fence;
pub mod store;
pub mod verify;
pub mod teardown;
