//! The command line: what it asks, and what it is documented to say.

pub mod prompt;
pub mod wizard;
pub mod reference;
