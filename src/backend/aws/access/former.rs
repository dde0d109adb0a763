//! The former name of the runner policy, without the region, and the bucket of a policy.
//!
//! IAM is global: with one name, an environment in two regions would share one policy, and the
//! second bootstrap would replace that of the first.

use crate::backend::aws::policy::{
    Effect, PolicyDocument,
    pattern::{matches, texts},
};

/// The former suffix of the name.
const END: &str = "-runner";

/// Returns the former name of the policy with this name.
pub(crate) fn former_name<'a>(name: &'a str, region: &str) -> Option<&'a str> {
    name.strip_suffix(region)?
        .strip_suffix('-')
        .filter(|name| name.ends_with(END))
}

/// Returns whether it is such a name.
pub(crate) fn is_former(name: &str) -> bool {
    name.ends_with(END)
}

/// Returns the bucket of a document.
pub(crate) fn bucket(document: &PolicyDocument) -> Option<String> {
    buckets(document).into_iter().find(|name| is_exact(name))
}

/// Returns whether an Allow matches this bucket.
pub(crate) fn serves(document: &PolicyDocument, bucket: &str) -> bool {
    buckets(document)
        .iter()
        .any(|pattern| matches(pattern, bucket))
}

/// Returns the bucket that it is for, if another one, and its region, if known.
pub(crate) fn serves_another(
    document: &PolicyDocument,
    bucket: &str,
) -> Option<(String, Option<String>)> {
    let other = self::bucket(document)?;
    if serves(document, bucket) {
        return None;
    }
    // The ARNs of buckets have no region; those of the table and the key do.
    let region = |arn: &String| {
        arn.split(':')
            .nth(3)
            .filter(|region| !region.is_empty() && is_exact(region))
            .map(str::to_owned)
    };
    Some((other, resources(document).iter().find_map(region)))
}

fn is_exact(name: &str) -> bool {
    !name.contains(['*', '?', '$'])
}

/// Returns the names and patterns of buckets in the resources of Allows.
fn buckets(document: &PolicyDocument) -> Vec<String> {
    let name = |arn: String| match arn.splitn(6, ':').collect::<Vec<_>>()[..] {
        [_, _, "s3", _, _, rest] => rest.split('/').next().map(str::to_owned),
        _ => Some(arn).filter(|arn| arn == "*"),
    };
    resources(document).into_iter().filter_map(name).collect()
}

fn resources(document: &PolicyDocument) -> Vec<String> {
    let allows = document
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow);
    allows
        .filter_map(|statement| statement.rest.get("Resource"))
        .flat_map(texts)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(resources: serde_json::Value) -> PolicyDocument {
        serde_json::from_value(
            json!({ "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": resources }] }),
        )
        .expect("a policy")
    }

    #[test]
    fn the_former_name_had_no_region() {
        assert_eq!(
            former_name("acme-tfstate-prod-runner-eu-west-1", "eu-west-1"),
            Some("acme-tfstate-prod-runner")
        );
        assert_eq!(
            former_name("acme-tfstate-prod-runner-eu-west-1", "us-east-1"),
            None
        );
        assert_eq!(former_name("acme-tfstate-prod-runner", "eu-west-1"), None);
        assert_eq!(former_name("somebodys-eu-west-1", "eu-west-1"), None);
    }

    #[test]
    fn which_bucket_a_policy_serves() {
        let table = "arn:aws:dynamodb:us-east-1:123456789012:table/locks";
        let other = || Some(("theirs".to_owned(), None));
        for (resources, another) in [
            (json!("arn:aws:s3:::ours"), None),
            (json!(["arn:aws:s3:::theirs", "arn:aws:s3:::ours/*"]), None),
            (json!("*"), None),
            (json!("arn:aws:s3:::our*"), None),
            (json!(table), None),
            (json!("arn:aws:s3:::theirs/*"), other()),
            (
                json!([table, "arn:aws:s3:::theirs"]),
                Some(("theirs".to_owned(), Some("us-east-1".to_owned()))),
            ),
        ] {
            assert_eq!(
                serves_another(&document(resources.clone()), "ours"),
                another,
                "{resources}"
            );
        }
    }
}
