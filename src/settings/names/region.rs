//! AWS regions, with their partitions, as AWS publishes them in its SDKs' endpoint metadata.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::rule::{NameProblem, at_most, only, reads_as_text};

/// A region. One that AWS added after this program was built is written `any:xx-new-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

impl Region {
    pub const RULE: &'static str =
        "a region is written like `eu-west-1`; one newer than this program like `any:eu-new-1`";

    /// As AWS spells it, without `any:`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition: `aws`, `aws-cn`, `aws-us-gov`, `aws-eusc`, `aws-iso`, …
    ///
    /// Good for checks before the first call; ARNs take theirs from the caller's own.
    pub fn partition(&self) -> &'static str {
        partition_of(&self.0)
    }

    pub fn is_known(&self) -> bool {
        KNOWN_REGIONS.contains(&self.as_str())
    }

    fn check(text: &str) -> Result<Self, NameProblem> {
        if let Some(name) = text.strip_prefix(ANY) {
            shape(name)?;
            return Ok(Self(name.to_owned()));
        }
        if KNOWN_REGIONS.contains(&text) {
            return Ok(Self(text.to_owned()));
        }
        let nearest = KNOWN_REGIONS
            .iter()
            .min_by_key(|known| strsim::damerau_levenshtein(known, text));
        Err(NameProblem::UnknownRegion {
            nearest: nearest.expect("the list is not empty"),
        })
    }

    fn text(self) -> String {
        if self.is_known() {
            self.0
        } else {
            format!("{ANY}{}", self.0)
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

reads_as_text!(Region, it => it.text());

const ANY: &str = "any:";

fn shape(name: &str) -> Result<(), NameProblem> {
    only(name, |c| matches!(c, 'a'..='z' | '0'..='9' | '-'))?;
    at_most(name, 30)?;
    let mut parts: Vec<&str> = name.split('-').collect();
    let number = parts.pop().unwrap_or_default();
    let words = parts.len() >= 2
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.starts_with(|c: char| c.is_ascii_lowercase()));
    if words && !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()) {
        Ok(())
    } else {
        Err(NameProblem::Shape(format!(
            "`{name}` does not have the shape of a region"
        )))
    }
}

/// The partition that a region's name says it is in.
pub fn partition_of(region: &str) -> &'static str {
    const BY_PREFIX: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
    ];
    BY_PREFIX
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
}

/// Every region of every partition, as of November 2026.
pub const KNOWN_REGIONS: [&str; 46] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "cn-north-1",
    "cn-northwest-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "eusc-de-east-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "eu-isoe-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
];
