//! The backend kinds, one folder each.

pub mod aws;
pub mod local;
pub mod provider;
