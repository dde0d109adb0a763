//! Who calls, and where: found out before anything else is.

use std::fs;

use super::LINE;
use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Proxy, Reply},
};

#[tokio::test]
async fn without_good_credentials_nothing_is_looked_at() {
    insta::assert_snapshot!(Place::bare().bootstrap(&format!("--env prod {LINE}")).refusal(), @"
    1
    error: there are no AWS credentials
      hint: give credentials as for the AWS CLI: --profile or AWS_PROFILE, `aws sso login`, or the AWS_ACCESS_KEY_ID variables
    ");

    let expired = Proxy::start(None, |_, _| {
        Reply::xml(
            403,
            "ExpiredToken",
            "The security token included in the request is expired",
        )
    });
    insta::assert_snapshot!(Place::at(expired.endpoint()).bootstrap(&format!("--env prod {LINE}")).refusal(), @"
    1
    error: the AWS credentials have expired
      caused by: sts:GetCallerIdentity on the caller: ExpiredToken: The security token included in the request is expired
      hint: get new credentials (`aws sso login`, `aws login`), then run the same command again
    ");
    assert_eq!(expired.take(), ["sts:GetCallerIdentity"]);

    let unknown = Proxy::start(None, |_, _| {
        Reply::xml(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        )
    });
    insta::assert_snapshot!(Place::at(unknown.endpoint()).bootstrap(&format!("--env prod {LINE}")).refusal(), @"
    1
    error: AWS rejected these credentials
      caused by: sts:GetCallerIdentity on the caller: InvalidClientTokenId: The security token included in the request is invalid.
      hint: give credentials as for the AWS CLI: --profile or AWS_PROFILE, `aws sso login`, or the AWS_ACCESS_KEY_ID variables
    ");

    // AWS says so of good credentials as well, where the region is not enabled.
    insta::assert_snapshot!(Place::at(unknown.endpoint()).bootstrap(&format!("--env prod {}", LINE.replace("eu-west-1", "eu-south-1"))).refusal(), @"
    1
    error: AWS rejected these credentials
      caused by: sts:GetCallerIdentity on the caller: InvalidClientTokenId: The security token included in the request is invalid.
      hint: is eu-south-1 enabled in this account? See `aws account get-region-opt-status --region-name eu-south-1`; if it is, the credentials are wrong: --profile or AWS_PROFILE, `aws sso login`, or the AWS_ACCESS_KEY_ID variables
    ");

    let page = Proxy::start(None, |_, _| Reply::Answer {
        status: 200,
        headers: &[("content-type", "text/html")],
        body: "<!doctype html>\n<title>Sign in</title>".to_owned(),
    });
    insta::assert_snapshot!(Place::at(page.endpoint()).bootstrap(&format!("--env prod {LINE}")).refusal(), @r#"
    1
    error: the response is not from AWS
      caused by: sts:GetCallerIdentity on the caller: HTTP 200: the response is not from AWS: text/html, "<!doctype html> <title>Sign in</title>"
      hint: a proxy, a sign-in page of the network or another service answers: check the network, HTTPS_PROXY and the endpoint (--endpoint-url, AWS_ENDPOINT_URL), then run the same command again
    "#);

    let skewed = Proxy::start(None, |_, _| {
        Reply::xml(403, "RequestTimeTooSkewed", "The difference is too large.")
    });
    insta::assert_snapshot!(Place::at(skewed.endpoint()).bootstrap(&format!("--env prod {LINE}")).refusal(), @"
    1
    error: AWS rejected the signature of this machine
      caused by: sts:GetCallerIdentity on the caller: RequestTimeTooSkewed: The difference is too large.
      hint: the clock of this machine is wrong; set it, then run the same command again
    ");

    let mut place = Place::bare();
    fs::create_dir_all(place.path().join(".aws")).expect("a folder");
    let config = place.path().join(".aws/config");
    fs::write(
        &config,
        "[profile prod]\nregion = eu-west-1\n[profile mfa]\nrole_arn = \
         arn:aws:iam::123456789012:role/x\nsource_profile = prod\nmfa_serial = \
         arn:aws:iam::123456789012:mfa/x\n",
    )
    .expect("written");
    place.set("AWS_CONFIG_FILE", &config.display().to_string());
    insta::assert_snapshot!(place.bootstrap(&format!("--env prod {LINE} --profile prdo")).refusal(), @r#"
    1
    error: no profile "prdo" in the AWS configuration
      hint: known profiles: mfa, prod
    "#);
    insta::assert_snapshot!(place.bootstrap(&format!("--env prod {LINE} --profile mfa")).refusal(), @r#"
    1
    error: profile "mfa" requires MFA (mfa_serial), which the AWS SDK for Rust does not support
      hint: get a session first: `eval "$(aws configure export-credentials --profile mfa --format env)"`, then leave the profile out
    "#);
}

#[tokio::test]
async fn another_account_or_partition_is_refused_before_it_is_looked_at() {
    let emulator = Emulator::start().await;
    let proxy = Proxy::start(Some(&emulator), |_, _| Reply::Forward);
    let mut place = Place::with(&emulator);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    insta::assert_snapshot!(place.bootstrap(&format!("--env prod {LINE} --account 123456789012")).refusal(), @"
    3
    error: these credentials are for account 000000000000, expected 123456789012; nothing was changed
      hint: use credentials of that account (--profile, AWS_PROFILE), or correct --account
    ");
    insta::assert_snapshot!(place.bootstrap("--env prod --project acme --region cn-north-1 -y").refusal(), @"
    3
    error: region cn-north-1 is in partition aws-cn, but these credentials are for aws; nothing was changed
      hint: use credentials of that partition, or another --region
    ");
    assert_eq!(proxy.take(), ["sts:GetCallerIdentity"; 2]);
    assert_eq!(emulator.python("tests/it/support/inventory.py", &[]), "");
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear_or_into_the_void() {
    // TEST-NET-1: a packet sent there would never be answered.
    let mut place = Place::at("http://192.0.2.1:4566");
    let started = std::time::Instant::now();
    insta::assert_snapshot!(place.bootstrap(&format!("--env prod {LINE}")).refusal(), @"
    1
    error: ENDPOINT is plain HTTP and not on this machine: credentials and states would be sent unencrypted
      hint: use https; the endpoint is set by --endpoint-url, an AWS_ENDPOINT_URL variable, or the profile
    ");
    place.vars.remove("AWS_ENDPOINT_URL");
    let flag = format!("--env prod {LINE} --endpoint-url http://example.com");
    insta::assert_snapshot!(place.bootstrap(&flag).refusal(), @"
    1
    error: http://example.com is plain HTTP and not on this machine: credentials and states would be sent unencrypted
      hint: use https; the endpoint is set by --endpoint-url, an AWS_ENDPOINT_URL variable, or the profile
    ");
    place.set("AWS_ENDPOINT_URL_DYNAMODB", "http://[2001:db8::1]:8000");
    insta::assert_snapshot!(place.bootstrap(&format!("--env prod {LINE}")).refusal(), @"
    1
    error: http://[2001:db8::1]:8000 is plain HTTP and not on this machine: credentials and states would be sent unencrypted
      hint: use https; the endpoint is set by --endpoint-url, an AWS_ENDPOINT_URL variable, or the profile
    ");
    place.vars.remove("AWS_ENDPOINT_URL_DYNAMODB");
    assert!(started.elapsed().as_secs() < 4, "nobody was waited for");
    place.set("AWS_CA_BUNDLE", "missing.pem");
    insta::assert_snapshot!(place.bootstrap(&format!("--env prod {LINE}")).refusal(), @"
    1
    error: cannot read the CA bundle ~/shop/missing.pem
      caused by: No such file or directory (os error 2)
    ");
    place.vars.remove("AWS_CA_BUNDLE");

    let nobody = format!("127.0.0.1:{}", crate::support::ports::free_port());
    place.hide(&nobody, "HOST");
    insta::assert_snapshot!(place.bootstrap(&format!("--env prod {LINE} --endpoint-url http://{nobody}")).refusal(), @"
    1
    error: cannot reach AWS
      caused by: sts:GetCallerIdentity on the caller: no connection to HOST: tcp connect error: Connection refused (os error 111)
      hint: is the network up, and is eu-west-1 a region that the account has enabled?
    ");
}
