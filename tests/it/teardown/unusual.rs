//! What is no state and no lock though it stands where they do: it is counted, named, and never
//! taken for nothing.

use serde_json::{Value, json};

use super::{LINE, teardown};
use crate::support::{emulator::Emulator, program::Place};

const BUCKET: &str = "acme-tfstate-prod-000000000000-eu-west-1";
const TABLE: &str = "acme-tfstate-prod-locks";

fn rows<'a>(document: &'a Value, of: &str) -> &'a [Value] {
    document["census"][of]["first"].as_array().expect("rows")
}

#[tokio::test]
async fn states_and_locks_that_cannot_be_read_count_as_used() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let line = format!("{LINE} --lock both --trail off --alarms=false --access-logs=false");
    assert_eq!(place.bootstrap(&format!("{line} -y")).code, Some(0));

    emulator.python("tests/it/teardown/unusual.py", &[BUCKET, TABLE, "states"]);
    let (document, all) = teardown(&place, &line);
    let states: Vec<String> = rows(&document, "states")
        .iter()
        .map(|row| format!("{} {} {}", row["path"], row["contents"], row["error"]))
        .collect();
    insta::assert_snapshot!(states.join("\n"), @r#"
    "big.tfstate" "known" null
    "cut.tfstate" "unreadable" "truncated JSON"
    "empty.tfstate" "unreadable" "it is empty"
    "list.tfstate" "unreadable" "it is JSON, but not a state file: it is not an object"
    "no-json.tfstate" "unreadable" "it is not JSON (line 1, column 1)"
    "zeros.tfstate" "unreadable" "it is not JSON (line 1, column 1)"
    "#);
    let census = &document["census"];
    assert_eq!(
        (&census["in_use"], &census["unreadable"], &census["empty"]),
        (&json!(1), &json!(5), &json!(0)),
        "{all}"
    );
    assert_eq!(
        (
            &rows(&document, "states")[0]["managed"],
            &rows(&document, "states")[0]["serial"]
        ),
        (&json!(1), &json!(7))
    );
    assert!(
        census["bytes"]
            .as_u64()
            .is_some_and(|bytes| bytes > 50_000_000),
        "{census}"
    );
    assert!(
        !all.contains("hunter2") && !all.contains('\x1b'),
        "nothing of what is in it is shown"
    );

    emulator.python("tests/it/teardown/unusual.py", &[BUCKET, TABLE, "locks"]);
    let (document, all) = teardown(&place, &line);
    let lock = |row: &Value| {
        format!(
            "{} {} {} {}",
            row["path"], row["in_table"], row["as_file"], row["who"]
        )
    };
    let locks: Vec<String> = rows(&document, "locks").iter().map(lock).collect();
    insta::assert_snapshot!(locks.join("\n"), @r#"
    "a.tfstate" false true null
    "b.tfstate" false true null
    "c.tfstate" true false null
    "d.tfstate" true false ""
    "#);
    assert!(!all.contains("hunter2") && !all.contains('\x1b'), "{all}");

    // Somebody's table of the same name: nothing of it is taken for a lock.
    emulator.python("tests/it/teardown/unusual.py", &[BUCKET, TABLE, "table"]);
    let (document, all) = teardown(&place, &line);
    let census = &document["census"];
    assert_eq!(
        (&census["locks"]["count"], &census["unseen"]["count"]),
        (&json!(2), &json!(0)),
        "{all}"
    );
    assert!(
        super::steps(&document).contains(&"delete lock_table".to_owned()),
        "{all}"
    );
}
