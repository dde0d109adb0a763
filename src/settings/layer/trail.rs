//! Which trail records the states: one of ours, one that is there, or none.

use std::{fmt, str::FromStr};

use clap::{
    Arg, Command, Error,
    builder::{NonEmptyStringValueParser, PossibleValue, TypedValueParser},
};
use serde::{Deserialize, Serialize};

use crate::settings::names::TrailArn;

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum TrailKind {
    New,
    /// One that covers the states already: looked for, or asserted where this account may not ask
    /// what it records.
    Existing(Option<TrailArn>),
    Off,
}

const NEW: &str = "new";
const EXISTING: &str = "existing";
const OFF: &str = "off";

impl fmt::Display for TrailKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str(NEW),
            Self::Existing(None) => f.write_str(EXISTING),
            Self::Existing(Some(arn)) => write!(f, "{EXISTING}={arn}"),
            Self::Off => f.write_str(OFF),
        }
    }
}

impl From<TrailKind> for String {
    fn from(trail: TrailKind) -> Self {
        trail.to_string()
    }
}

impl FromStr for TrailKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((EXISTING, arn)) => Ok(Self::Existing(Some(
                arn.parse().map_err(|error| format!("{error}"))?,
            ))),
            None if text == NEW => Ok(Self::New),
            None if text == EXISTING => Ok(Self::Existing(None)),
            None if text == OFF => Ok(Self::Off),
            _ => Err(format!(
                "a trail is `{NEW}`, `{EXISTING}`, `{EXISTING}=ARN` or `{OFF}`"
            )),
        }
    }
}

impl TryFrom<String> for TrailKind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Knows the words as well, for help and completion.
#[derive(Clone, Debug)]
pub(super) struct TrailParser;

impl TypedValueParser for TrailParser {
    type Value = TrailKind;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<TrailKind, Error> {
        NonEmptyStringValueParser::new()
            .try_map(|text| text.parse::<TrailKind>())
            .parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let value = |name: &'static str, help: &'static str| PossibleValue::new(name).help(help);
        Some(Box::new(
            [
                value(NEW, "A new trail, with a log bucket"),
                value(
                    EXISTING,
                    "Check that a trail of the account already covers the states; `existing=ARN` \
                     names a trail of the organization, without the check",
                ),
                value(OFF, "None"),
            ]
            .into_iter(),
        ))
    }
}
