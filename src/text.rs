//! Text helpers: lines, shell quoting, invisible characters, and numbers and lists in words.

pub mod invisible;
pub mod lines;
pub mod shell;
pub mod words;
