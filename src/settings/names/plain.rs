//! The names with short rules: project, environment, account, table, e-mail address.

use super::rule::{NameProblem, at_least, at_most, only, text_name};

text_name!(
    /// The project that a backend belongs to: 1 to 31 characters, part of every name.
    ProjectName,
    "a project is 1 to 31 lowercase letters, digits and single hyphens, and neither begins nor ends with a hyphen",
    label
);

text_name!(
    /// The environment: as [`ProjectName`], and such that no two environments derive the same name.
    EnvName,
    "an environment is 1 to 31 lowercase letters, digits and single hyphens, neither begins nor ends with a hyphen, \
     does not end in `-logs`, and has no part `tfstate`",
    environment
);

text_name!(
    /// An AWS account id: 12 digits.
    AccountId,
    "an account id is 12 digits, without spaces or hyphens",
    account
);

text_name!(
    /// A DynamoDB table: 3 to 255 characters ("Supported data types and naming rules in Amazon DynamoDB").
    TableName,
    "a table name is 3 to 255 letters, digits, `_`, `.` and `-`",
    table
);

text_name!(
    /// An e-mail address, as SNS can deliver to: up to 254 ASCII characters with one `@`.
    Email,
    "an e-mail address looks like `ops@example.com`",
    email
);

text_name!(
    /// A profile of the AWS configuration files.
    ProfileName,
    "a profile is a name in the AWS configuration files, without brackets; `none` disables it",
    profile
);

text_name!(
    /// The external ID that a role's trust policy can require (AWS STS API Reference, AssumeRole,
    /// `ExternalId`).
    ExternalId,
    "an external ID is 2 to 1224 letters, digits and `_+=,.@:/-`",
    external_id
);

/// In place of a name: what a weaker source says does not count.
pub(super) const NONE: &str = "none";

impl ProfileName {
    /// The profile, unless the text says that there is to be none.
    pub fn chosen(&self) -> Option<&str> {
        Some(self.as_str()).filter(|text| *text != NONE)
    }
}

fn profile(text: &str) -> Result<(), NameProblem> {
    match text.chars().find(|c| "[]".contains(*c)) {
        Some(bracket) => Err(NameProblem::Character(bracket)),
        None => at_most(text, 256),
    }
}

fn external_id(text: &str) -> Result<(), NameProblem> {
    only(text, |c| {
        c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c)
    })?;
    at_least(text, 2)?;
    at_most(text, 1224)
}

fn label(text: &str) -> Result<(), NameProblem> {
    only(text, |c| matches!(c, 'a'..='z' | '0'..='9' | '-'))?;
    if text.starts_with('-') {
        return Err(NameProblem::Begins("-".to_owned()));
    }
    if text.ends_with('-') {
        return Err(NameProblem::Ends("-".to_owned()));
    }
    if text.contains("--") {
        return Err(NameProblem::Contains("--".to_owned()));
    }
    at_most(text, 31)
}

/// `a-tfstate-b-logs-…` would be the state bucket of `b-logs` and the log bucket of `b`; a part
/// `tfstate` would leave open where the project ends.
fn environment(text: &str) -> Result<(), NameProblem> {
    label(text)?;
    if text.ends_with("-logs") {
        return Err(NameProblem::Ends("-logs".to_owned()));
    }
    if text.split('-').any(|part| part == "tfstate") {
        return Err(NameProblem::Contains("tfstate".to_owned()));
    }
    Ok(())
}

pub(super) fn account(text: &str) -> Result<(), NameProblem> {
    only(text, |c| c.is_ascii_digit())?;
    match text.len() {
        12 => Ok(()),
        digits => Err(NameProblem::Shape(format!("has {digits} digits"))),
    }
}

fn table(text: &str) -> Result<(), NameProblem> {
    only(text, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
    })?;
    at_least(text, 3)?;
    at_most(text, 255)
}

fn email(text: &str) -> Result<(), NameProblem> {
    only(text, |c| {
        c.is_ascii_alphanumeric() || "@.!#$%&'*+/=?^_`{|}~-".contains(c)
    })?;
    at_most(text, 254)?;
    let Some((local, domain)) = text.split_once('@') else {
        return Err(NameProblem::Shape("has no `@`".to_owned()));
    };
    if local.is_empty()
        || local.starts_with('.')
        || local.ends_with('.')
        || local.contains("..")
        || local.len() > 64
    {
        return Err(NameProblem::Shape(
            "does not have a valid name before the `@`".to_owned(),
        ));
    }
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    if !domain.contains('.') || !domain.split('.').all(label) {
        return Err(NameProblem::Shape(
            "does not have a valid domain after the `@`".to_owned(),
        ));
    }
    Ok(())
}
