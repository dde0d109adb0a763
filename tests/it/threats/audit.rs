//! Somebody who does not want to be seen, or wants to hear: `verify` says so, and `bootstrap` makes
//! the records again.

use serde_json::Value;

use crate::support::{emulator::Emulator, program::Place};

const LINE: &str = "--env dev --project acme --region eu-west-1 --lock s3 --ephemeral \
                    --alarm-email ops@example.com";
const WORLD: &str = "tests/it/threats/world.py";

/// The findings of what no settings of these tests leave open.
fn findings(place: &Place) -> Vec<String> {
    let line = format!("verify {LINE} --usage=false --output json");
    let said = place.run(&line.split(' ').collect::<Vec<_>>());
    let document: Value =
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()));
    let found = |finding: &Value| finding["id"].as_str().expect("an id").to_owned();
    let all: Vec<String> = document["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(found)
        .collect();
    let passed = document["passed"].as_bool().expect("a word");
    assert_eq!(
        said.code,
        Some(if passed { 0 } else { 2 }),
        "{}",
        said.all()
    );
    all
}

#[tokio::test]
async fn who_listens_and_what_records_nothing_is_found() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let said = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    let usual = findings(&place);
    let change = |how| drop(emulator.python(WORLD, &["audit", how]));
    for (how, found) in [
        ("listen", "subscription-unknown"),
        ("stop", "trail-logging"),
        ("blind", "trail-selectors"),
    ] {
        assert!(!usual.iter().any(|id| id == found), "{usual:?}");
        change(how);
        let all = findings(&place);
        let new: Vec<&str> = all
            .iter()
            .filter(|id| !usual.contains(id))
            .map(String::as_str)
            .collect();
        assert_eq!(new, [found], "{how}");
        // Whom others told is left to a person.
        match how {
            "listen" => change("leave"),
            _ => drop(place.bootstrap(&format!("{LINE} -y"))),
        }
        if how == "listen" {
            let said = place.bootstrap(&format!("{LINE} -y"));
            assert_eq!(said.code, Some(0), "{}", said.all());
        }
        assert_eq!(findings(&place), usual, "{how}");
    }
}
