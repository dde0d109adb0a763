//! Selects the backend of a command, regardless of the tool that created it: of an environment, of
//! files, of a folder, of a bucket, or of a path.

use std::path::Path;

use serde::Serialize;

use super::{
    context::Context,
    environment::{EnvironmentArgs, Prompting},
    explain,
    failure::CliError,
    session::ConnectionSettings,
};
use crate::{
    kind::BackendKind,
    report::{
        json::{self, NotedDocument},
        states::AboutDocument,
    },
    settings::{layer::SettingsLayer, variables},
    store::{
        location::BackendLocation,
        state_store::{StateId, StateStore},
    },
};

mod args;
mod local;
mod locate;
mod connection;
mod resolve;
mod s3;

pub(crate) use args::TargetArgs;
pub(crate) use local::LocalTarget;
use resolve::BackendChoice;
pub(crate) use s3::{KnownLocks, S3Target};

/// An existing backend, and the connection to it.
#[derive(Debug)]
pub enum BackendTarget {
    S3(Box<S3Target>),
    Local(Box<LocalTarget>),
}

impl TargetArgs {
    /// Resolves the backend and connects. Nothing is written.
    ///
    /// # Errors
    /// If no backend is given, two sources contradict each other, or it does not exist.
    pub async fn open(self, cx: &mut Context<'_>) -> Result<BackendTarget, CliError> {
        Ok(match resolve::of(&self, cx)? {
            BackendChoice::Environment(args)
                if args.kind(cx.host, &cx.global)? == BackendKind::Local =>
            {
                let words = self.words(args.env.as_ref(), cx);
                BackendTarget::Local(Box::new(local::of_environment(*args, words, cx)?))
            }
            BackendChoice::Environment(args) => {
                let words = self.words(args.env.as_ref(), cx);
                let mut environment = args.open(cx.host, &cx.global, Prompting::Never).await?;
                // If no source names the locking mechanism, the existing resources do.
                if !environment.says_how_to_lock() {
                    (environment, _) = cx.inspect(environment, false).await?;
                }
                BackendTarget::S3(Box::new(s3::of_environment(&environment, words, cx).await?))
            }
            BackendChoice::Described(described) => {
                let words = self.words(None, cx);
                let said =
                    variables::read(&cx.host.vars).map_err(|error| explain::settings(&error))?;
                let role = SettingsLayer {
                    role_arn: self.role_arn,
                    external_id: self.external_id,
                    ..SettingsLayer::default()
                };
                let caller = role.or_credentials(&said);
                let target = s3::of_described(
                    *described,
                    &ConnectionSettings::of_layer(&caller),
                    words,
                    cx,
                )
                .await?;
                BackendTarget::S3(Box::new(target))
            }
            BackendChoice::Local(local) => {
                BackendTarget::Local(Box::new(local.open(self.words(None, cx), cx)?))
            }
        })
    }

    /// The same for a command of kind s3 alone; `what` is that command.
    ///
    /// # Errors
    /// As [`TargetArgs::open`], and if the backend is of another kind.
    pub async fn open_s3(self, what: &str, cx: &mut Context<'_>) -> Result<S3Target, CliError> {
        match self.open(cx).await? {
            BackendTarget::S3(target) => Ok(*target),
            BackendTarget::Local(target) => Err(CliError::failed(format!(
                "{what} is for backends of kind s3, and this one is of kind {} ({})",
                BackendKind::Local,
                target.title
            ))),
        }
    }

    /// The environment that is named, if one is.
    ///
    /// # Errors
    /// If its name, or another that is said, is not one.
    pub fn environment(&self, cx: &Context<'_>) -> Result<Option<EnvironmentArgs>, CliError> {
        Ok(match resolve::of(self, cx)? {
            BackendChoice::Environment(args) => Some(*args),
            BackendChoice::Described(_) | BackendChoice::Local(_) => None,
        })
    }
}

impl BackendTarget {
    /// All states in the place of the backend: on S3, those of the whole bucket.
    pub fn states(&self) -> Box<dyn StateStore + '_> {
        match self {
            Self::S3(target) => Box::new(target.states()),
            Self::Local(target) => Box::new(target.store.clone()),
        }
    }

    /// The states of this configuration alone, in all its workspaces.
    ///
    /// # Errors
    /// If its state key is unknown.
    pub fn own_states(&self) -> Result<Box<dyn StateStore + '_>, CliError> {
        match self {
            Self::S3(target) => match target.own_states() {
                Some(states) => Ok(Box::new(states)),
                None => Err(CliError::failed(format!(
                    "the state key in {} is unknown",
                    target.title
                ))
                .hint("name it: --key PATH")),
            },
            Self::Local(target) => Ok(Box::new(target.store.clone())),
        }
    }

    /// The state that is named by its path or workspace, else that of the selected workspace.
    ///
    /// # Errors
    /// If neither is known, or both are said.
    pub fn state_id(
        &self,
        path: Option<&str>,
        workspace: Option<&str>,
    ) -> Result<StateId, CliError> {
        match self {
            Self::S3(target) => Ok(target.states().state_at(&target.path(path, workspace)?)),
            Self::Local(target) => target.state_id(path, workspace),
        }
    }

    /// Where its states are, for sentences.
    pub fn place(&self) -> String {
        match self {
            Self::S3(target) => format!("bucket {}", target.address.bucket),
            Self::Local(target) => target.place(),
        }
    }

    /// One line for people.
    pub fn title(&self) -> &str {
        match self {
            Self::S3(target) => &target.title,
            Self::Local(target) => &target.title,
        }
    }

    /// Words that name it on a command line, each after a space.
    pub fn words(&self) -> &str {
        match self {
            Self::S3(target) => &target.words,
            Self::Local(target) => &target.words,
        }
    }

    /// The folder of its files.
    pub fn dir(&self) -> &Path {
        match self {
            Self::S3(target) => &target.dir,
            Self::Local(target) => &target.dir,
        }
    }

    fn notes(&self) -> &[String] {
        match self {
            Self::S3(target) => &target.notes,
            Self::Local(_) => &[],
        }
    }

    /// As [`S3Target::with_unused_table`].
    ///
    /// # Errors
    /// If it is interrupted.
    pub async fn with_unused_table(self, cx: &mut Context<'_>) -> Result<Self, CliError> {
        Ok(match self {
            Self::S3(target) => Self::S3(Box::new(target.with_unused_table(cx).await?)),
            Self::Local(target) => Self::Local(target),
        })
    }

    /// For a document.
    pub fn about(&self) -> AboutDocument {
        match self {
            Self::S3(target) => target.about(),
            Self::Local(target) => AboutDocument {
                backend: BackendLocation::of(&target.store),
                bucket: None,
                notes: vec![],
            },
        }
    }

    /// Prints the backend and its notes.
    pub fn announce(&self, cx: &mut Context<'_>) {
        cx.status(self.title());
        for note in self.notes() {
            cx.status(&format!("note: {note}"));
        }
    }

    /// Writes a document that includes the backend.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn answer<T: Serialize>(&self, document: &T, cx: &mut Context<'_>) -> Result<(), CliError> {
        let written = json::write_document(
            &mut *cx.host.out,
            NotedDocument {
                body: document,
                backend: BackendLocation::of(&*self.states()),
                notes: self.notes(),
            },
        );
        written.map_err(|error| CliError::failed("cannot write the output").because(&error))
    }
}

#[cfg(test)]
mod tests;
