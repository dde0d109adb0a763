//! Texts as every room needs them: lines, words of a shell, characters that cannot be seen, and
//! numbers and lists in words.

pub mod invisible;
pub mod lines;
pub mod shell;
pub mod words;
