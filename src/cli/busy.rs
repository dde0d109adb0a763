//! Says what a command is busy with, in a terminal, once that takes longer than a moment.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use indicatif::ProgressDrawTarget;
use tokio::task::JoinHandle;

use super::global::GlobalOptions;
use crate::{
    host::Host,
    report::{progress::bars::WaitSpinner, style::TextStyles},
};

/// Columns for the longest text, with sign and time.
const NARROWEST: usize = 50;
/// A shorter wait is not noticed.
const MOMENT: Duration = Duration::from_millis(300);

/// Shows a spinner after a moment, until it is dropped.
pub(crate) struct BusySpinner {
    state: Arc<Mutex<SpinnerState>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct SpinnerState {
    is_over: bool,
    spinner: Option<WaitSpinner>,
}

impl BusySpinner {
    /// Shows nothing without a terminal that moves the cursor, with `--quiet` and with JSON output.
    ///
    /// `with` is what the command does, as in `reading the backend`.
    pub(crate) fn start(with: &str, host: &Host, global: &GlobalOptions) -> Option<Self> {
        Self::style(host, global).map(|style| Self::styled(with, style))
    }

    /// How it is drawn; `None` if it is not.
    pub(crate) fn style(host: &Host, global: &GlobalOptions) -> Option<TextStyles> {
        let is_plain = host.var("TERM") == Some("dumb");
        let is_shown = host.err_is_terminal
            && host.err_width >= NARROWEST
            && !is_plain
            && !global.quiet
            && !global.json();
        is_shown.then(|| global.view(host).style)
    }

    pub(crate) fn styled(with: &str, style: TextStyles) -> Self {
        let text = with.to_owned();
        let state = Arc::new(Mutex::new(SpinnerState::default()));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            tokio::time::sleep(MOMENT).await;
            let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            if !state.is_over && !WaitSpinner::is_any_shown() {
                let spinner = WaitSpinner::new(style, ProgressDrawTarget::stderr());
                spinner.show(&text);
                state.spinner = Some(spinner);
            }
        });
        Self { state, task }
    }
}

impl Drop for BusySpinner {
    fn drop(&mut self) {
        self.task.abort();
        // The task may be about to show it.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_over = true;
        state.spinner = None;
    }
}
