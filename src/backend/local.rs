//! The `local` backend: one folder of states on this machine, for its owner only.
//!
//! `folder` and `file_modes` are its resources, `provider` reads and writes them, `store` has the
//! states and locks, `verify` what must hold, `teardown` what would be lost.

pub(crate) mod folder;
pub(crate) mod file_modes;
pub(crate) mod file_system;
pub(crate) mod resources;
pub mod provider;
mod fence;
pub mod store;
pub(crate) mod verify;
pub mod teardown;
