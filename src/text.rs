//! Text helpers: lines, shell quoting, invisible characters, and numbers and lists in words.

pub mod invisible;
pub(crate) mod lines;
pub(crate) mod shell;
pub(crate) mod words;
