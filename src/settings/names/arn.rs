//! ARNs of what a user may bring along: a KMS key, an SNS topic.

use super::{
    plain::{self, NONE},
    rule::{NameProblem, at_most, only, text_name},
};

text_name!(
    /// A KMS key by its full ARN. An alias would be resolved in whatever account asks.
    KeyArn,
    "a key is given by its full ARN, like `arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab`",
    key
);

text_name!(
    /// A standard SNS topic by its ARN; neither alarms nor bucket notifications reach a FIFO one.
    TopicArn,
    "a topic is given by its ARN, like `arn:aws:sns:eu-west-1:123456789012:alarms`",
    topic
);

text_name!(
    /// A trail by its ARN, also one of the organization's management account.
    TrailArn,
    "a trail is given by its ARN, like `arn:aws:cloudtrail:eu-west-1:123456789012:trail/organization`",
    trail
);

text_name!(
    /// A role by its ARN, with its path.
    RoleArn,
    "a role is given by its ARN, like `arn:aws:iam::123456789012:role/terraform`; `none` disables it",
    role
);

/// IAM User Guide, "IAM and AWS STS quotas": names have 64 characters, paths 512.
fn role(text: &str) -> Result<(), NameProblem> {
    if text == NONE {
        return Ok(());
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else {
        return Err(NameProblem::Shape("is not the ARN of a role".to_owned()));
    };
    partition_name(partition)?;
    plain::account(account)
        .map_err(|_| NameProblem::Shape("does not contain an account of 12 digits".to_owned()))?;
    let name = resource
        .strip_prefix("role/")
        .and_then(|path| path.rsplit('/').next())
        .unwrap_or_default();
    if name.is_empty() {
        return Err(NameProblem::Shape(
            "does not end in `role/` and a name".to_owned(),
        ));
    }
    only(resource, |c| {
        c.is_ascii_alphanumeric() || "+=,.@_/-".contains(c)
    })?;
    at_most(name, 64)?;
    at_most(resource, 600)
}

impl RoleArn {
    /// The role, unless the text says that there is to be none.
    pub fn chosen(&self) -> Option<&str> {
        Some(self.as_str()).filter(|text| *text != NONE)
    }
}

fn trail(text: &str) -> Result<(), NameProblem> {
    match split(text, "cloudtrail")?.strip_prefix("trail/") {
        Some(name) if !name.is_empty() => {
            only(name, |c| c.is_ascii_alphanumeric() || "._-".contains(c))
        }
        _ => Err(NameProblem::Shape("does not name a trail".to_owned())),
    }
}

impl KeyArn {
    pub fn partition(&self) -> &str {
        part(&self.0, 1)
    }

    pub fn region(&self) -> &str {
        part(&self.0, 3)
    }

    pub fn account(&self) -> &str {
        part(&self.0, 4)
    }

    /// The key's id, such as `1234abcd-…` or `mrk-…`.
    pub fn key_id(&self) -> &str {
        part(&self.0, 5).trim_start_matches("key/")
    }
}

impl TopicArn {
    pub fn partition(&self) -> &str {
        part(&self.0, 1)
    }

    pub fn region(&self) -> &str {
        part(&self.0, 3)
    }

    pub fn account(&self) -> &str {
        part(&self.0, 4)
    }

    pub fn name(&self) -> &str {
        part(&self.0, 5)
    }
}

fn part(arn: &str, index: usize) -> &str {
    arn.splitn(6, ':').nth(index).unwrap_or_default()
}

/// `partition`, `region`, `account` and what follows, of an ARN of `service`.
fn split<'a>(text: &'a str, service: &str) -> Result<&'a str, NameProblem> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, of, region, account, resource] = parts[..] else {
        return Err(NameProblem::Shape("is not an ARN".to_owned()));
    };
    if of != service {
        return Err(NameProblem::Shape(format!(
            "is an ARN of `{}`, not of `{service}`",
            of.escape_debug()
        )));
    }
    partition_name(partition)?;
    let proper = region.split('-').count() >= 3
        && region
            .chars()
            .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'));
    if !proper {
        return Err(NameProblem::Shape("does not contain a region".to_owned()));
    }
    plain::account(account)
        .map_err(|_| NameProblem::Shape("does not contain an account of 12 digits".to_owned()))?;
    Ok(resource)
}

pub(super) fn partition_name(text: &str) -> Result<(), NameProblem> {
    if text == "aws"
        || text.strip_prefix("aws-").is_some_and(|rest| {
            !rest.is_empty() && rest.chars().all(|c| matches!(c, 'a'..='z' | '-'))
        })
    {
        Ok(())
    } else {
        Err(NameProblem::Shape(
            "does not contain a partition such as `aws`".to_owned(),
        ))
    }
}

fn key(text: &str) -> Result<(), NameProblem> {
    if text.starts_with("alias/") || (text.starts_with("arn:") && text.contains(":alias/")) {
        return Err(NameProblem::Shape(
            "is an alias, which each account resolves differently".to_owned(),
        ));
    }
    let resource = split(text, "kms")?;
    let id = resource
        .strip_prefix("key/")
        .ok_or_else(|| NameProblem::Shape("does not end in `key/` and an id".to_owned()))?;
    if is_uuid(id)
        || id
            .strip_prefix("mrk-")
            .is_some_and(|id| id.len() == 32 && is_hex(id))
    {
        Ok(())
    } else {
        Err(NameProblem::Shape(
            "does not have a valid key ID".to_owned(),
        ))
    }
}

fn is_uuid(id: &str) -> bool {
    let parts: Vec<&str> = id.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| is_hex(part))
}

fn is_hex(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

fn topic(text: &str) -> Result<(), NameProblem> {
    let name = split(text, "sns")?;
    if name.ends_with(".fifo") {
        return Err(NameProblem::Shape(
            "is a FIFO topic, which alarms cannot reach".to_owned(),
        ));
    }
    if name.is_empty() {
        return Err(NameProblem::Shape("does not name a topic".to_owned()));
    }
    only(name, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
    })?;
    at_most(name, 256)
}
