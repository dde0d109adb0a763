//! Terraform files in a folder: reads their backend configuration, and writes the files of
//! tfbackend.

pub(crate) mod log;
pub mod read;
pub mod write;
