//! A tag that the user wants on everything.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::rule::{NameProblem, at_most, only, reads_as_text};

/// `KEY=VALUE`, by the tag rules that hold for all AWS services ("Tag naming limits and
/// requirements").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag {
    key: String,
    value: String,
}

impl Tag {
    pub const RULE: &'static str = "a tag is written `KEY=VALUE`: letters, digits, spaces and \
                                    `_.:/=+-@`, up to 128 and 256 of them, and a key that neither \
                                    begins with `aws:` or `tfbackend:` nor is `ManagedBy`";

    pub fn key(&self) -> &str {
        &self.key
    }

    /// May be empty.
    pub fn value(&self) -> &str {
        &self.value
    }

    fn check(text: &str) -> Result<Self, NameProblem> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(NameProblem::Shape("has no `=`".to_owned()));
        };
        if key.trim() != key || key.is_empty() {
            return Err(NameProblem::Shape(
                "has no key, or spaces around it".to_owned(),
            ));
        }
        only(text, |c| c.is_alphanumeric() || " _.:/=+-@".contains(c))?;
        at_most(key, 128)?;
        at_most(value, 256)?;
        let lower = key.to_lowercase();
        if let Some(kept) = ["aws:", "tfbackend:"]
            .into_iter()
            .find(|kept| lower.starts_with(kept))
        {
            return Err(NameProblem::Begins(kept.to_owned()));
        }
        if lower == "managedby" {
            return Err(NameProblem::Shape(
                "has the key `ManagedBy`, by which tfbackend knows what is its own".to_owned(),
            ));
        }
        Ok(Self {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

reads_as_text!(Tag, it => it.to_string());
