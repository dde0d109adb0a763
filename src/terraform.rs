//! Terraform's files in a folder: what they say about the backend, and those that tfbackend writes.

pub mod read;
pub mod write;
