//! Credentials, caller, region and clock.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimePrinter};

use super::{ENV, SERVICES, checked, failed, has, of, run};
use crate::support::{
    emulator::Emulator,
    ports::free_port,
    program::Place,
    proxy::{Proxy, Reply},
    user::User,
};

#[tokio::test]
async fn self_check_finds_no_problem_where_everything_works_and_changes_nothing() {
    let emulator = Emulator::start().await;
    let signed: Arc<Mutex<Vec<String>>> = Arc::default();
    let written = Arc::clone(&signed);
    let proxy = Proxy::start(Some(&emulator), move |call, request| {
        if request.headers().get("authorization").is_some() {
            written.lock().expect("the record").push(call.name());
        }
        Reply::Forward
    });
    emulator.python("tests/it/self_check/alias.py", &["acme-dev"]);
    let mut place = Place::with(&emulator);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    place.hide(proxy.endpoint(), "PROXY");
    let before = emulator.python("tests/it/support/inventory.py", &[]);

    let document = checked(&place, ENV);
    assert_eq!(failed(&document), [""; 0], "{document:#}");
    assert_eq!(
        (&document["kind"], &document["env"]),
        (&"s3".into(), &"dev".into())
    );
    assert_eq!(
        of(&document, "caller"),
        (
            "ok",
            "account 000000000000 (acme-dev), arn:aws:iam::000000000000:user/admin",
            ""
        )
    );
    assert_eq!(
        of(&document, "credentials"),
        ("ok", "from the shared AWS files (profile)", "")
    );
    assert_eq!(
        of(&document, "region"),
        ("ok", "eu-west-1 (command line)", "")
    );
    assert_eq!(
        of(&document, "clock"),
        ("ok", "within a minute of the time of AWS", "")
    );
    for service in SERVICES {
        let id = format!("network-{service}");
        assert_eq!(of(&document, &id), ("ok", "PROXY responds", ""));
    }
    assert_eq!(
        document["notes"],
        serde_json::json!([
            "permissions are not checked; `tfbackend plan --env dev --needed-actions --project acme \
             --region eu-west-1` prints those that a plan needs"
        ])
    );

    // Only two calls carry credentials; all others are unsigned probes.
    let mut signed = signed.lock().expect("the record").clone();
    signed.sort();
    assert_eq!(signed, ["iam:ListAccountAliases", "sts:GetCallerIdentity"]);
    assert_eq!(proxy.take().len(), SERVICES.len() + 2);
    assert_eq!(
        emulator.python("tests/it/support/inventory.py", &[]),
        before
    );
    let files = fs::read_dir(place.path()).expect("a folder").count();
    assert_eq!(files, 0);
}

#[tokio::test]
async fn self_check_needs_no_permission_and_tells_no_secret() {
    let emulator = Emulator::start().await;
    let user = User::make(&emulator, "operator").await;
    user.may_only(&["sts:GetCallerIdentity"]).await;
    let mut place = user.place(&emulator);
    place.set("HTTPS_PROXY", "http://me:canary@127.0.0.1:9");
    let document = checked(&place, ENV);
    assert_eq!(failed(&document), [""; 0], "{document:#}");
    assert_eq!(
        of(&document, "caller").1,
        "account 000000000000, arn:aws:iam::000000000000:user/operator"
    );
    assert_eq!(
        of(&document, "credentials").1,
        "from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    );
    let said = run(&place, &format!("{ENV} -vvv")).all();
    for secret in ["canary", &*place.vars["AWS_SECRET_ACCESS_KEY"]] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
    assert!(said.contains("HTTPS_PROXY=http://127.0.0.1:9"), "{said}");
}

#[test]
fn missing_credentials_are_named_with_the_ways_to_get_some() {
    let proxy = Proxy::start(None, |_, _| Reply::caller_identity());
    let mut place = Place::bare();
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let document = checked(&place, ENV);
    assert_eq!(failed(&document), ["credentials"], "{document:#}");
    let (_, found, next) = of(&document, "credentials");
    assert_eq!(found, "there are no AWS credentials");
    assert!(
        next.contains("--profile") && next.contains("aws sso login"),
        "{next}"
    );
    assert!(
        !has(&document, "caller"),
        "without credentials, it is unknown who calls"
    );
    assert_eq!(of(&document, "network-s3").0, "ok");
}

#[test]
fn rejected_and_expired_credentials_are_told_apart() {
    let rejecting =
        |code: &'static str| Proxy::start(None, move |_, _| Reply::xml(403, code, "no"));
    let caller = |code, region: &str| {
        let proxy = rejecting(code);
        let document = checked(
            &Place::at(proxy.endpoint()),
            &ENV.replace("eu-west-1", region),
        );
        assert_eq!(failed(&document), ["caller"], "{document:#}");
        let (_, found, next) = of(&document, "caller");
        (found.to_owned(), next.to_owned())
    };
    let (found, next) = caller("InvalidClientTokenId", "eu-west-1");
    assert!(
        found.starts_with("AWS rejected these credentials: "),
        "{found}"
    );
    assert!(next.contains("--profile or AWS_PROFILE"), "{next}");
    let (_, next) = caller("InvalidClientTokenId", "eu-south-1");
    assert!(
        next.contains("is eu-south-1 enabled in this account?"),
        "{next}"
    );
    let (found, next) = caller("ExpiredToken", "eu-west-1");
    assert!(
        found.starts_with("the AWS credentials have expired: "),
        "{found}"
    );
    assert!(next.contains("aws sso login"), "{next}");
}

/// As a `credential_process` says it.
#[test]
fn time_that_is_left_is_shown() {
    let proxy = Proxy::start(None, |_, _| Reply::caller_identity());
    let mut place = Place::bare();
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let (config, program) = (place.path().join("config"), place.path().join("get"));
    let profile = format!("[default]\ncredential_process = {}\n", program.display());
    fs::write(&config, profile).expect("written");
    place.set("AWS_CONFIG_FILE", &config.display().to_string());
    let credentials = |left: SignedDuration| {
        let expires = Timestamp::now() + left;
        let json = format!(
            "{{\"Version\":1,\"AccessKeyId\":\"AKIDEXAMPLE\",\"SecretAccessKey\":\"secret\",\
             \"SessionToken\":\"token\",\"Expiration\":\"{expires:.0}\"}}"
        );
        fs::write(&program, format!("#!/bin/sh\necho '{json}'\n")).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
        let document = checked(&place, ENV);
        let (status, found, _) = of(&document, "credentials");
        (status.to_owned(), found.to_owned(), format!("{expires:.0}"))
    };
    let (status, found, at) = credentials(SignedDuration::from_hours(2));
    let of_process = "from the credential_process of the profile";
    assert_eq!(
        (&*status, found),
        ("ok", format!("{of_process}, expire at {at}"))
    );
    let (status, found, at) = credentials(SignedDuration::from_mins(5));
    let soon = format!("{of_process}, expire in less than 15 minutes, at {at}");
    assert_eq!((&*status, found), ("warning", soon));
    let (status, found, _) = credentials(SignedDuration::from_mins(-5));
    assert!(
        status == "failed" && found.contains("expired"),
        "{status}: {found}"
    );
}

#[tokio::test]
async fn region_and_account_must_fit() {
    let proxy = Proxy::start(None, |_, _| Reply::caller_identity());
    let mut place = Place::at(proxy.endpoint());
    let line = "--env dev --project acme";

    let document = checked(&place, line);
    let (status, found, next) = of(&document, "region");
    assert_eq!((status, failed(&document)), ("warning", vec![]));
    assert!(
        found.contains("us-east-1") && next.contains("--region"),
        "{found}: {next}"
    );

    place.set("AWS_REGION", "eu-west-11");
    let document = checked(&place, line);
    assert_eq!(failed(&document), ["region"]);
    let (_, found, next) = of(&document, "region");
    assert!(
        found
            .starts_with("AWS_REGION=eu-west-11 is not a known region (did you mean `eu-west-1`?)")
            && next.contains("AWS_REGION"),
        "{found}: {next}"
    );

    place.set("AWS_REGION", "cn-north-1");
    let document = checked(&place, line);
    assert_eq!(of(&document, "region").1, "cn-north-1 (AWS_REGION)");
    assert_eq!(failed(&document), ["caller"]);
    let (_, found, next) = of(&document, "caller");
    assert!(
        found.contains("partition aws-cn") && next.contains("another --region"),
        "{found}: {next}"
    );

    let document = checked(&place, &format!("{ENV} --account 444455556666"));
    assert_eq!(failed(&document), ["caller"]);
    let (_, found, next) = of(&document, "caller");
    assert!(
        found.contains("account 111122223333, expected 444455556666")
            && next.contains("correct --account"),
        "{found}: {next}"
    );
}

/// No role may be assumed here: its trust policy is the next step.
#[tokio::test]
async fn role_that_may_not_be_assumed_is_named() {
    let proxy = Proxy::start(None, |call, _| match &*call.operation {
        "AssumeRole" => Reply::xml(403, "AccessDenied", "not authorized"),
        _ => Reply::caller_identity(),
    });
    let role = "arn:aws:iam::111122223333:role/deploy";
    let document = checked(
        &Place::at(proxy.endpoint()),
        &format!("{ENV} --role-arn {role}"),
    );
    assert_eq!(failed(&document), ["caller"], "{document:#}");
    let (_, found, next) = of(&document, "caller");
    assert!(
        found.contains(&format!("cannot assume the role {role}")) && next.contains("trust policy"),
        "{found}: {next}"
    );
}

#[test]
fn clock_is_compared_with_the_time_of_aws() {
    let clock = |ahead: SignedDuration| {
        let now = DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&(Timestamp::now() + ahead))
            .expect("a date");
        let now: &'static str = Box::leak(now.into_boxed_str());
        let headers = Box::leak(Box::new([("content-type", "text/xml"), ("date", now)]));
        let headers: &'static [(&str, &str)] = headers;
        let proxy = Proxy::start(None, move |_, _| match Reply::caller_identity() {
            Reply::Answer { status, body, .. } => Reply::Answer {
                status,
                headers,
                body,
            },
            other => other,
        });
        let document = checked(&Place::at(proxy.endpoint()), ENV);
        let (status, found, next) = of(&document, "clock");
        (status.to_owned(), found.to_owned(), next.to_owned())
    };
    for (minutes, status) in [
        (0, "ok"),
        (3, "warning"),
        (-3, "warning"),
        (61, "failed"),
        (-61, "failed"),
    ] {
        let (found_status, found, next) = clock(SignedDuration::from_mins(minutes));
        assert_eq!(found_status, status, "{minutes}: {found}");
        if status != "ok" {
            assert!(
                found.contains("min off: here it is ") && next.starts_with("set the clock"),
                "{found}: {next}"
            );
        }
    }
}

#[test]
fn profile_and_files_that_cannot_be_used_are_named() {
    let proxy = Proxy::start(None, |_, _| Reply::caller_identity());
    let mut place = Place::at(proxy.endpoint());
    let config = place.path().join("config");
    fs::write(&config, "[profile prod]\nregion = eu-west-3\n").expect("written");
    place.set("AWS_CONFIG_FILE", &config.display().to_string());
    let document = checked(&place, &format!("{ENV} --profile prdo"));
    assert_eq!(failed(&document), ["connection"]);
    let (_, found, next) = of(&document, "connection");
    assert_eq!(
        (found, next),
        (
            "no profile \"prdo\" in the AWS configuration",
            "known profiles: prod"
        )
    );

    place.set("AWS_CA_BUNDLE", "missing.pem");
    let document = checked(&place, ENV);
    let (_, found, _) = of(&document, "connection");
    assert!(found.contains("cannot read the CA bundle"), "{found}");
    place.vars.remove("AWS_CA_BUNDLE");

    place.set("AWS_ENDPOINT_URL", "http://192.0.2.1:4566");
    let document = checked(&place, ENV);
    let (_, found, next) = of(&document, "connection");
    assert!(
        found.contains("is plain HTTP") && next.contains("use https"),
        "{found}: {next}"
    );
}

/// What a file of a checkout chooses is said, and so is an endpoint that is not of AWS.
#[test]
fn choices_of_the_settings_file_are_notes() {
    let mut place = Place::bare();
    let nowhere = format!("https://localhost:{}", free_port());
    place.set("AWS_ENDPOINT_URL_S3", &nowhere);
    place.set("AWS_ENDPOINT_URL", &nowhere);
    place.set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    place.set("AWS_SECRET_ACCESS_KEY", "secret");
    place.set("AWS_MAX_ATTEMPTS", "1");
    fs::write(
        place.path().join("tfbackend.toml"),
        "project = \"acme\"\nregion = \"eu-west-1\"\nrole-arn = \
         \"arn:aws:iam::111122223333:role/deploy\"\n[env.dev]\n",
    )
    .expect("written");
    let document = checked(&place, "");
    let notes: BTreeMap<usize, &str> = document["notes"]
        .as_array()
        .expect("notes")
        .iter()
        .filter_map(|note| note.as_str())
        .enumerate()
        .collect();
    assert_eq!(
        notes.get(&0).copied(),
        Some(
            "calls assume the role arn:aws:iam::111122223333:role/deploy, set by tfbackend.toml:3"
        )
    );
    assert_eq!(of(&document, "region").1, "eu-west-1 (tfbackend.toml:2)");
    assert_eq!(document["env"], "dev");
}
