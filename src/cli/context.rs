//! What a command runs in: the host, what was said globally, and the ways to speak.

use std::{future::Future, io::Write};

use super::{environment::ConnectedEnvironment, failure::CliError, global::GlobalOptions};
use crate::{backend::aws::resources::AwsSpec, engine::observation::Observation, host::Host};

pub struct Context<'h> {
    pub host: &'h mut Host,
    pub global: GlobalOptions,
}

impl Context<'_> {
    /// A line for a person, on standard error; nothing with `--quiet` or JSON.
    pub fn say(&mut self, line: &str) {
        if !self.global.quiet && !self.global.json() {
            // A person who closed the terminal does not stop the run.
            let _ = writeln!(self.host.err, "{}", crate::report::safe::safe(line));
        }
    }

    /// Text that was made for a person by `report`, on standard error.
    pub fn show(&mut self, text: &str) {
        if !self.global.quiet && !self.global.json() {
            let _ = write!(self.host.err, "{text}");
        }
    }

    /// The moment of this run.
    pub fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::try_from(self.host.now).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// The answer, on standard output.
    pub fn answer(&mut self, text: &str) -> Result<(), CliError> {
        let written = self
            .host
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.host.out.flush());
        written.map_err(|error| CliError::failed("cannot write the answer").because(&error))
    }

    /// The environment as it is, and what was seen of it.
    pub async fn inspect(
        &mut self,
        environment: ConnectedEnvironment,
        moves_state: bool,
    ) -> Result<(ConnectedEnvironment, Observation<AwsSpec>), CliError> {
        let inspection = self.look(environment.inspect(moves_state)).await??;
        Ok(environment.as_inspected(inspection))
    }

    pub async fn observe(
        &mut self,
        environment: &ConnectedEnvironment,
    ) -> Result<Observation<AwsSpec>, CliError> {
        self.look(environment.observe()).await
    }

    /// For what changes nothing: Ctrl-C ends it at once.
    pub async fn look<T>(&mut self, looking: impl Future<Output = T>) -> Result<T, CliError> {
        let cancel = self.host.cancel.clone();
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(CliError::interrupted("interrupted while looking")),
            seen = looking => Ok(seen),
        }
    }
}
