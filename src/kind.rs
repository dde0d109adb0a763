//! The backend kinds that tfbackend knows, as plain data.

use std::{fmt, str::FromStr};

use clap::{ValueEnum, builder::PossibleValue};
use serde::{Deserialize, Serialize};

/// A backend kind, named as Terraform names it; `s3` means AWS.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Deserialize,
    Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum BackendKind {
    S3,
    Local,
}

impl ValueEnum for BackendKind {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()).help(self.title()))
    }
}

impl BackendKind {
    /// All kinds, in the order of the help.
    pub const ALL: &'static [Self] = &[Self::S3, Self::Local];

    /// The name in flags, files and documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Local => "local",
        }
    }

    /// The label of the `backend` block.
    pub const fn terraform_type(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Local => "local",
        }
    }

    /// Returns whether `bootstrap` makes backends of this kind.
    pub const fn can_provision(self) -> bool {
        match self {
            Self::S3 | Self::Local => true,
        }
    }

    /// The name in sentences.
    pub const fn title(self) -> &'static str {
        match self {
            Self::S3 => "Amazon S3",
            Self::Local => "local files",
        }
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no backend kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown backend kind; the kinds are {}", names())]
pub struct BackendKindError;

fn names() -> String {
    let names: Vec<&str> = BackendKind::ALL.iter().map(|kind| kind.as_str()).collect();
    names.join(", ")
}

impl FromStr for BackendKind {
    type Err = BackendKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == text)
            .ok_or(BackendKindError)
    }
}
