//! The engine: desired state, observed state, the difference as a plan, and its application.
//!
//! Independent of backend kinds, clock, terminal and environment variables.

pub mod spec;
pub mod blueprint;
pub mod observation;
pub mod plan;
pub mod event;
pub mod apply;
