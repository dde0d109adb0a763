//! The way out of a company: by a proxy that breaks TLS open, with a certificate that only this
//! company trusts.

use std::{collections::BTreeSet, fs};

use super::forward::Forward;
use crate::support::{
    emulator::Emulator,
    ports::free_port,
    program::Place,
    proxy::{Proxy, Reply},
};

const ENV: &str = "--env dev --project acme --region eu-west-1";

/// Real names of AWS, no endpoint, and an emulator in the place of AWS behind the proxy.
#[tokio::test]
async fn by_a_proxy_that_has_a_certificate_of_its_own() {
    let emulator = Emulator::start().await;
    let behind = Proxy::start(Some(&emulator), |_, _| Reply::Forward);
    let forward = Forward::to(behind.endpoint());
    let mut place = Place::with(&emulator);
    // Neither they nor a profile say where: it is AWS that is called.
    for name in ["AWS_ENDPOINT_URL", "AWS_CONFIG_FILE"] {
        place.vars.remove(name);
    }
    place.set("HTTPS_PROXY", &format!("http://me:canary@{}", forward.url));
    place.vars.remove("AWS_CA_BUNDLE");
    place.hide(&forward.url, "PROXY");
    let line = format!("bootstrap {ENV} --lock both --ephemeral -y -vvv");
    let words: Vec<&str> = line.split(' ').collect();

    let distrusted = place.run(&words);
    let refusal = distrusted.refusal();
    assert!(
        distrusted.code == Some(1)
            && refusal.contains("certificate")
            && refusal.contains("AWS_CA_BUNDLE"),
        "{}",
        distrusted.all()
    );
    assert!(!distrusted.all().contains("canary"), "{}", distrusted.all());
    assert_eq!(
        behind.take(),
        [""; 0],
        "nothing was sent to whom nobody trusts"
    );

    fs::write(place.path().join("ca.pem"), &forward.ca).expect("written");
    place.set("AWS_CA_BUNDLE", "ca.pem");
    forward.take();
    let made = place.run(&words);
    assert!(
        made.code == Some(0) && !made.all().contains("canary"),
        "{}",
        made.all()
    );
    let asked = forward.take();
    assert!(
        asked
            .iter()
            .all(|asked| asked.authorization.as_deref() == Some("Basic bWU6Y2FuYXJ5")),
        "as the URL says"
    );
    let hosts: BTreeSet<&str> = asked.iter().map(|asked| asked.host.as_str()).collect();
    for host in [
        "sts.eu-west-1.amazonaws.com:443",
        "kms.eu-west-1.amazonaws.com:443",
        "iam.amazonaws.com:443",
    ] {
        assert!(hosts.contains(host), "{hosts:?}");
    }
    assert!(
        hosts.contains("acme-tfstate-dev-000000000000-eu-west-1.s3.eu-west-1.amazonaws.com:443"),
        "{hosts:?}"
    );
    assert!(behind.take().len() > 50, "everything went that way");

    fs::write(
        place.path().join("ca.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .expect("written");
    let junk = place.run(&words);
    assert!(
        junk.code == Some(1) && junk.err.contains("CA bundle contains no certificate"),
        "{}",
        junk.all()
    );
    fs::write(
        place.path().join("ca.pem"),
        "-----BEGIN CERTIFICATE-----\n*",
    )
    .expect("written");
    let junk = place.run(&words);
    assert!(
        junk.code == Some(1) && junk.err.contains("CA bundle is not PEM"),
        "{}",
        junk.all()
    );
    fs::remove_file(place.path().join("ca.pem")).expect("removed");
    let missing = place.run(&words);
    assert!(
        missing.code == Some(1)
            && missing
                .refusal()
                .contains("cannot read the CA bundle ~/shop/ca.pem"),
        "{}",
        missing.all()
    );
}

/// Of whom it would be another machine's answer.
#[test]
fn this_machine_is_asked_directly() {
    let proxy = Proxy::start(None, |_, _| Reply::caller_identity());
    let forward = Forward::to(proxy.endpoint());
    let mut place = Place::at(proxy.endpoint());
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ] {
        place.set(name, &format!("http://{}", forward.url));
    }
    let said = place.run(
        &format!("plan {ENV} --account 444455556666")
            .split(' ')
            .collect::<Vec<_>>(),
    );
    assert_eq!(
        (said.code, proxy.take().len(), forward.take().len()),
        (Some(3), 1, 0),
        "{}",
        said.all()
    );
}

/// `NO_PROXY` names who is not asked by way of it, and a proxy that is not there is named.
#[test]
fn what_the_variables_say_holds() {
    let proxy = Proxy::start(None, |_, _| Reply::caller_identity());
    let forward = Forward::to(proxy.endpoint());
    let mut place = Place::at("https://aws.invalid");
    let words = format!("plan {ENV} --account 444455556666");
    let run = |place: &Place| place.run(&words.split(' ').collect::<Vec<_>>());
    place.set("HTTPS_PROXY", &format!("http://{}", forward.url));
    let said = run(&place);
    let hosts: Vec<String> = forward.take().into_iter().map(|asked| asked.host).collect();
    assert_eq!(
        (said.code, &hosts[..]),
        (Some(1), &["aws.invalid:443".to_owned()][..]),
        "{}",
        said.all()
    );
    assert!(
        said.err
            .starts_with("calls use the endpoint ENDPOINT, not the endpoints of AWS\n"),
        "{}",
        said.all()
    );
    place.set("NO_PROXY", "localhost,.invalid");
    let said = run(&place);
    assert_eq!(
        (said.code, forward.take().len()),
        (Some(1), 0),
        "{}",
        said.all()
    );
    place.vars.remove("NO_PROXY");
    place.set(
        "HTTPS_PROXY",
        &format!("http://me:canary@127.0.0.1:{}", free_port()),
    );
    let said = run(&place);
    assert!(
        said.code == Some(1)
            && said.refusal().contains("HTTPS_PROXY")
            && !said.all().contains("canary"),
        "{}",
        said.all()
    );
}
