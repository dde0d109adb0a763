//! The exit codes: what a script may rely on.

/// Done, or nothing to do.
pub const DONE: u8 = 0;
/// Failed, or the command line made no sense (clap's own 2 would read as "there are changes").
pub const FAILED: u8 = 1;
/// The answer is "no": `plan --detailed-exitcode` found changes, `render --check` stale files.
pub const CHANGES: u8 = 2;
/// Refused and nothing changed: a guard held, the plan is blocked, or a person said no.
pub const REFUSED: u8 = 3;
/// Partly applied: running the same command again continues.
pub const PARTLY: u8 = 4;
/// A bug of tfbackend, which has said so (what Rust programs end with): running the same command
/// again is safe.
pub const BUG: u8 = 101;
/// Interrupted (128 + SIGINT).
pub const INTERRUPTED: u8 = 130;
