//! Progress of a run: bars in a terminal, lines elsewhere, JSON for a program, or nothing.

use std::io::Write;

use indicatif::ProgressDrawTarget;

use self::{bars::ProgressBars, json::EventDocument, lines::ProgressLines};
use super::{json::write_line, style::TextStyles};
use crate::engine::event::ApplyEvent;

pub(crate) mod bars;
pub mod json;
pub(crate) mod lines;

/// Shows the progress of a run. Pass every event to [`on_event`](Self::on_event), and call
/// [`finish`](Self::finish) at the end.
pub enum ProgressReporter<'a> {
    /// A spinner for each running step; finished steps stay above.
    Bars(ProgressBars),
    /// A line for each finished step.
    Lines(ProgressLines<'a>),
    /// A JSON document per line, see [`EventDocument`].
    Json(&'a mut (dyn Write + Send)),
    Hidden,
}

impl<'a> ProgressReporter<'a> {
    /// Draws on standard error, which must be a terminal. `steps` is the number of writes planned.
    pub fn bars(steps: usize, style: TextStyles) -> Self {
        Self::Bars(ProgressBars::new(
            steps,
            style,
            ProgressDrawTarget::stderr(),
        ))
    }

    pub fn lines(err: &'a mut (dyn Write + Send), style: TextStyles) -> Self {
        Self::Lines(ProgressLines { err, style })
    }

    /// A failed write of progress does not stop the run.
    pub fn on_event(&mut self, event: ApplyEvent) {
        match self {
            Self::Bars(bars) => bars.on_event(&event),
            Self::Lines(lines) => lines.on_event(&event),
            Self::Json(out) => drop(write_line(*out, EventDocument::from(event))),
            Self::Hidden => {}
        }
    }

    /// Removes the spinners; printed lines stay.
    pub fn finish(self) {
        if let Self::Bars(bars) = self {
            bars.finish();
        }
    }
}

#[cfg(test)]
mod tests;
