//! Ctrl-C and SIGTERM: the first asks the run to end, the second ends it.

use tokio_util::sync::CancellationToken;

use crate::exit;

/// Starts listening. What is under way when the first signal comes is finished: the outcome of a
/// call that was cut off would be unknown.
pub fn listen(cancel: CancellationToken) {
    tokio::spawn(async move {
        signal().await;
        cancel.cancel();
        signal().await;
        // A terminal without its cursor would be left behind by a progress bar.
        let _ = console::Term::stderr().show_cursor();
        std::process::exit(i32::from(exit::INTERRUPTED));
    });
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
