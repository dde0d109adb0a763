//! The command line: what every command has in common.

pub mod failure;
pub mod sandbox;
pub mod prompt;
pub mod wizard;
pub mod reference;
