//! A panic, which is a bug of ours: it is said, and ends the program where it is, as a kill would.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, Write},
    panic::{self, PanicHookInfo},
    process,
};

use super::prompt;
use crate::{exit, report::safe::safe};

/// From here on a panic, on whatever thread, ends the program with [`exit::BUG`].
///
/// Nothing is unwound and nothing goes on beside it: what the next run finds is what it finds after
/// a kill, from which it goes on. The release binary has no code for anything else.
pub fn ends_the_program() {
    let terminal = prompt::TerminalState::now();
    panic::set_hook(Box::new(move |bug| {
        terminal.restore();
        let mut err = io::stderr();
        // Who reads it may be gone.
        let _ = writeln!(err, "{}", said(bug));
        // As the variables ask for it.
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            let _ = writeln!(err, "\n{backtrace}");
        }
        process::exit(i32::from(exit::BUG));
    }));
}

/// What failed may have come from outside.
fn said(bug: &PanicHookInfo<'_>) -> String {
    let what = bug.payload_as_str().unwrap_or("it does not say why");
    let at = bug
        .location()
        .map(|at| format!(" ({}:{})", at.file(), at.line()))
        .unwrap_or_default();
    format!(
        "error: this is a bug of tfbackend: {}{at}\n\nThe same command again goes on from here. \
         Please report the line above, and what `tfbackend --version` says.",
        safe(what)
    )
}
