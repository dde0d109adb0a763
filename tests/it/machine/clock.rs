//! A clock that is off: the SDK signs by AWS's time once it knows it; where that does not help,
//! both clocks are said.

use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimePrinter};

use crate::support::{
    program::{Place, Said},
    proxy::{Proxy, Reply},
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// An AWS whose clock is `ahead`, and that refuses what was signed at another time with `code`.
/// Without a `date` nobody learns of it.
fn elsewhen(ahead: SignedDuration, code: &'static str, date: bool) -> Proxy {
    let now = leaked(
        DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&(Timestamp::now() + ahead))
            .expect("a date"),
    );
    let headers: &'static [(&str, &str)] = Box::leak(
        if date {
            vec![("content-type", "text/xml"), ("date", now)]
        } else {
            vec![("content-type", "text/xml")]
        }
        .into_boxed_slice(),
    );
    Proxy::start(None, move |_, request| {
        let signed = request.headers().get("x-amz-date").expect("a date");
        let signed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", signed)
            .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC));
        let off = (Timestamp::now() + ahead)
            .duration_since(signed.expect("a time").timestamp())
            .abs();
        if off < SignedDuration::from_mins(5) {
            return Reply::caller_identity();
        }
        let error =
            format!("<Error><Code>{code}</Code><Message>It does not fit.</Message></Error>");
        Reply::Answer {
            status: 403,
            headers,
            body: format!("<ErrorResponse>{error}</ErrorResponse>"),
        }
    })
}

/// Another account than the one that answers: nothing is asked but who calls.
fn plan(proxy: &Proxy, attempts: &str) -> Said {
    let mut place = Place::at(proxy.endpoint());
    place.set("AWS_MAX_ATTEMPTS", attempts);
    place.run(&[
        "plan",
        "--env",
        "dev",
        "--project",
        "acme",
        "--region",
        "eu-west-1",
        "--account",
        "444455556666",
    ])
}

#[test]
fn aws_time_is_signed_by_once_it_is_known() {
    for ahead in [HOUR, -HOUR] {
        for code in [
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
        ] {
            let said = plan(&elsewhen(ahead, code, true), "3");
            assert_eq!(said.code, Some(3), "{code}: {}", said.all());
        }
    }
}

#[test]
fn both_clocks_are_said() {
    for ahead in [HOUR, -HOUR] {
        for code in ["RequestTimeTooSkewed", "SignatureDoesNotMatch"] {
            let said = plan(&elsewhen(ahead, code, true), "1");
            let refusal = said.refusal();
            assert!(
                refusal.contains("AWS rejected the signature of this machine"),
                "{refusal}"
            );
            assert!(
                refusal.contains("hint: the clock of this machine is wrong; set it"),
                "{refusal}"
            );
            let clocks = refusal
                .split_once("(here it is ")
                .and_then(|(_, rest)| rest.split_once(')')?.0.split_once(", at AWS "));
            let (here, there) = clocks.unwrap_or_else(|| panic!("{refusal}"));
            let off = there
                .parse::<Timestamp>()
                .expect("a time")
                .duration_since(here.parse().expect("a time"));
            assert!(
                (off - ahead).abs() < SignedDuration::from_mins(1),
                "{refusal}"
            );
        }
    }
    // Where AWS does not say its time, or it is the same, the secret is wrong for all that is
    // known.
    for (ahead, date) in [(HOUR, false), (SignedDuration::from_mins(6), false)] {
        let refusal = plan(&elsewhen(ahead, "SignatureDoesNotMatch", date), "1").refusal();
        assert!(
            refusal.contains("AWS rejected these credentials") && !refusal.contains("here it is"),
            "{refusal}"
        );
    }
    let refusal = plan(&elsewhen(HOUR, "RequestTimeTooSkewed", false), "1").refusal();
    assert!(
        refusal.contains("hint: the clock of this machine is wrong")
            && !refusal.contains("here it is"),
        "{refusal}"
    );
}
