//! What tests share.

pub mod scripted;
pub mod sources;
