//! The AWS backend.

pub mod http;
