//! Bucket names, by the rules for general purpose buckets in the Amazon S3 User Guide.

use super::{
    plain,
    region::KNOWN_REGIONS,
    rule::{NameProblem, at_least, at_most, only, text_name},
};

text_name!(
    /// An S3 bucket name without dots: with one, the certificate of the bucket's own host name does
    /// not match.
    BucketName,
    "a bucket name is 3 to 63 lowercase letters, digits and hyphens, begins and ends with a letter or digit, and has no prefix or suffix that S3 reserves",
    bucket
);

impl BucketName {
    pub const MAX: usize = 63;

    /// Returns whether the name is one of the account-regional namespace:
    /// `…-<account>-<region>-an`.
    pub fn is_account_regional(&self) -> bool {
        KNOWN_REGIONS
            .iter()
            .any(|(region, _)| self.is_account_regional_in(region))
    }

    /// The same for one region, which may be newer than this program.
    pub fn is_account_regional_in(&self, region: &str) -> bool {
        let rest = self
            .0
            .strip_suffix("-an")
            .and_then(|rest| rest.strip_suffix(region))
            .and_then(|rest| rest.strip_suffix('-'));
        rest.is_some_and(|rest| {
            rest.rsplit_once('-')
                .is_some_and(|(_, account)| plain::account(account).is_ok())
        })
    }
}

fn bucket(text: &str) -> Result<(), NameProblem> {
    if text.contains('.') {
        return Err(NameProblem::Shape(
            "contains `.`, which breaks TLS with the bucket's own host name".to_owned(),
        ));
    }
    only(text, |c| matches!(c, 'a'..='z' | '0'..='9' | '-'))?;
    at_least(text, 3)?;
    at_most(text, BucketName::MAX)?;
    const BEGINNINGS: [&str; 4] = ["-", "xn--", "sthree-", "amzn-s3-demo-"];
    // `.mrap` and an address like 192.168.5.4 are kept out by the rule on dots.
    const ENDS: [&str; 5] = ["-", "-s3alias", "--ol-s3", "--x-s3", "--table-s3"];
    if let Some(beginning) = BEGINNINGS
        .iter()
        .find(|beginning| text.starts_with(**beginning))
    {
        return Err(NameProblem::Begins((*beginning).to_owned()));
    }
    if let Some(end) = ENDS.iter().find(|end| text.ends_with(**end)) {
        return Err(NameProblem::Ends((*end).to_owned()));
    }
    Ok(())
}
