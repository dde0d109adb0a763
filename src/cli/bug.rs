//! Panic handling: a panic is a bug in tfbackend, which is reported and ends the process at once.

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
        // The reader may have closed the stream.
        let _ = writeln!(err, "{}", said(bug));
        // As the variables ask for it.
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            let _ = writeln!(err, "\n{backtrace}");
        }
        process::exit(i32::from(exit::BUG));
    }));
}

/// Returns the panic message without control characters, because it may contain external input.
fn said(bug: &PanicHookInfo<'_>) -> String {
    let what = bug.payload_as_str().unwrap_or("no reason given");
    let at = bug
        .location()
        .map(|at| format!(" ({}:{})", at.file(), at.line()))
        .unwrap_or_default();
    format!(
        "error: this is a bug in tfbackend: {}{at}\n\nRun the same command again to continue. \
         Please report the line above and the output of `tfbackend --version`.",
        safe(what)
    )
}
