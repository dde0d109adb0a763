//! `tfbackend version`: which build this is.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::{context::Context, failure::CliError};
use crate::{exit, kind::BackendKind, report::json};

/// Print the version and, as JSON, what the program was built from
#[derive(Args, Clone, Debug)]
pub struct VersionArgs {}

/// `version --output json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct VersionDocument {
    version: &'static str,
    /// The commit that it was built from; `null` if the build was not told.
    commit: Option<&'static str>,
    /// The date of the commit, in RFC 3339.
    commit_date: Option<&'static str>,
    /// The platform that it was built for, such as `x86_64-unknown-linux-musl`.
    target: &'static str,
    /// The compiler that built it, such as `rustc 1.94.1 (…)`; `null` if it is unknown.
    rustc: Option<&'static str>,
    /// An SPDX expression.
    license: &'static str,
    backends: &'static [BackendKind],
}

/// `Cargo.toml` has the one version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A variable that was empty at build time says nothing.
fn told(value: Option<&'static str>) -> Option<&'static str> {
    value.filter(|value| !value.is_empty())
}

impl VersionDocument {
    fn new() -> Self {
        Self {
            version: VERSION,
            commit: told(option_env!("TFBACKEND_COMMIT")),
            commit_date: told(option_env!("TFBACKEND_COMMIT_DATE")),
            target: env!("TFBACKEND_TARGET"),
            rustc: told(option_env!("TFBACKEND_RUSTC")),
            license: env!("CARGO_PKG_LICENSE"),
            backends: BackendKind::ALL,
        }
    }
}

/// Prints the same line as `--version`.
pub(crate) fn run(cx: &mut Context<'_>) -> Result<u8, CliError> {
    if cx.global.json() {
        json::write_document(&mut *cx.host.out, VersionDocument::new())
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
    } else {
        cx.output(&format!("tfbackend {VERSION}\n"))?;
    }
    Ok(exit::DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_the_build_that_are_empty_say_nothing() {
        assert_eq!(told(Some("")), None);
        assert_eq!(told(Some("59807616e1fa")), Some("59807616e1fa"));
        assert_eq!(told(None), None);
    }
}
