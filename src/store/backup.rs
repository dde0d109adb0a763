//! Backups of states: an archive that is complete or absent, and that is checked completely before
//! any of its content is used.
//!
//! `tar --zstd -tf` lists one: `states/000001.tfstate` and so on, and last `manifest.json`, which
//! describes each of them. Object keys can contain anything, so that they are in the manifest and
//! never used as file names.

pub(crate) mod file;
pub mod manifest;
pub mod write;
pub mod read;
pub mod states;
pub(crate) mod stopping;
mod dense;

#[cfg(test)]
mod tests;
