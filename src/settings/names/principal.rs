//! Whom a policy is attached to: a role, user or group of IAM.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    arn::partition_name,
    plain,
    rule::{NameProblem, at_most, only, reads_as_text},
};

/// `role/NAME`, `user/NAME` or `group/NAME`, with its path if one was given; or the ARN of one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrincipalName {
    kind: PrincipalArnKind,
    /// `role/path/NAME`, whatever it was read from.
    reduced: String,
    /// The account of the ARN, if it was read from one.
    account: Option<String>,
    given: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalArnKind {
    Role,
    User,
    Group,
}

impl PrincipalName {
    pub const RULE: &'static str = "whom to attach to is written `role/NAME`, `user/NAME` or \
                                    `group/NAME`, or as the ARN of one";

    pub fn kind(&self) -> PrincipalArnKind {
        self.kind
    }

    /// The name by which IAM's API knows it: without kind and path.
    pub fn name(&self) -> &str {
        self.reduced.rsplit('/').next().unwrap_or_default()
    }

    /// `role/NAME`, with the path if there is one.
    pub fn as_str(&self) -> &str {
        &self.reduced
    }

    /// The account that was said with it; must be the one that is worked in.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    fn check(text: &str) -> Result<Self, NameProblem> {
        let (account, reduced) = match text.strip_prefix("arn:") {
            Some(arn) => from_arn(arn).map(|(account, rest)| (Some(account.to_owned()), rest))?,
            None => (None, text),
        };
        let Some((kind, path)) = reduced.split_once('/') else {
            return Err(NameProblem::Shape(
                "does not say whether it is a role, a user or a group".to_owned(),
            ));
        };
        let (kind, max) = match kind {
            "role" => (PrincipalArnKind::Role, 64),
            "user" => (PrincipalArnKind::User, 64),
            "group" => (PrincipalArnKind::Group, 128),
            other => {
                return Err(NameProblem::Shape(format!(
                    "is a `{}`, not a role, a user or a group",
                    other.escape_debug()
                )));
            }
        };
        let parts: Vec<&str> = path.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(NameProblem::Shape("has an empty part".to_owned()));
        }
        for part in &parts {
            only(part, |c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))?;
        }
        let name = parts.last().copied().unwrap_or_default();
        at_most(name, max)?;
        at_most(path, 512)?;
        if parts.first() == Some(&"aws-service-role")
            || parts.first() == Some(&"aws-reserved")
            || name.starts_with("AWSReservedSSO_")
        {
            return Err(NameProblem::Shape(
                "belongs to AWS, which does not allow policies to be attached to it".to_owned(),
            ));
        }
        Ok(Self {
            kind,
            reduced: reduced.to_owned(),
            account,
            given: text.to_owned(),
        })
    }
}

/// The account and `kind/path/NAME` of an ARN whose `arn:` is already off.
fn from_arn(arn: &str) -> Result<(&str, &str), NameProblem> {
    let parts: Vec<&str> = arn.splitn(5, ':').collect();
    let [partition, service, region, account, resource] = parts[..] else {
        return Err(NameProblem::Shape("is not an ARN".to_owned()));
    };
    if service == "sts" && resource.starts_with("assumed-role/") {
        return Err(NameProblem::Shape(
            "is an assumed role; name the role itself".to_owned(),
        ));
    }
    if service != "iam" || !region.is_empty() {
        return Err(NameProblem::Shape("is not an ARN of IAM".to_owned()));
    }
    partition_name(partition)?;
    plain::account(account)
        .map_err(|_| NameProblem::Shape("does not contain an account of 12 digits".to_owned()))?;
    Ok((account, resource))
}

impl PartialEq for PrincipalName {
    fn eq(&self, other: &Self) -> bool {
        self.reduced == other.reduced
    }
}

impl Eq for PrincipalName {}

impl fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reduced)
    }
}

impl fmt::Display for PrincipalArnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Role => "role",
            Self::User => "user",
            Self::Group => "group",
        })
    }
}

reads_as_text!(PrincipalName, it => it.given);
