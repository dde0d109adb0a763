//! How values become text: for a person in a terminal, or as JSON for a program.
//!
//! Everything here is a function from a value to a `String`, or writes to a writer that it is
//! given. What comes from outside passes [`safe::safe`] on its way to a terminal.

pub mod findings;
pub mod census;
pub mod restore;
pub mod check;
pub mod json;
pub mod locks;
pub mod migration;
pub mod plan;
pub mod progress;
pub mod safe;
pub mod states;
pub mod style;
pub mod table;
pub mod wrap;

/// What texts are made for.
#[derive(Clone, Copy, Debug)]
pub struct TextStyle {
    /// Columns to fill. A word that is longer, such as an ARN, is not cut: it could not be copied.
    pub width: usize,
    pub style: style::TextStyles,
    /// Also what needs no attention.
    pub verbose: bool,
}
