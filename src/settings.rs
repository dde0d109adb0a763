//! What the user asks for: the sources of settings, their precedence, and the resolved settings of
//! each backend kind, in which every value is set and no two contradict each other.

pub mod names;
pub mod layer;
pub mod kinds;
pub mod options;
pub mod variables;
pub mod file;
pub mod place;
pub mod merge;
pub mod defaults;
pub mod common;
pub mod rerun;
pub mod s3;
pub mod local;
pub mod check;
pub mod error;
