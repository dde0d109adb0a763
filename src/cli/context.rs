//! The context of a command: host, global options, and output.

use std::{future::Future, io::Write};

use super::{
    busy::BusySpinner, environment::ConnectedEnvironment, failure::CliError, global::GlobalOptions,
    wizard::broken,
};
use crate::{
    backend::{aws::resources::AwsSpec, provider::Provider},
    engine::observation::Observation,
    host::Host,
    report::wrap::wrap,
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

    /// The same, broken at spaces to the width of the terminal.
    pub fn status_wrapped(&mut self, text: &str) {
        for line in wrap("", "", text, self.host.err_width) {
            self.status(&line);
        }
    }

    /// Prints a command of options, broken to the width of the terminal so that a shell reads it as
    /// one.
    pub fn status_command(&mut self, command: &str) {
        for line in broken(command, self.host.err_width) {
            self.status(&line);
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
            .busy_with("reading the backend", environment.inspect(moves_state))
            .await??;
        Ok(environment.as_inspected(inspection))
    }

    pub async fn observe(
        &mut self,
        environment: &ConnectedEnvironment,
    ) -> Result<Observation<AwsSpec>, CliError> {
        self.busy_with("reading the backend", environment.provider.observe())
            .await
    }

    /// Awaits a read-only operation, which Ctrl-C ends at once; a terminal says "reading" if it
    /// takes longer than a moment.
    pub async fn until_cancelled<T>(
        &mut self,
        looking: impl Future<Output = T>,
    ) -> Result<T, CliError> {
        self.busy_with("reading", looking).await
    }

    /// The same, and says what the command does, as in `counting states`.
    pub async fn busy_with<T>(
        &mut self,
        what: &str,
        looking: impl Future<Output = T>,
    ) -> Result<T, CliError> {
        let _busy = BusySpinner::start(what, self.host, &self.global);
        let cancel = self.host.cancel.clone();
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(CliError::interrupted("interrupted while reading")),
            seen = looking => Ok(seen),
        }
    }
}
