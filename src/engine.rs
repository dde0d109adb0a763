//! The engine: what should exist, what exists, the difference as a plan, and how it is applied.
//!
//! Knows no backend kind, no clock, no terminal and no variable.

pub mod spec;
pub mod blueprint;
pub mod observation;
pub mod plan;
pub mod event;
pub mod apply;
