//! The exit codes, stable for scripts.

/// Done, or nothing to do.
pub const DONE: u8 = 0;
/// Failed, or the command line is invalid (clap's own 2 would mean "there are changes").
pub const FAILED: u8 = 1;
/// The answer is "no": for example, `plan --detailed-exitcode` found changes, or `render --check`
/// found stale files.
pub const CHANGES: u8 = 2;
/// Refused, nothing was changed: a safety check failed, the plan is blocked, or the user answered
/// no.
pub const REFUSED: u8 = 3;
/// Partly applied: run the same command again to continue.
pub const PARTLY: u8 = 4;
/// A bug in tfbackend, reported on standard error (the exit code of a Rust panic): it is safe to
/// run the same command again.
pub const BUG: u8 = 101;
/// Interrupted (128 + SIGINT).
pub const INTERRUPTED: u8 = 130;
