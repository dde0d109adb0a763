//! The failure of a command: message, causes, hints and exit code.

use std::error::Error;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    exit,
    report::{
        TextStyle,
        safe::{safe, shortened},
        wrap::wrap,
    },
};

/// The reason why a command failed, for users and scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliError {
    /// One of [`exit`].
    pub code: u8,
    /// A lowercase fragment, such as `could not read the lock table`. May have several lines.
    pub message: String,
    /// From the nearest to the deepest.
    pub causes: Vec<String>,
    /// Each names one action.
    pub hints: Vec<String>,
    /// The user answered no: this is not an error, and is not printed as one.
    pub cancelled: bool,
}

/// A failure as JSON: `{ "format_version": 1, "error": { … } }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureDocument {
    pub error: ErrorDocument,
}

/// The texts are for users; the wording may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorDocument {
    /// The status that the process ends with.
    pub exit_code: u8,
    pub message: String,
    /// From the nearest to the deepest.
    pub causes: Vec<String>,
    /// The hints.
    pub hints: Vec<String>,
}

impl CliError {
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            causes: vec![],
            hints: vec![],
            cancelled: false,
        }
    }

    /// Exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(exit::FAILED, message)
    }

    /// Exit code 3: nothing was changed.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(exit::REFUSED, message)
    }

    /// Exit code 3: the user answered no.
    pub fn cancelled() -> Self {
        Self {
            cancelled: true,
            ..Self::refused("Cancelled. Nothing was changed.")
        }
    }

    /// Exit code 4: the same command continues.
    pub fn partly(message: impl Into<String>) -> Self {
        Self::new(exit::PARTLY, message)
    }

    /// Exit code 130.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::new(exit::INTERRUPTED, message)
    }

    /// The error is the message, its sources the causes.
    pub fn of(code: u8, error: &dyn Error) -> Self {
        let failure = Self::new(code, error.to_string());
        match error.source() {
            Some(source) => failure.because(source),
            None => failure,
        }
    }

    /// Adds an error and its sources to the causes. Texts that are already contained in another
    /// cause are omitted: many errors repeat their source.
    #[must_use]
    pub fn because(mut self, error: &dyn Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            let said = self
                .causes
                .iter()
                .chain([&self.message])
                .any(|earlier| earlier.contains(&text));
            if !said {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Adds a hint, unless it is already there.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        if !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
        self
    }

    /// For standard error, with a line break at the end.
    pub fn text(&self, view: &TextStyle) -> String {
        if self.cancelled {
            return format!("{}\n", safe(&self.message));
        }
        let style = view.style;
        let causes = self
            .causes
            .iter()
            .map(|cause| ("  caused by:", cause, style.dim("  caused by:")));
        let hints = self
            .hints
            .iter()
            .map(|hint| ("  hint:", hint, style.cyan("  hint:")));
        let message = [("error:", &self.message, style.red("error:"))];
        let mut out = String::new();
        for (label, text, styled) in message.into_iter().chain(causes).chain(hints) {
            for line in paragraph(label, text, view.width) {
                out.push_str(
                    &line
                        .strip_prefix(label)
                        .map_or_else(|| line.clone(), |rest| format!("{styled}{rest}")),
                );
                out.push('\n');
            }
        }
        out
    }

    /// To be written by [`json`](crate::report::json).
    pub fn document(&self) -> FailureDocument {
        let Self {
            code,
            message,
            causes,
            hints,
            cancelled: _,
        } = self;
        let line = |text: &String| text.lines().map(shortened).collect::<Vec<_>>().join("\n");
        let lines = |texts: &[String]| texts.iter().map(line).collect();
        FailureDocument {
            error: ErrorDocument {
                exit_code: *code,
                message: line(message),
                causes: lines(causes),
                hints: lines(hints),
            },
        }
    }
}

/// The first line wrapped after its label. Further ones keep their layout, such as a marker below a
/// column, behind a bar: no text can pass for a line of ours.
fn paragraph(label: &str, text: &str, width: usize) -> Vec<String> {
    let mut lines = text.trim_end().lines();
    let mut out = wrap(
        &format!("{label} "),
        "    ",
        &safe(&shortened(lines.next().unwrap_or_default())),
        width,
    );
    out.extend(lines.map(|line| {
        format!("    | {}", safe(&shortened(line)))
            .trim_end()
            .to_owned()
    }));
    out
}

#[cfg(test)]
mod tests;
