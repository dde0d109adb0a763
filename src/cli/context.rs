//! The context of a command: host, global options, and output.

use std::{future::Future, io::Write};

use super::{environment::ConnectedEnvironment, failure::CliError, global::GlobalOptions};
use crate::{
    backend::{aws::resources::AwsSpec, provider::Provider},
    engine::observation::Observation,
    host::Host,
};

pub struct Context<'h> {
    pub host: &'h mut Host,
    pub global: GlobalOptions,
}

impl Context<'_> {
    /// Writes a status line to standard error, unless `--quiet` or JSON output is set.
    pub fn status(&mut self, line: &str) {
        if !self.global.quiet && !self.global.json() {
            // A closed terminal does not stop the run.
            let _ = writeln!(self.host.err, "{}", crate::report::safe::safe(line));
        }
    }

    /// Writes a text of `report` to standard error.
    pub fn status_text(&mut self, text: &str) {
        if !self.global.quiet && !self.global.json() {
            let _ = write!(self.host.err, "{text}");
        }
    }

    /// Returns the start time of this run.
    pub fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::try_from(self.host.now).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// Writes the output to standard output.
    pub fn output(&mut self, text: &str) -> Result<(), CliError> {
        let written = self
            .host
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.host.out.flush());
        written.map_err(|error| CliError::failed("cannot write the output").because(&error))
    }

    /// The environment as it is, and what was seen of it.
    pub async fn inspect(
        &mut self,
        environment: ConnectedEnvironment,
        moves_state: bool,
    ) -> Result<(ConnectedEnvironment, Observation<AwsSpec>), CliError> {
        let inspection = self
            .until_cancelled(environment.inspect(moves_state))
            .await??;
        Ok(environment.as_inspected(inspection))
    }

    pub async fn observe(
        &mut self,
        environment: &ConnectedEnvironment,
    ) -> Result<Observation<AwsSpec>, CliError> {
        self.until_cancelled(environment.provider.observe()).await
    }

    /// Awaits a read-only operation, which Ctrl-C ends at once.
    pub async fn until_cancelled<T>(
        &mut self,
        looking: impl Future<Output = T>,
    ) -> Result<T, CliError> {
        let cancel = self.host.cancel.clone();
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(CliError::interrupted("interrupted while reading")),
            seen = looking => Ok(seen),
        }
    }
}
