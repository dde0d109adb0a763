//! The checks of a backend on AWS.

pub mod usage;
