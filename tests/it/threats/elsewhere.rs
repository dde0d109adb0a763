//! Whoever answers is not who was meant: another account, an endpoint in the clear, a redirect to
//! somewhere else.

use std::{fs, io::ErrorKind, net::TcpListener, time::Instant};

use crate::support::{
    program::Place,
    proxy::{Proxy, Reply},
};

const ACCOUNT: &str = "111122223333";

/// Says who calls, and nothing else.
fn caller() -> Reply {
    let who = format!(
        "<Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn><UserId>ME</UserId><Account>{ACCOUNT}</Account>"
    );
    let body = format!(
        "<GetCallerIdentityResponse><GetCallerIdentityResult>{who}</GetCallerIdentityResult></\
         GetCallerIdentityResponse>"
    );
    Reply::Answer {
        status: 200,
        headers: &[("content-type", "text/xml")],
        body,
    }
}

#[test]
fn threat_06_another_account_than_was_named_is_asked_for_its_name_only() {
    let proxy = Proxy::start(None, |_, _| caller());
    let place = Place::at(proxy.endpoint());
    let env = "--env prod --project acme --region eu-west-1 --account 444455556666";
    let bucket = "--bucket states --region eu-west-1 --account 444455556666";
    for line in [
        format!("bootstrap {env} -y"),
        format!("plan {env}"),
        format!("verify {env}"),
        format!("verify {env} --probe"),
        format!("verify {bucket}"),
        format!("render {env}"),
        format!("teardown {env} --confirm acme-tfstate-prod-444455556666-eu-west-1"),
        format!("teardown {env} --plan"),
        format!("lock list {env}"),
        format!("lock release {env} --id x -y"),
        format!("lock migrate {env} --to both -y"),
        format!("state restore {env} --serial 1 -y"),
        format!("state check {env} --repair -y"),
    ] {
        let said = place.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(
            proxy.take(),
            ["sts:GetCallerIdentity"],
            "{line}: {}",
            said.all()
        );
        assert!(
            said.code == Some(3) && said.refusal().contains("expected 444455556666"),
            "{line}: {}",
            said.all()
        );
    }
    assert_eq!(fs::read_dir(place.path()).expect("a folder").count(), 0);
}

/// TEST-NET-1: a packet sent there would never be answered.
const IN_THE_CLEAR: &str = "http://192.0.2.1:4566";

/// With credentials, and nothing that says where to.
fn place() -> Place {
    let mut place = Place::at("http://127.0.0.1:1");
    place.vars.remove("AWS_ENDPOINT_URL");
    place
}

#[test]
fn threat_24_no_endpoint_in_the_clear_is_sent_anything() {
    let started = Instant::now();
    let of_service = |service: &str| {
        format!(
            "[default]\nservices = own\n[services own]\n{service} =\n  endpoint_url = \
             {IN_THE_CLEAR}\n"
        )
    };
    let lines = [
        "bootstrap --env prod --project acme --region eu-west-1 -y",
        "state list --bucket states --region eu-west-1",
    ];
    for config in [
        format!("[default]\nendpoint_url = {IN_THE_CLEAR}\n"),
        of_service("s3"),
        of_service("sts"),
        of_service("kms"),
    ] {
        let mut place = place();
        let file = place.path().join("config");
        fs::write(&file, &config).expect("written");
        place.set("AWS_CONFIG_FILE", &file.display().to_string());
        for line in lines {
            let said = place.run(&line.split(' ').collect::<Vec<_>>());
            assert!(
                said.code == Some(1) && said.err.contains(&format!("{IN_THE_CLEAR} is plain HTTP")),
                "{config}: {}",
                said.all()
            );
        }
    }
    for service in [
        "",
        "_S3",
        "_S3_CONTROL",
        "_STS",
        "_KMS",
        "_DYNAMODB",
        "_IAM",
        "_SNS",
        "_CLOUDTRAIL",
        "_CLOUDWATCH",
        "_SSO_OIDC",
    ] {
        let mut place = place();
        place.set(&format!("AWS_ENDPOINT_URL{service}"), IN_THE_CLEAR);
        for line in lines {
            let said = place.run(&line.split(' ').collect::<Vec<_>>());
            assert!(
                said.code == Some(1) && said.err.contains("is plain HTTP"),
                "{service}: {}",
                said.all()
            );
        }
    }
    // What a folder says that somebody else wrote.
    let place = place();
    let block = format!(
        "terraform {{\n  backend \"s3\" {{\n    bucket = \"states\"\n    key = \"k\"\n    region \
         = \"eu-west-1\"\n    endpoints = {{ sts = \"{IN_THE_CLEAR}\" }}\n  }}\n}}\n"
    );
    fs::write(place.path().join("backend.tf"), block).expect("written");
    let said = place.run(&["state", "list"]);
    assert!(
        said.code == Some(1) && said.err.contains("is plain HTTP"),
        "{}",
        said.all()
    );
    // Where credentials come from is asked in the clear on this machine only.
    let mut place = Place::bare();
    place.set(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        &format!("{IN_THE_CLEAR}/credentials"),
    );
    place.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary");
    let said = place.run(&lines[0].split(' ').collect::<Vec<_>>());
    assert!(
        said.code == Some(1) && !said.all().contains("canary"),
        "{}",
        said.all()
    );
    assert!(
        started.elapsed().as_secs() < 30,
        "nobody was waited for: {:?}",
        started.elapsed()
    );
}

/// A signature would go along, and whoever gets it may be anybody.
#[test]
fn no_redirect_is_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").expect("a port");
    elsewhere.set_nonblocking(true).expect("set");
    let location: &'static str = Box::leak(
        format!(
            "http://{}/elsewhere",
            elsewhere.local_addr().expect("an address")
        )
        .into_boxed_str(),
    );
    let headers: &'static [(&str, &str)] = Box::leak(Box::new([
        ("location", location),
        ("content-type", "application/xml"),
        ("x-amz-bucket-region", "eu-central-1"),
    ]));
    for (status, of_caller) in [
        (301, false),
        (302, false),
        (307, false),
        (308, false),
        (307, true),
    ] {
        let proxy = Proxy::start(None, move |call, _| match &*call.service {
            "sts" if !of_caller => caller(),
            _ => Reply::Answer {
                status,
                headers,
                body: String::new(),
            },
        });
        let place = Place::at(proxy.endpoint());
        for line in [
            "state list --bucket states --region eu-west-1",
            "verify --bucket states --region eu-west-1",
        ] {
            let said = place.run(&line.split(' ').collect::<Vec<_>>());
            assert!(
                matches!(said.code, Some(1 | 2)),
                "{status} {line}: {}",
                said.all()
            );
        }
        assert!(proxy.take().len() > 1);
    }
    assert_eq!(
        elsewhere.accept().expect_err("nobody came").kind(),
        ErrorKind::WouldBlock
    );
}
