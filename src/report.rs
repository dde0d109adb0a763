//! Formats values as text for a terminal, or as JSON for a program.
//!
//! All functions return a `String`, or write to a given writer. External text passes [`safe::safe`]
//! before it is written to a terminal.

pub mod findings;
pub(crate) mod census;
pub(crate) mod restore;
pub(crate) mod check;
pub mod json;
pub(crate) mod lock_table;
pub mod locks;
pub(crate) mod migration;
pub mod plan;
pub mod progress;
pub(crate) mod safe;
pub(crate) mod self_check;
pub(crate) mod states;
pub(crate) mod stored_locks;
pub(crate) mod state_move;
pub mod style;
pub(crate) mod table;
pub(crate) mod wrap;

/// The output properties of texts.
#[derive(Clone, Copy, Debug)]
pub struct TextStyle {
    /// The width in columns. A longer word, such as an ARN, is not broken, so that it can be
    /// copied.
    pub width: usize,
    pub style: style::TextStyles,
    /// Shows also what needs no attention.
    pub verbose: bool,
}
