//! State files and the locks on them: what may be known of them, without the cloud and without a
//! clock.
//!
//! A state file is full of secrets. Of what is in one, only what [`snapshot`] names is ever kept:
//! version, serial, lineage, counts and addresses; no value.

pub mod layout;
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
