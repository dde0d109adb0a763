//! Ctrl-C, SIGTERM and the end of the terminal: the first asks the run to end, the second ends it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::prompt;
use crate::exit;

/// How long a question may take to end by itself, as it does on Ctrl-C.
const QUESTION: Duration = Duration::from_millis(300);

/// Starts listening; to be called before any question is asked. What is under way when the first signal comes is finished: the outcome of a
/// call that was cut off would be unknown.
pub fn listen(cancel: CancellationToken) {
    let terminal = prompt::Terminal::now();
    tokio::spawn(async move {
        signal().await;
        cancel.cancel();
        tokio::select! {
            () = signal() => {}
            () = unanswered() => {}
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

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    let mut hangup = if ignores_hangup() { None } else { signal(SignalKind::hangup()).ok() };
    let hung_up = async {
        match &mut hangup {
            Some(hangup) => hangup.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        _ = hung_up => {}
    }
}

/// Whether it was started by `nohup`, which is to outlive its terminal. Where the system does not say, it was not.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    // SIGHUP is the first of them.
    ignored.is_some_and(|ignored| ignored & 1 == 1)
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
