//! What the user asks for: the sources of settings, their precedence, and the resolved settings of
//! each backend kind, in which every value is set and no two contradict each other.

pub mod names;
pub mod layer;
pub(crate) mod kinds;
pub mod options;
pub mod variables;
pub mod file;
pub(crate) mod place;
pub mod merge;
pub mod defaults;
pub(crate) mod common;
pub mod rerun;
pub mod s3;
pub mod local;
pub(crate) mod check;
pub mod error;
