//! Backups of states: an archive that is whole or not there, and of which nothing is believed
//! before all of it was checked.
//!
//! `tar --zstd -tf` lists one: `states/000001.tfstate` and so on, and last `manifest.json`, which
//! says what each of them is. Names of objects can be anything, so they are in the manifest and
//! never names of files.

pub mod file;
pub mod manifest;
pub mod write;
pub mod read;
pub mod stopping;
mod dense;

#[cfg(test)]
mod tests;
