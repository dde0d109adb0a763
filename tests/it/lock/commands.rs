//! `list`, `show` and `release`, with Terraform as the judge of what came of it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tfbackend::{state::lock::LockInfo, text::invisible::is_invisible};

use super::{ENV, TABLE, id_of, json, lock, lock_ok, locks};
use crate::{
    support::{
        backend::{Backend, said},
        program::Place,
        terminal::Terminal,
    },
    terraform::running::{Holder, apply, initialized, nothing_to_change},
};

const HOSTILE: &str = "\u{1b}]52;c;aGk=\u{7}<ops>\n\u{202e}root@home";
const OLD: &str = "5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10";

fn info(id: &str, age: SignedDuration) -> String {
    let created = Timestamp::now().checked_sub(age).ok();
    let info = LockInfo {
        id: id.to_owned(),
        operation: "OperationTypeApply".to_owned(),
        who: HOSTILE.to_owned(),
        version: "1.9.8".to_owned(),
        created,
        ..LockInfo::default()
    };
    info.to_go_json()
}

pub(super) fn put(backend: &Backend, locks: &[[&str; 3]]) {
    let bucket = backend.conf("bucket");
    backend.emulator.python(
        "tests/it/lock/locks.py",
        &[&[&*bucket, TABLE][..], &locks.concat()].concat(),
    );
}

fn no_control(text: &str) {
    assert!(
        !text.contains(|c: char| c != '\n' && is_invisible(c)),
        "{text:?}"
    );
}

#[tokio::test]
async fn terraforms_lock_is_seen_and_released() {
    let backend = initialized(&["--lock", "both"]).await;
    apply(&backend, &[]);
    backend.terraform_ok(&["workspace", "new", "blue"]);
    assert_eq!(
        lock_ok(&backend, &format!("list {ENV} --exit-code")),
        "No lock is held in s3://acme-tfstate-prod-000000000000-eu-west-1 and table \
         acme-tfstate-prod-locks.\n"
    );
    let free = json(&lock(&backend, "show --output json"));
    assert_eq!(
        (&free["locked"], &free["workspace"], &free["locks"]),
        (&json!(false), &json!("blue"), &json!([]))
    );

    let mut holder = Holder::start(&backend);
    let refused = backend.terraform(&["plan"]);
    let id = id_of(&refused);
    // The same, however the backend is named.
    let bucket = backend.conf("bucket");
    let by_name = format!("--bucket {bucket} --table {TABLE} --region eu-west-1");
    let all = locks(&backend, ENV);
    let [row] = &all[..] else { panic!("{all:?}") };
    for way in ["", "--backend-config backend.conf", &by_name] {
        let mut again = locks(&backend, way);
        again[0]["age_seconds"] = row["age_seconds"].clone();
        assert_eq!(again, all, "{way}");
    }
    let text = |name: &str| row[name].as_str().unwrap_or_default();
    assert_eq!(
        [
            text("id"),
            text("operation"),
            text("version"),
            text("workspace"),
            text("key")
        ],
        [
            &id,
            "OperationTypeApply",
            "1.11.4",
            "blue",
            "terraform.tfstate"
        ]
    );
    assert_eq!(
        (text("path"), &row["held_in"], &row["missing"]),
        (
            "env:/blue/terraform.tfstate",
            &json!(["file", "table"]),
            &Value::Null
        )
    );
    assert!(
        said(&refused).contains(&format!("Who:       {}", text("who"))),
        "{row}"
    );
    assert_eq!(
        lock(&backend, &format!("list {ENV} --exit-code"))
            .status
            .code(),
        Some(2)
    );
    let shown = lock_ok(&backend, "show");
    assert!(
        shown.contains(&id)
            && shown.contains("Held in:    file and table")
            && shown.contains("Since:      20"),
        "{shown}"
    );
    let shown = json(&lock(
        &backend,
        "show env:/blue/terraform.tfstate --output json",
    ));
    assert_eq!(
        (
            &shown["locked"],
            &shown["file"]["state"],
            &shown["table"]["state"]
        ),
        (&json!(true), &json!("held"), &json!("held"))
    );
    assert!(
        shown["table"]["raw"]
            .as_str()
            .is_some_and(|raw| raw.contains(&id)),
        "everything in it: {shown}"
    );

    // A wrong ID, the name of the item, and no terminal: refused, and the right one named.
    for wrong in [
        "00000000-7d3f-0b0c-9a51-3c1a6a2c5f10",
        &format!("{bucket}/env:/blue/terraform.tfstate"),
    ] {
        let output = lock(&backend, &format!("release --id {wrong} --auto-approve"));
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        let flat = said(&output).replace("\n    ", " ");
        assert!(
            flat.contains(&format!("no lock has the ID {wrong}; no lock was released"))
                && flat.contains(&id),
            "{flat}"
        );
    }
    let output = lock(&backend, &format!("release --id {id}"));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(
        said(&output).contains("--auto-approve") && said(&output).contains("held for only"),
        "{}",
        said(&output)
    );
    assert_eq!(locks(&backend, "").len(), 1, "nothing was released");

    let output = lock(&backend, &format!("force-unlock {id} --auto-approve"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("warning: ")
            && said(&output).contains("the run is probably still in progress"),
        "it is young: {}",
        said(&output)
    );
    assert!(
        said(&output).contains("lock file deleted and item of the table deleted"),
        "{}",
        said(&output)
    );
    backend.terraform_ok(&["plan"]);
    let again = lock_ok(&backend, &format!("release --id {id} --auto-approve"));
    assert!(
        again.starts_with("already released: no such lock"),
        "{again}"
    );
    assert!(!holder.finish().status.success(), "it misses its lock");
    apply(&backend, &[]);
    nothing_to_change(&backend, &[]);
}

/// What Terraform's own force-unlock ends with an error on, and what others left.
#[tokio::test]
async fn half_locks_old_ones_and_those_without_a_holder() {
    let backend = initialized(&["--lock", "both"]).await;
    let (old, young) = (
        info(OLD, SignedDuration::from_hours(30)),
        info(
            "11111111-7d3f-0b0c-9a51-3c1a6a2c5f10",
            SignedDuration::from_mins(3),
        ),
    );
    put(
        &backend,
        &[
            ["item", "terraform.tfstate", &old],
            ["file", "env:/blue/terraform.tfstate", &young],
        ],
    );
    put(
        &backend,
        &[
            ["file", "broken.tfstate", "{"],
            [
                "foreign",
                "their.tfstate",
                &info("their", SignedDuration::ZERO),
            ],
        ],
    );
    let text = lock_ok(&backend, &format!("list {ENV}"));
    no_control(&text);
    assert!(
        text.contains("1.9.8") && text.contains(r"\u{1b}]52;c;aGk=\u{7}<ops>\n\u{202e}root@home"),
        "{text}"
    );
    let all = locks(&backend, ENV);
    let rows: Vec<String> = all
        .iter()
        .map(|lock| {
            format!(
                "{} {} {} {} {}",
                lock["bucket"].as_str().is_some_and(|b| b == "other-bucket"),
                lock["path"],
                lock["held_in"],
                lock["missing"],
                lock["error"]
            )
        })
        .collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    false "broken.tfstate" ["file"] "table" "it is not JSON (line 1, column 1)"
    false "env:/blue/terraform.tfstate" ["file"] "table" null
    false "terraform.tfstate" ["table"] "file" null
    true "their.tfstate" ["table"] null null
    "#);
    assert_eq!(all[2]["who"], HOSTILE, "the same in JSON");
    let shown = lock_ok(&backend, &format!("show {ENV} --workspace default"));
    no_control(&shown);
    assert!(
        shown.contains("Missing:    the other half: not held in the file"),
        "{shown}"
    );

    // A half is released with success, and Terraform goes on.
    let refused = backend.terraform(&["plan"]);
    assert_eq!(id_of(&refused), OLD);
    let output = lock(
        &backend,
        &format!("release {ENV} --older-than 2h --auto-approve"),
    );
    assert_eq!(
        output.status.code(),
        Some(3),
        "a yes to all is none: {}",
        said(&output)
    );
    assert!(
        said(&output).replace("\n    ", " ").contains(&format!(
            "tfbackend lock release --id {OLD} --auto-approve --env prod"
        )),
        "{}",
        said(&output)
    );
    let released = lock(
        &backend,
        &format!("release {ENV} --id {OLD} --auto-approve --output json"),
    );
    assert_eq!(released.status.code(), Some(0), "{}", said(&released));
    assert_eq!(json(&released)["released"][0]["table"], "released");
    assert_eq!(json(&released)["released"][0]["file"], "not-held");
    backend.terraform_ok(&["plan"]);

    // What has no ID has a name, and what is another's is theirs to release.
    let broken = all[0]["id"].as_str().expect("a name");
    assert!(broken.starts_with("unnamed-"), "{broken}");
    lock_ok(
        &backend,
        &format!("release {ENV} --id {broken} --auto-approve"),
    );
    let output = lock(
        &backend,
        &format!("release {ENV} --id their --auto-approve"),
    );
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(
        said(&output)
            .replace("\n    ", " ")
            .contains("--bucket other-bucket"),
        "{}",
        said(&output)
    );

    // A person says yes to what is shown; the young one is not touched.
    put(&backend, &[["item", "terraform.tfstate", &old]]);
    let place = Place::with(&backend.emulator);
    let by_name = format!(
        "--bucket {} --table {TABLE} --region eu-west-1",
        backend.conf("bucket")
    );
    let line = format!("lock release --older-than 2h {by_name}");
    let args: Vec<&str> = line.split_whitespace().collect();
    let mut terminal = Terminal::start(&place, &args);
    terminal.answer("(--auto-approve)", "n\r");
    assert_eq!(terminal.end(), 3, "{}", terminal.screen());
    assert!(
        terminal.screen().contains("1 d 6 h")
            && terminal
                .screen()
                .ends_with("Cancelled. Nothing was changed."),
        "{}",
        terminal.screen()
    );
    assert_eq!(locks(&backend, ENV).len(), 3);
    let mut terminal = Terminal::start(&place, &args);
    terminal.answer("(--auto-approve)", "y\r");
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    let left: Vec<Value> = locks(&backend, ENV)
        .iter()
        .map(|lock| lock["path"].clone())
        .collect();
    assert_eq!(
        left,
        [json!("env:/blue/terraform.tfstate"), json!("their.tfstate")]
    );
    apply(&backend, &[]);
}

/// The item alone keeps Terraform out, whatever it says.
#[tokio::test]
async fn lock_whose_info_is_no_text_is_seen_and_released() {
    let backend = initialized(&[]).await;
    apply(&backend, &[]);
    put(
        &backend,
        &[
            ["bare", "terraform.tfstate", ""],
            ["bare", "other.tfstate", r#"{"N": "1"}"#],
        ],
    );
    let refused = backend.terraform(&["plan"]);
    assert!(
        !refused.status.success() && said(&refused).contains("Error acquiring the state lock"),
        "{}",
        said(&refused)
    );

    let all = locks(&backend, ENV);
    let ids: Vec<&str> = all
        .iter()
        .map(|lock| lock["id"].as_str().expect("an ID"))
        .collect();
    assert!(
        ids.len() == 2 && ids.iter().all(|id| id.starts_with("unnamed-")) && ids[0] != ids[1],
        "{all:?}"
    );
    let shown = json(&lock(&backend, &format!("show {ENV} --output json")));
    assert_eq!(
        (&shown["locked"], &shown["locks"][0]["id"]),
        (&json!(true), &all[1]["id"]),
        "{shown}"
    );

    // Neither is old, and neither is forgotten.
    let old = said(&lock(&backend, &format!("release {ENV} --older-than 1h")))
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        old.contains("note: the age of 2 locks is unknown: ")
            && ids.iter().all(|id| old.contains(id)),
        "{old}"
    );

    let released = lock(
        &backend,
        &format!("release {ENV} --id {} --auto-approve", ids[1]),
    );
    assert_eq!(released.status.code(), Some(0), "{}", said(&released));
    backend.terraform_ok(&["plan"]);
    assert_eq!(locks(&backend, ENV).len(), 1, "the other one stays");
    let released = lock(
        &backend,
        &format!("release {ENV} --id {} --auto-approve", ids[0]),
    );
    assert_eq!(released.status.code(), Some(0), "{}", said(&released));
    assert_eq!(locks(&backend, ENV), [] as [Value; 0]);
}
