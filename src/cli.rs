//! The command line: what every command has in common.

pub mod failure;
pub mod sandbox;
