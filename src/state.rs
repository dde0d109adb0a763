//! State files and their locks, without access to the cloud and without a clock.
//!
//! A state file contains secrets. Only the fields of [`snapshot`] are kept: version, serial,
//! lineage, counts and addresses; no values.

pub mod layout;
pub mod moved;
pub mod lock;
pub mod engine;
pub mod digest;
pub mod snapshot;
pub mod census;
pub mod fingerprint;
pub mod outline;
pub mod diff;
pub mod recover;

pub mod lenient;

pub mod json;
