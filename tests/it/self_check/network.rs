//! The endpoint of each service: each reason why it does not respond, all at once.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use super::{ENV, SERVICES, checked, failed, of, run};
use crate::support::{
    emulator::Emulator,
    ports::free_port,
    program::Place,
    proxy::{Proxy, Reply},
};

/// Eight seconds and what a busy machine adds; without a limit, it takes two minutes.
const PATIENCE: Duration = Duration::from_secs(30);

/// One service of each kind of failure, and two that respond.
#[tokio::test]
async fn each_service_that_does_not_respond_is_named_with_the_reason() {
    let emulator = Emulator::start().await;
    let proxy = Proxy::start(None, |_, _| Reply::caller_identity());
    let page = Proxy::start(None, |_, _| Reply::Answer {
        status: 403,
        headers: &[("content-type", "text/html; charset=utf-8")],
        body: "<!doctype html><title>Sign in</title>".to_owned(),
    });
    let cut = Proxy::start(None, |_, _| Reply::Cut(crate::support::proxy::When::Before));
    // It takes connections, and never responds.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent.local_addr().expect("an address");
    let mut place = Place::at(proxy.endpoint());
    let tls_of_plain = proxy.endpoint().replace("http://", "https://");
    let closed = format!("http://127.0.0.1:{}", free_port());
    for (service, endpoint) in [
        ("DYNAMODB", &*format!("http://{silent}")),
        ("KMS", &closed),
        // No CA is known that signed it.
        ("IAM", emulator.endpoint()),
        ("CLOUDWATCH", page.endpoint()),
        ("CLOUDTRAIL", &tls_of_plain),
        ("SNS", "https://sns.invalid"),
        ("S3", cut.endpoint()),
    ] {
        place.set(&format!("AWS_ENDPOINT_URL_{service}"), endpoint);
    }
    let began = Instant::now();
    let document = checked(&place, ENV);
    let took = began.elapsed();
    assert!(took < PATIENCE, "{took:?}");
    assert_eq!(
        failed(&document),
        [
            "network-s3",
            "network-dynamodb",
            "network-kms",
            "network-iam",
            "network-cloudtrail",
            "network-sns"
        ],
        "{document:#}"
    );
    for (service, status, what, next) in [
        ("sts", "ok", " responds", ""),
        ("s3", "failed", ": no response: ", "check the network"),
        (
            "dynamodb",
            "failed",
            ": timeout: no response within 8 seconds",
            "firewall",
        ),
        ("kms", "failed", ": no connection: ", "AWS_ENDPOINT_URL"),
        (
            "iam",
            "failed",
            ": certificate not trusted (TLS): ",
            "AWS_CA_BUNDLE",
        ),
        (
            "cloudwatch",
            "warning",
            " responds with a web page (HTTP 403)",
            "sign-in page",
        ),
        ("cloudtrail", "failed", ": not TLS: ", "another program"),
        ("sns", "failed", ": unknown name (DNS): ", "DNS"),
    ] {
        let check = of(&document, &format!("network-{service}"));
        assert!(
            check.0 == status && check.1.contains(what) && check.2.contains(next),
            "{service}: {check:?}"
        );
    }
    assert_eq!(of(&document, "caller").0, "ok");
    assert_eq!(
        document["notes"][0],
        "calls use the endpoint https://sns.invalid, not the endpoints of AWS"
    );
}

/// Nothing responds and nothing is known: each is one line, and the time is limited.
#[test]
fn without_network_and_credentials_everything_is_said() {
    let mut place = Place::bare();
    let closed = format!("http://127.0.0.1:{}", free_port());
    place.set("AWS_ENDPOINT_URL", &closed);
    let began = Instant::now();
    let document = checked(&place, ENV);
    let took = began.elapsed();
    assert!(took < PATIENCE, "{took:?}");
    let mut expected = vec!["credentials".to_owned()];
    expected.extend(SERVICES.map(|service| format!("network-{service}")));
    assert_eq!(failed(&document), expected, "{document:#}");
    let (status, found, _) = of(&document, "clock");
    assert_eq!(
        (status, found),
        ("warning", "unknown: no service returned its time")
    );

    place.set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    place.set("AWS_SECRET_ACCESS_KEY", "secret");
    place.set("AWS_MAX_ATTEMPTS", "1");
    let document = checked(&place, ENV);
    assert_eq!(of(&document, "credentials").0, "ok", "{document:#}");
    let (status, found, _) = of(&document, "caller");
    assert!(
        status == "failed" && found.starts_with("cannot reach AWS"),
        "{found}"
    );
}

#[test]
fn proxy_that_does_not_respond_is_named_without_its_password() {
    let mut place = Place::at("https://aws.invalid");
    let closed = format!("http://me:canary@127.0.0.1:{}", free_port());
    place.set("HTTPS_PROXY", &closed);
    let document = checked(&place, ENV);
    for service in SERVICES {
        let (status, _, next) = of(&document, &format!("network-{service}"));
        assert!(
            status == "failed" && next.contains("calls use the proxy set in HTTPS_PROXY"),
            "{service}: {next}"
        );
    }
    assert!(!document.to_string().contains("canary"), "{document:#}");
    let said = run(&place, ENV).all();
    assert!(!said.contains("canary"), "{said}");
}
