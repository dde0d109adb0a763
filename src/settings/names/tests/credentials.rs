//! Profiles, roles and external IDs.

use super::*;

#[test]
fn roles_profiles_and_external_ids() {
    assert_snapshot!(refusals::<RoleArn>(&["", "terraform", "arn:aws:iam::123456789012:user/x", "arn:aws:iam::123:role/x", "arn:aws:iam::123456789012:role/", "arn:aws:iam::123456789012:role/a b", "arn:aws:sts::123456789012:assumed-role/x/y", "arn:x:iam::123456789012:role/x"]), @"
     is empty
    terraform is not the ARN of a role
    arn:aws:iam::123456789012:user/x does not end in `role/` and a name
    arn:aws:iam::123:role/x does not contain an account of 12 digits
    arn:aws:iam::123456789012:role/ does not end in `role/` and a name
    arn:aws:iam::123456789012:role/a b contains ` `
    arn:aws:sts::123456789012:assumed-role/x/y is not the ARN of a role
    arn:x:iam::123456789012:role/x does not contain a partition such as `aws`
    ");
    assert_snapshot!(refusals::<ProfileName>(&["", "a\nb", "[prod]"]), @r"
     is empty
    a\nb contains the invisible or control character U+000A
    [prod] contains `[`
    ");
    assert_snapshot!(refusals::<ExternalId>(&["", "a", "a b", "a\"b"]), @r#"
     is empty
    a is 1 characters long, at least 2 are required
    a b contains ` `
    a\"b contains `"`
    "#);
}
