//! Progress in a terminal: a spinner for each running step, and the number of finished ones.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::lines::line;
use crate::{
    engine::{event::ApplyEvent, spec::Address},
    report::{safe::safe, style::TextStyles},
};

/// The update interval of a spinner.
const TICK: Duration = Duration::from_millis(100);

pub struct ProgressBars {
    all: MultiProgress,
    total: ProgressBar,
    running: BTreeMap<Address, ProgressBar>,
    style: TextStyles,
}

impl ProgressBars {
    pub fn new(steps: usize, style: TextStyles, target: ProgressDrawTarget) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let total = all.add(
            ProgressBar::new(steps as u64).with_style(template("  {pos} of {len} done", style)),
        );
        total.tick();
        Self {
            all,
            total,
            running: BTreeMap::new(),
            style,
        }
    }

    pub fn on_event(&mut self, event: &ApplyEvent) {
        match event {
            ApplyEvent::Started { address } => {
                let spinner = ProgressBar::new_spinner()
                    .with_style(template("{spinner} {msg}  {elapsed}", self.style));
                let spinner = self.all.insert_before(&self.total, spinner);
                spinner.set_message(safe(address.as_str()).into_owned());
                spinner.enable_steady_tick(TICK);
                self.running.insert(address.clone(), spinner);
            }
            ApplyEvent::Finished { address, .. }
            | ApplyEvent::Failed { address, .. }
            | ApplyEvent::Skipped { address, .. } => {
                if let Some(spinner) = self.running.remove(address) {
                    spinner.finish_and_clear();
                    self.all.remove(&spinner);
                }
                if matches!(event, ApplyEvent::Finished { .. }) {
                    self.total.inc(1);
                }
            }
            ApplyEvent::Interrupted { .. } => {}
        }
        if let Some(line) = line(event, self.style) {
            // A closed terminal does not stop the run.
            let _ = self.all.println(line);
        }
    }

    pub fn finish(self) {
        for spinner in self.running.values() {
            spinner.finish_and_clear();
        }
        self.total.finish_and_clear();
    }
}

/// Spinners for single waits that are shown; two would draw over each other.
static SHOWN: AtomicUsize = AtomicUsize::new(0);

/// A spinner for a single wait. It is removed when dropped.
pub(crate) struct WaitSpinner(ProgressBar);

impl WaitSpinner {
    pub(crate) fn new(style: TextStyles, target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(None, target)
            .with_style(template("{spinner} {msg}  {elapsed}", style));
        bar.enable_steady_tick(TICK);
        SHOWN.fetch_add(1, Ordering::SeqCst);
        Self(bar)
    }

    /// Returns whether any is shown.
    pub(crate) fn is_any_shown() -> bool {
        SHOWN.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn show(&self, message: &str) {
        self.0.set_message(safe(message).into_owned());
    }
}

impl Drop for WaitSpinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
        SHOWN.fetch_sub(1, Ordering::SeqCst);
    }
}

fn template(template: &str, style: TextStyles) -> ProgressStyle {
    // The last character is shown when a spinner is finished.
    let signs = style.pick("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ", "|/-\\ ");
    ProgressStyle::with_template(template)
        .expect("the template is one of two above")
        .tick_chars(signs)
}

#[cfg(test)]
mod tests;
