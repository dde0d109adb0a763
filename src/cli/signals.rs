//! Ctrl-C, SIGTERM and hangup: the first signal asks the run to end, the second one ends it.

#[cfg(unix)]
use std::task::Poll;
use std::{
    io::{self, Write},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::prompt;
use crate::{exit, host::bounded};

/// The time for a question to end by itself, as it does on Ctrl-C.
const QUESTION: Duration = Duration::from_millis(300);

/// Starts listening; to be called before any question is asked. What is under way when the first
/// signal comes is finished: the outcome of a call that was cut off would be unknown.
pub(crate) fn listen(cancel: CancellationToken) {
    let terminal = prompt::TerminalState::now();
    let mut signals = Signals::new();
    tokio::spawn(async move {
        signals.next().await;
        cancel.cancel();
        tokio::select! {
            () = signals.next() => {}
            () = unanswered() => {}
            () = unread() => {
                let _ = writeln!(io::stderr(), "error: interrupted while reading files; nothing was changed");
            }
        }
        terminal.restore();
        std::process::exit(i32::from(exit::INTERRUPTED));
    });
}

/// Ends if a question waits for its answer, which no token ends: nothing is being changed then.
async fn unanswered() {
    tokio::time::sleep(QUESTION).await;
    if !prompt::is_open() {
        std::future::pending().await
    }
}

/// Ends if files are read, for which no token is looked at: one may be a pipe without a writer.
/// Nothing is being changed then.
async fn unread() {
    loop {
        tokio::time::sleep(QUESTION).await;
        if bounded::is_reading() {
            return;
        }
    }
}

/// Those that ask for the end; caught from the moment that this was made.
struct Signals {
    #[cfg(unix)]
    caught: Vec<tokio::signal::unix::Signal>,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = (!ignores_hangup()).then(SignalKind::hangup);
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()]
            .into_iter()
            .chain(hangup);
        Self {
            caught: kinds.filter_map(|kind| signal(kind).ok()).collect(),
        }
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        std::future::poll_fn(|cx| {
            let mut caught = self.caught.iter_mut();
            match caught.any(|signal| signal.poll_recv(cx).is_ready()) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Returns whether it was started by `nohup`, which is to outlive its terminal. Where the system
/// does not say,
/// it was not.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return false;
    };
    let ignored = status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    // SIGHUP is the first of them.
    ignored.is_some_and(|ignored| ignored & 1 == 1)
}
