//! Ctrl-C and SIGTERM: the first asks the run to end, the second ends it.

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
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
