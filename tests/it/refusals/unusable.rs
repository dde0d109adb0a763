//! Keys that cannot be used, and principals that are not there.

use super::LINE;
use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Proxy, Reply},
};

#[tokio::test]
async fn a_key_must_be_usable_before_anything_is_made() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    let arns = emulator.python("tests/it/refusals/keys.py", &[]);
    let [disabled, going, mac, elsewhere, good] = arns.lines().collect::<Vec<_>>()[..] else {
        panic!("{arns}")
    };
    let before = emulator.python("tests/it/support/inventory.py", &[]);
    let with = |place: &Place, key: &str| {
        place
            .bootstrap(&format!("--env prod {LINE} --kms-key {key}"))
            .refusal()
    };

    insta::assert_snapshot!(with(&place, disabled), @"
    3
    error: your KMS key arn:aws:kms:eu-west-1:000000000000:key/UUID (key): the key is disabled; enable it with `aws kms enable-key`; nothing was changed
    ");
    insta::assert_snapshot!(with(&place, going), @"
    3
    error: your KMS key arn:aws:kms:eu-west-1:000000000000:key/UUID (key): the key is scheduled for deletion; restore it with `aws kms cancel-key-deletion` and then `aws kms enable-key`; nothing was changed
    ");
    insta::assert_snapshot!(with(&place, mac), @"
    3
    error: your KMS key arn:aws:kms:eu-west-1:000000000000:key/UUID (key): S3 needs a symmetric key for encryption (SYMMETRIC_DEFAULT ENCRYPT_DECRYPT), and this one is HMAC_256 GENERATE_VERIFY_MAC; nothing was changed
    ");
    insta::assert_snapshot!(with(&place, elsewhere), @"
    1
    error: `kms-key` is in eu-central-1, the backend in eu-west-1; both must be in one region (`kms-key`: command line, `region`: command line)
    ");
    insta::assert_snapshot!(with(&place, &elsewhere.replace("eu-central-1", "eu-west-1")), @"
    3
    error: your KMS key arn:aws:kms:eu-west-1:000000000000:key/UUID (key): no key arn:aws:kms:eu-west-1:000000000000:key/UUID that these credentials can read; nothing was changed
    ");
    // The key is there, and allows neither trail nor alarms.
    insta::assert_snapshot!(place.bootstrap(&format!("--env prod --project acme --region eu-west-1 -y --kms-key {good}")).refusal(), @"
    3
    error: your KMS key arn:aws:kms:eu-west-1:000000000000:key/UUID (key): the key policy does not grant the permissions that trail and alarms need (cloudtrail.amazonaws.com kms:GenerateDataKey, cloudwatch.amazonaws.com kms:GenerateDataKey, s3.amazonaws.com kms:GenerateDataKey); grant them, or pass --trail off --alarms=false; nothing was changed
    ");

    // The emulator makes no RSA keys.
    let arn = good.to_owned();
    let proxy = Proxy::start(Some(&emulator), move |call, _| match &*call.operation {
        "DescribeKey" => Reply::Answer {
            status: 200,
            headers: &[("content-type", "application/x-amz-json-1.1")],
            body: format!(
                r#"{{"KeyMetadata":{{"KeyId":"k","Arn":"{arn}","KeyState":"Enabled","KeyUsage":"ENCRYPT_DECRYPT","KeySpec":"RSA_2048"}}}}"#
            ),
        },
        _ => Reply::Forward,
    });
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    insta::assert_snapshot!(with(&place, good), @"
    3
    error: your KMS key arn:aws:kms:eu-west-1:000000000000:key/UUID (key): S3 needs a symmetric key for encryption (SYMMETRIC_DEFAULT ENCRYPT_DECRYPT), and this one is RSA_2048 ENCRYPT_DECRYPT; nothing was changed
    ");
    assert_eq!(
        emulator.python("tests/it/support/inventory.py", &[]),
        before
    );
}

#[tokio::test]
async fn who_gets_the_policy_must_be_there() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let mut all = String::new();
    for principal in ["role/ci", "user/ci", "group/ci"] {
        all.push_str(&format!(
            "{}\n",
            place
                .bootstrap(&format!("--env prod {LINE} --attach-to {principal}"))
                .refusal()
        ));
    }
    insta::assert_snapshot!(all, @"
    3
    error: runner_policy/attachment[role/ci]: cannot be read: iam:ListAttachedRolePolicies on ci: NoSuchEntity: the account has no such role; create it first, or correct --attach-to [request UUID]; nothing was changed
    3
    error: runner_policy/attachment[user/ci]: cannot be read: iam:ListAttachedUserPolicies on ci: NoSuchEntity: the account has no such user; create it first, or correct --attach-to [request UUID]; nothing was changed
    3
    error: runner_policy/attachment[group/ci]: cannot be read: iam:ListAttachedGroupPolicies on ci: NoSuchEntity: the account has no such group; create it first, or correct --attach-to [request UUID]; nothing was changed
    ");
    assert_eq!(emulator.python("tests/it/support/inventory.py", &[]), "");
}
