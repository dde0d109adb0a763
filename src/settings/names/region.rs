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
        is_known(self.as_str())
    }

    fn check(text: &str) -> Result<Self, NameProblem> {
        if let Some(name) = text.strip_prefix(ANY) {
            shape(name)?;
            return Ok(Self(name.to_owned()));
        }
        if is_known(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(NameProblem::UnknownRegion {
            meant: meant(text)
                .map_or_else(String::new, |code| format!(" (did you mean `{code}`?)")),
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

fn is_known(code: &str) -> bool {
    KNOWN_REGIONS.iter().any(|(known, _)| *known == code)
}

/// The region with this place, or with a code that is a slip of the finger away.
fn meant(text: &str) -> Option<&'static str> {
    let text = &*text.to_lowercase();
    let of_place = |(_, place): &&(&str, &str)| place.eq_ignore_ascii_case(text);
    let (distance, nearest) = KNOWN_REGIONS
        .iter()
        .map(|(known, _)| (strsim::damerau_levenshtein(known, text), *known))
        .min()?;
    let slip = (distance < 3).then_some(nearest);
    KNOWN_REGIONS
        .iter()
        .find(of_place)
        .map(|(code, _)| *code)
        .or(slip)
}

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

/// Every region of every partition, as of November 2026, with its place as AWS names it.
pub const KNOWN_REGIONS: [(&str, &str); 46] = [
    ("af-south-1", "Cape Town"),
    ("ap-east-1", "Hong Kong"),
    ("ap-east-2", "Taipei"),
    ("ap-northeast-1", "Tokyo"),
    ("ap-northeast-2", "Seoul"),
    ("ap-northeast-3", "Osaka"),
    ("ap-south-1", "Mumbai"),
    ("ap-south-2", "Hyderabad"),
    ("ap-southeast-1", "Singapore"),
    ("ap-southeast-2", "Sydney"),
    ("ap-southeast-3", "Jakarta"),
    ("ap-southeast-4", "Melbourne"),
    ("ap-southeast-5", "Malaysia"),
    ("ap-southeast-6", "New Zealand"),
    ("ap-southeast-7", "Thailand"),
    ("ca-central-1", "Montreal, Canada"),
    ("ca-west-1", "Calgary"),
    ("eu-central-1", "Frankfurt"),
    ("eu-central-2", "Zurich"),
    ("eu-north-1", "Stockholm"),
    ("eu-south-1", "Milan"),
    ("eu-south-2", "Spain"),
    ("eu-west-1", "Ireland"),
    ("eu-west-2", "London"),
    ("eu-west-3", "Paris"),
    ("il-central-1", "Tel Aviv"),
    ("me-central-1", "UAE"),
    ("me-south-1", "Bahrain"),
    ("mx-central-1", "Mexico"),
    ("sa-east-1", "Sao Paulo"),
    ("us-east-1", "N. Virginia"),
    ("us-east-2", "Ohio"),
    ("us-west-1", "N. California"),
    ("us-west-2", "Oregon"),
    ("cn-north-1", "Beijing"),
    ("cn-northwest-1", "Ningxia"),
    ("us-gov-east-1", "GovCloud, US East"),
    ("us-gov-west-1", "GovCloud, US West"),
    ("eusc-de-east-1", "European Sovereign Cloud, Brandenburg"),
    ("us-iso-east-1", "ISO East"),
    ("us-iso-west-1", "ISO West"),
    ("us-isob-east-1", "ISOB East, Ohio"),
    ("us-isob-west-1", "ISOB West"),
    ("eu-isoe-west-1", "ISOE West"),
    ("us-isof-east-1", "ISOF East"),
    ("us-isof-south-1", "ISOF South"),
];
