//! What each name takes, what it refuses and why, and laws that hold for any text.

use crate::text::invisible::is_invisible;
use std::{fmt::Display, str::FromStr};

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::engine::spec::UNKNOWN;

mod credentials;

fn refusals<T: FromStr<Err: Display> + Display>(texts: &[&str]) -> String {
    let line = |text: &&str| match text.parse::<T>() {
        Ok(value) => format!("{} is taken as {value}", text.escape_debug()),
        Err(error) => format!(
            "{} {}",
            text.escape_debug(),
            error.to_string().split(';').next().unwrap_or_default()
        ),
    };
    texts.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn all_taken<T: FromStr<Err: Display> + Display>(texts: &[&str]) {
    for text in texts {
        match text.parse::<T>() {
            Ok(value) => assert_eq!(value.to_string(), *text),
            Err(error) => panic!("{text} {error}"),
        }
    }
}

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

#[test]
fn what_is_right_is_taken() {
    all_taken::<ProjectName>(&[
        "a",
        "acme",
        "acme-web-2",
        "2024",
        "a123456789012345678901234567890",
    ]);
    all_taken::<EnvName>(&["prod", "dev-1", "logs", "logs-1"]);
    all_taken::<Region>(&[
        "eu-west-1",
        "cn-north-1",
        "us-gov-west-1",
        "eusc-de-east-1",
        "us-isob-east-1",
    ]);
    all_taken::<AccountId>(&["123456789012", "000000000000"]);
    all_taken::<BucketName>(&[
        "abc",
        "acme-tfstate-prod-123456789012-eu-west-1",
        "3com",
        "a--b",
    ]);
    all_taken::<TableName>(&["abc", "Terraform_Locks.v2-x"]);
    all_taken::<StateKey>(&[
        "terraform.tfstate",
        "app/prod/terraform.tfstate",
        "a b",
        "é/ü",
        "a\"b",
        "a${b}",
        ".hidden/x",
        "a..b",
    ]);
    all_taken::<WorkspacePrefix>(&["env:", "work/spaces"]);
    all_taken::<KeyArn>(&[
        KEY,
        "arn:aws-cn:kms:cn-north-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:eu-west-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab",
    ]);
    all_taken::<TopicArn>(&[
        "arn:aws:sns:eu-west-1:123456789012:alarms",
        "arn:aws-us-gov:sns:us-gov-west-1:123456789012:a_b-c",
    ]);
    all_taken::<RoleArn>(&[
        "arn:aws:iam::123456789012:role/terraform",
        "arn:aws-us-gov:iam::123456789012:role/service-role/ci/deploy+1",
    ]);
    all_taken::<ProfileName>(&["default", "acme prod", "AdministratorAccess-123456789012"]);
    all_taken::<ExternalId>(&["a1", "acme-tfstate:1234", "x+=,.@/_"]);
    all_taken::<Email>(&["ops@example.com", "o'neil+aws@sub.example.co"]);
    all_taken::<PrincipalName>(&[
        "role/deploy",
        "user/path/to/anna@example.com",
        "group/Ops+1",
    ]);
    all_taken::<Tag>(&["Team=platform", "a:b=", "Kosten stelle=Übung 1", "k=a=b"]);
    all_taken::<FileName>(&["backend.conf", "{env}.s3.tfbackend", "back end"]);
    all_taken::<Folder>(&[".", "/srv/infra", "../x"]);
}

#[test]
fn keys_and_prefixes_are_composed_as_terraform_does() {
    let (decomposed, composed) = ("gro\u{308}\u{df}e/x", "gr\u{f6}\u{df}e/x");
    assert_eq!(
        decomposed.parse::<StateKey>().expect("a key").as_str(),
        composed
    );
    assert_eq!(
        decomposed
            .parse::<WorkspacePrefix>()
            .expect("a prefix")
            .as_str(),
        composed
    );
    let long = |letter: &str| format!("{}/x", letter.repeat(449));
    assert_eq!(
        long("u\u{308}")
            .parse::<StateKey>()
            .expect("899 bytes are left")
            .as_str(),
        long("\u{fc}").as_str()
    );
}

#[test]
fn projects_and_environments() {
    assert_snapshot!(refusals::<ProjectName>(&["", "Acme", "-a", "a-", "a--b", "a_b", "../x", "/abs", "a\0", "..\\", "аcme", "a\u{202e}b", "a1234567890123456789012345678901", "a\"b", "${a}"]), @r#"
     is empty
    Acme contains `A`
    -a begins with `-`
    a- ends with `-`
    a--b contains `--`
    a_b contains `_`
    ../x contains `.`
    /abs contains `/`
    a\0 contains the invisible or control character U+0000
    ..\\ contains `.`
    аcme contains `а` (U+0430)
    a\u{202e}b contains the invisible or control character U+202E
    a1234567890123456789012345678901 is 32 characters long, at most 31 are allowed
    a\"b contains `"`
    ${a} contains `$`
    "#);
    assert_snapshot!(refusals::<EnvName>(&["prod-logs", "tfstate", "a-tfstate-b", "Prod", " prod", "prod\n"]), @r#"
    prod-logs ends with `-logs`
    tfstate contains `tfstate`
    a-tfstate-b contains `tfstate`
    Prod contains `P`
     prod contains ` `
    prod\n contains the invisible or control character U+000A
    "#);
}

#[test]
fn regions_and_accounts() {
    assert_snapshot!(refusals::<Region>(&["eu-wst-1", "us-east-11", "EU-WEST-1", "eu", "frankfurt", "Hong Kong", "any:EU-new-1", "any:eu", "any:eu-new-x", "any:"]), @r#"
    eu-wst-1 is not a known region (did you mean `eu-west-1`?)
    us-east-11 is not a known region (did you mean `us-east-1`?)
    EU-WEST-1 is not a known region (did you mean `eu-west-1`?)
    eu is not a known region
    frankfurt is not a known region (did you mean `eu-central-1`?)
    Hong Kong is not a known region (did you mean `ap-east-1`?)
    any:EU-new-1 contains `E`
    any:eu `eu` does not have the shape of a region
    any:eu-new-x `eu-new-x` does not have the shape of a region
    any: `` does not have the shape of a region
    "#);
    assert_snapshot!("eu-wst-1".parse::<Region>().unwrap_err(), @"is not a known region (did you mean `eu-west-1`?); a region is written like `eu-west-1`; one newer than this program like `any:eu-new-1`");
    assert_snapshot!(refusals::<AccountId>(&["1234-5678-9012", "12345678901", "1234567890123", "١٢٣٤٥٦٧٨٩٠١٢"]), @r#"
    1234-5678-9012 contains `-`
    12345678901 has 11 digits
    1234567890123 has 13 digits
    ١٢٣٤٥٦٧٨٩٠١٢ contains `١` (U+0661)
    "#);
}

#[test]
fn a_region_newer_than_the_program_survives_being_written() {
    let region: Region = "any:us-gov-new-1".parse().unwrap();
    assert_eq!(
        (region.as_str(), region.partition(), region.is_known()),
        ("us-gov-new-1", "aws-us-gov", false)
    );
    let json = serde_json::to_string(&region).unwrap();
    assert_eq!(json, r#""any:us-gov-new-1""#);
    assert_eq!(serde_json::from_str::<Region>(&json).unwrap(), region);
    let known: Region = "any:eu-west-1".parse().unwrap();
    assert_eq!(String::from(known), "eu-west-1");
}

#[test]
fn every_region_is_in_a_partition() {
    let count = |partition| {
        KNOWN_REGIONS
            .iter()
            .filter(|(region, _)| partition_of(region) == partition)
            .count()
    };
    let partitions = [
        "aws",
        "aws-cn",
        "aws-us-gov",
        "aws-eusc",
        "aws-iso",
        "aws-iso-b",
        "aws-iso-e",
        "aws-iso-f",
    ];
    assert_eq!(partitions.map(count), [34, 2, 2, 1, 2, 2, 1, 2]);
}

#[test]
fn buckets_and_tables() {
    assert_snapshot!(refusals::<BucketName>(&["ab", "a.b.c", "192.168.5.4", "xn--abc", "sthree-configurator", "amzn-s3-demo-x", "abc-s3alias", "abc--ol-s3", "abc--x-s3", "abc--table-s3", "x.mrap", "-abc", "abc-", "aBc", "a_bc", "a234567890123456789012345678901234567890123456789012345678901234"]), @r#"
    ab is 2 characters long, at least 3 are required
    a.b.c contains `.`, which breaks TLS with the bucket's own host name
    192.168.5.4 contains `.`, which breaks TLS with the bucket's own host name
    xn--abc begins with `xn--`
    sthree-configurator begins with `sthree-`
    amzn-s3-demo-x begins with `amzn-s3-demo-`
    abc-s3alias ends with `-s3alias`
    abc--ol-s3 ends with `--ol-s3`
    abc--x-s3 ends with `--x-s3`
    abc--table-s3 ends with `--table-s3`
    x.mrap contains `.`, which breaks TLS with the bucket's own host name
    -abc begins with `-`
    abc- ends with `-`
    aBc contains `B`
    a_bc contains `_`
    a234567890123456789012345678901234567890123456789012345678901234 is 64 characters long, at most 63 are allowed
    "#);
    assert_snapshot!(refusals::<TableName>(&["ab", "a b", "a/b"]), @r#"
    ab is 2 characters long, at least 3 are required
    a b contains ` `
    a/b contains `/`
    "#);
    let regional = |name: &str| name.parse::<BucketName>().unwrap().is_account_regional();
    assert!(regional("acme-123456789012-eu-west-1-an"));
    assert!(!regional("acme-12345678901-eu-west-1-an"));
    assert!(!regional("acme-123456789012-eu-west-1"));
    assert!(!regional("plan"));
}

#[test]
fn state_paths() {
    let long = "a".repeat(901);
    assert_snapshot!(refusals::<StateKey>(&["", "/a", "a/", "a//b", "a/../b", "..", "./a", "a\\b", "a*", "a?", "a\tb", "a\u{200b}b", "x.tflock", "(known after apply: key)"]), @r#"
     is empty
    /a begins with `/`
    a/ ends with `/`
    a//b contains `//`
    a/../b has a part `..`
    .. has a part `..`
    ./a has a part `.`
    a\\b contains `\`
    a* contains `*`
    a? contains `?`
    a\tb contains the invisible or control character U+0009
    a\u{200b}b contains the invisible or control character U+200B
    x.tflock ends with `.tflock`
    (known after apply: key) contains `(known after apply`
    "#);
    assert_snapshot!(long.parse::<StateKey>().unwrap_err().wrong, @"is 901 bytes long, at most 900 are allowed");
    assert_snapshot!(refusals::<WorkspacePrefix>(&["", "/env:", "env:/", "a//b", "a/../b"]), @r#"
     is empty
    /env: begins with `/`
    env:/ ends with `/`
    a//b contains `//`
    a/../b has a part `..`
    "#);
}

#[test]
fn arns() {
    assert_snapshot!(refusals::<KeyArn>(&[
        "alias/state",
        "arn:aws:kms:eu-west-1:123456789012:alias/state",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:s3:::bucket",
        "arn:aws:kms:eu-west-1:12345:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms::123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:gcp:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890abx",
        "arn:aws:kms:eu-west-1:123456789012:key/mrk-1234abcd-12ab-34cd-56ef-1234567890ab",
    ]), @r#"
    alias/state is an alias, which each account resolves differently
    arn:aws:kms:eu-west-1:123456789012:alias/state is an alias, which each account resolves differently
    1234abcd-12ab-34cd-56ef-1234567890ab is not an ARN
    arn:aws:s3:::bucket is an ARN of `s3`, not of `kms`
    arn:aws:kms:eu-west-1:12345:key/1234abcd-12ab-34cd-56ef-1234567890ab does not contain an account of 12 digits
    arn:aws:kms::123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab does not contain a region
    arn:gcp:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab does not contain a partition such as `aws`
    arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890abx does not have a valid key ID
    arn:aws:kms:eu-west-1:123456789012:key/mrk-1234abcd-12ab-34cd-56ef-1234567890ab does not have a valid key ID
    "#);
    assert_snapshot!(refusals::<TopicArn>(&["arn:aws:sns:eu-west-1:123456789012:a.fifo", "arn:aws:sns:eu-west-1:123456789012:", "arn:aws:sns:eu-west-1:123456789012:a:b", "alarms"]), @r#"
    arn:aws:sns:eu-west-1:123456789012:a.fifo is a FIFO topic, which alarms cannot reach
    arn:aws:sns:eu-west-1:123456789012: does not name a topic
    arn:aws:sns:eu-west-1:123456789012:a:b contains `:`
    alarms is not an ARN
    "#);
    let key: KeyArn = KEY.parse().unwrap();
    assert_eq!(
        (key.partition(), key.region(), key.account(), key.key_id()),
        (
            "aws",
            "eu-west-1",
            "123456789012",
            "1234abcd-12ab-34cd-56ef-1234567890ab"
        )
    );
}

#[test]
fn principals() {
    assert_snapshot!(refusals::<PrincipalName>(&[
        "deploy",
        "role/",
        "role//x",
        "policy/x",
        "role/a b",
        "arn:aws:iam::123456789012:role/ci/deploy",
        "arn:aws:sts::123456789012:assumed-role/deploy/me",
        "arn:aws:iam::123456789012:root",
        "arn:aws:iam::1234:role/x",
        "role/aws-service-role/x/y",
        "role/AWSReservedSSO_Admin_123",
    ]), @r#"
    deploy does not say whether it is a role, a user or a group
    role/ has an empty part
    role//x has an empty part
    policy/x is a `policy`, not a role, a user or a group
    role/a b contains ` `
    arn:aws:iam::123456789012:role/ci/deploy is taken as role/ci/deploy
    arn:aws:sts::123456789012:assumed-role/deploy/me is an assumed role
    arn:aws:iam::123456789012:root does not say whether it is a role, a user or a group
    arn:aws:iam::1234:role/x does not contain an account of 12 digits
    role/aws-service-role/x/y belongs to AWS, which does not allow policies to be attached to it
    role/AWSReservedSSO_Admin_123 belongs to AWS, which does not allow policies to be attached to it
    "#);
    let principal: PrincipalName = "arn:aws:iam::123456789012:role/ci/deploy".parse().unwrap();
    assert_eq!(
        (principal.kind(), principal.name(), principal.account()),
        (PrincipalArnKind::Role, "deploy", Some("123456789012"))
    );
    assert_eq!(principal, "role/ci/deploy".parse().unwrap());
}

#[test]
fn the_rest() {
    assert_snapshot!(refusals::<Email>(&["ops", "ops@", "@example.com", "ops@localhost", "a b@example.com", "a@b@c.de", "ops@-x.com", "ops\n@example.com"]), @r#"
    ops has no `@`
    ops@ does not have a valid domain after the `@`
    @example.com does not have a valid name before the `@`
    ops@localhost does not have a valid domain after the `@`
    a b@example.com contains ` `
    a@b@c.de does not have a valid domain after the `@`
    ops@-x.com does not have a valid domain after the `@`
    ops\n@example.com contains the invisible or control character U+000A
    "#);
    assert_snapshot!(refusals::<Tag>(&["Team", "=x", " a=b", "aws:x=y", "AWS:x=y", "tfbackend:env=prod", "managedby=me", "a=b,c", "a=<b>"]), @r#"
    Team has no `=`
    =x has no key, or spaces around it
     a=b has no key, or spaces around it
    aws:x=y begins with `aws:`
    AWS:x=y begins with `aws:`
    tfbackend:env=prod begins with `tfbackend:`
    managedby=me has the key `ManagedBy`, by which tfbackend knows what is its own
    a=b,c contains `,`
    a=<b> contains `<`
    "#);
    assert_snapshot!(refusals::<FileName>(&["", "a/b", "..", "a=b", "-x", "{name}.conf", "{env", "a\u{7}"]), @r#"
     is empty
    a/b contains `/`
    .. is a folder
    a=b contains `=`
    -x begins with `-`
    {name}.conf has a placeholder other than `{env}`
    {env has a placeholder other than `{env}`
    a\u{7} contains the invisible or control character U+0007
    "#);
    assert_snapshot!(refusals::<Folder>(&["", "a\nb"]), @r#"
     is empty
    a\nb contains the invisible or control character U+000A
    "#);
}

/// Texts near what is taken: any Unicode, and pieces that rules are about.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z0-9]{1,8}",
        2 => "[-./:=@_]{1,2}",
        1 => ".{0,4}",
        1 => Just(UNKNOWN.to_owned()),
        1 => prop_oneof![Just("\u{202e}"), Just("\u{200b}"), Just("\0"), Just("{env}"), Just("arn:aws:"), Just("role/"), Just("any:")].prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// Whatever is taken has nothing hidden in it, and reads back as itself.
fn law<T>(text: &str) -> Option<T>
where
    T: FromStr
        + Display
        + Clone
        + PartialEq
        + std::fmt::Debug
        + serde::Serialize
        + serde::de::DeserializeOwned,
{
    let value = text.parse::<T>().ok()?;
    assert!(!text.is_empty() && !text.contains(UNKNOWN), "{text:?}");
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(
        !text.contains([
            '\u{200b}', '\u{200d}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{feff}'
        ]),
        "{text:?}"
    );
    let json = serde_json::to_value(value.clone()).unwrap();
    assert_eq!(serde_json::from_value::<T>(json).unwrap(), value);
    Some(value)
}

proptest! {
    #[test]
    fn nothing_panics_and_all_that_is_taken_keeps_the_rules(text in texts()) {
        if law::<ProjectName>(&text).is_some() | law::<EnvName>(&text).is_some() {
            prop_assert!(text.len() <= 31 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            prop_assert!(!text.starts_with('-') && !text.ends_with('-') && !text.contains("--"));
        }
        if law::<StateKey>(&text).is_some() {
            prop_assert!(text.len() <= 1024 - "env://.tflock".len() - 90);
            prop_assert!(text.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
            prop_assert!(std::path::Path::new(&text).components().all(|part| matches!(part, std::path::Component::Normal(_))));
        }
        if law::<FileName>(&text).is_some() {
            prop_assert_eq!(std::path::Path::new(&text).file_name().and_then(|name| name.to_str()), Some(text.as_str()));
            prop_assert!(!text.contains('='));
        }
        if law::<BucketName>(&text).is_some() {
            prop_assert!((3..=63).contains(&text.len()) && !text.contains('.'));
        }
        if let Some(region) = law::<Region>(&text) {
            prop_assert_eq!(text.strip_prefix("any:").unwrap_or(&text), region.as_str());
        }
        if let Some(tag) = law::<Tag>(&text) {
            prop_assert_eq!(format!("{}={}", tag.key(), tag.value()), text.clone());
        }
        if let Some(principal) = law::<PrincipalName>(&text) {
            prop_assert!(!principal.name().is_empty() && principal.as_str().ends_with(principal.name()));
        }
        law::<WorkspacePrefix>(&text);
        law::<AccountId>(&text);
        law::<TableName>(&text);
        law::<KeyArn>(&text);
        law::<TopicArn>(&text);
        law::<Email>(&text);
        law::<Folder>(&text);
    }

    #[test]
    fn every_bucket_by_its_grammar_is_taken(text in "[a-z0-9][a-z0-9-]{1,61}[a-z0-9]") {
        let kept = ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|start| text.starts_with(start))
            || ["-s3alias", "--ol-s3", "--x-s3", "--table-s3"].iter().any(|end| text.ends_with(end));
        prop_assert_eq!(text.parse::<BucketName>().is_ok(), !kept);
    }

    #[test]
    fn errors_never_show_what_is_hidden(text in texts()) {
        for error in [text.parse::<StateKey>().err(), text.parse::<EnvName>().err(), text.parse::<KeyArn>().err(), text.parse::<Region>().err()].into_iter().flatten() {
            let shown = error.to_string();
            prop_assert!(!shown.chars().any(is_invisible), "{shown:?}");
        }
    }
}
