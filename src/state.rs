//! State files and their locks, without access to the cloud and without a clock.
//!
//! A state file contains secrets. Only the fields of [`snapshot`] are kept: version, serial,
//! lineage, counts and addresses; no values.

pub mod layout;
pub(crate) mod moved;
pub mod lock;
pub(crate) mod engine;
pub mod digest;
pub mod snapshot;
pub mod census;
pub(crate) mod fingerprint;
pub(crate) mod outline;
pub(crate) mod diff;
pub mod recover;

pub(crate) mod lenient;

pub(crate) mod json;
