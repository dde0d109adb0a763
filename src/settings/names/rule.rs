//! Shared parts of all names: the error, forbidden characters, and trait implementations.

use crate::{engine::spec::UNKNOWN, text::invisible::is_invisible};

/// The reason why a text is not a valid name, and the rule. It does not repeat the text: the caller
/// knows its source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{wrong}; {rule}")]
pub struct NameError {
    pub wrong: NameProblem,
    /// The rule, as in `a project is …`.
    pub rule: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    #[error("is empty")]
    Empty,
    #[error("is {count} {unit} long, at most {max} are allowed")]
    TooLong {
        count: usize,
        max: usize,
        unit: &'static str,
    },
    #[error("is {count} characters long, at least {min} are required")]
    TooShort { count: usize, min: usize },
    #[error("contains `{0}`")]
    Contains(String),
    /// With its code point if it only looks like a letter.
    #[error("contains {}", character(*.0))]
    Character(char),
    /// By code point: showing the character itself is what must not happen.
    #[error("contains the invisible or control character {}", code_point(*.0))]
    Hidden(char),
    #[error("begins with `{0}`")]
    Begins(String),
    #[error("ends with `{0}`")]
    Ends(String),
    #[error("{0}")]
    Shape(String),
    /// With what may be meant, as in " (did you mean `eu-west-1`?)", or nothing.
    #[error("is not a known region{meant}")]
    UnknownRegion { meant: String },
}

fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

fn character(c: char) -> String {
    if c.is_ascii() {
        format!("`{c}`")
    } else {
        format!("`{c}` ({})", code_point(c))
    }
}

/// Checks the rules that apply to all names.
pub(super) fn visible(text: &str) -> Result<(), NameProblem> {
    if text.is_empty() {
        return Err(NameProblem::Empty);
    }
    if let Some(hidden) = text.chars().find(|c| is_invisible(*c)) {
        return Err(NameProblem::Hidden(hidden));
    }
    if text.contains(UNKNOWN) {
        return Err(NameProblem::Contains(UNKNOWN.to_owned()));
    }
    Ok(())
}

pub(super) fn only(text: &str, allowed: impl Fn(char) -> bool) -> Result<(), NameProblem> {
    text.chars()
        .find(|c| !allowed(*c))
        .map_or(Ok(()), |c| Err(NameProblem::Character(c)))
}

pub(super) fn at_most(text: &str, max: usize) -> Result<(), NameProblem> {
    let count = text.chars().count();
    if count > max {
        Err(NameProblem::TooLong {
            count,
            max,
            unit: "characters",
        })
    } else {
        Ok(())
    }
}

pub(super) fn at_most_bytes(text: &str, max: usize) -> Result<(), NameProblem> {
    if text.len() > max {
        Err(NameProblem::TooLong {
            count: text.len(),
            max,
            unit: "bytes",
        })
    } else {
        Ok(())
    }
}

pub(super) fn at_least(text: &str, min: usize) -> Result<(), NameProblem> {
    let count = text.chars().count();
    if count < min {
        Err(NameProblem::TooShort { count, min })
    } else {
        Ok(())
    }
}

/// Serde, parsing and printing for a type with `check(&str) -> Result<Self, Wrong>`, `RULE`, and a
/// field or method that gives the text it was read from.
macro_rules! reads_as_text {
    ($name:ident, $self:ident => $text:expr) => {
        impl std::str::FromStr for $name {
            type Err = $crate::settings::names::NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::settings::names::rule::visible(text)
                    .and_then(|()| Self::check(text))
                    .map_err(|wrong| $crate::settings::names::NameError {
                        wrong,
                        rule: Self::RULE,
                    })
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::settings::names::NameError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from($self: $name) -> Self {
                $text
            }
        }
    };
}

/// A name that is a text and nothing else.
macro_rules! text_name {
    ($(#[$meta:meta])* $name:ident, $rule:expr, $check:path) => {
        $crate::settings::names::rule::text_name!($(#[$meta])* $name, $rule, $check, str::to_owned);
    };
    // `$form` makes the text that is kept of the one that is given.
    ($(#[$meta:meta])* $name:ident, $rule:expr, $check:path, $form:path) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The rule, for errors and documentation.
            pub const RULE: &'static str = $rule;

            pub fn as_str(&self) -> &str {
                &self.0
            }

            fn check(text: &str) -> Result<Self, $crate::settings::names::NameProblem> {
                let text = $form(text);
                $check(&text)?;
                Ok(Self(text))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        $crate::settings::names::rule::reads_as_text!($name, it => it.0);
    };
}

pub(super) use reads_as_text;
pub(super) use text_name;
