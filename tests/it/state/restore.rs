//! A state put back: Terraform goes on from it, and nothing else is changed by whatever goes wrong.

use std::{fs, os::unix::fs::PermissionsExt};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::{Value, json};
use tfbackend::store::backup::{
    manifest::{BackupExtent, FORMAT_VERSION, ManifestFacts, ManifestHeader, ManifestState},
    write::ArchiveWriter,
};

use super::world::{KEY, SECRET, TABLE, World};
use crate::support::{
    backend::said,
    program::Place,
    proxy::{Gate, Proxy, Reply},
    recorder::Call,
    terminal::Terminal,
};

#[tokio::test]
async fn an_older_state_is_the_next_one() {
    let world = World::make("both").await;
    world.apply(&[]);
    world.apply(&["more=2"]);
    let versions = world.versions();
    let [(_, newer), (first, older)] = &versions[..] else {
        panic!("{versions:?}")
    };
    let before = world.standing();

    // Without a yes it is shown, and not done.
    let text = world.fails(
        &["restore", KEY, "--serial", older],
        3,
        &[
            "this is not a terminal",
            "--auto-approve",
            "2 addresses would be removed",
        ],
    );
    assert!(
        text.contains("- terraform_data.more[0]\n") && !text.contains("+ terraform_data"),
        "{text}"
    );
    assert_eq!(
        (world.standing(), world.versions().len(), world.kept().len()),
        (before, 2, 0),
        "nothing was changed"
    );

    let output = world.state(&["restore", "--version-id", first, "-y"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let next = newer.parse::<u64>().expect("a serial") + 1;
    assert_eq!(
        world.standing(),
        format!("serial {next} digest right locks none")
    );
    world.nothing_to_change(&[]);
    let pulled: Value =
        serde_json::from_str(&world.backend.terraform_ok(&["state", "pull"])).expect("JSON");
    assert_eq!(
        (
            &pulled["serial"],
            pulled["resources"].as_array().map(Vec::len)
        ),
        (&json!(next), Some(1))
    );
    let kept = world.kept();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(
        fs::metadata(&kept[0]).expect("a file").permissions().mode() & 0o777,
        0o600
    );
    let replaced: Value =
        serde_json::from_slice(&fs::read(&kept[0]).expect("a file")).expect("JSON");
    assert_eq!(replaced["serial"].to_string(), *newer);
    assert!(
        fs::read_to_string(&kept[0])
            .expect("a file")
            .contains(SECRET),
        "it is whole"
    );

    // The next apply goes on from there; so does what was replaced, from its file.
    world.apply(&["more=1"]);
    assert_eq!(
        world.standing(),
        format!("serial {} digest right locks none", next + 1)
    );
    let document = world.json(&[
        "restore",
        "--from-backup",
        kept[0].to_str().expect("text"),
        "-y",
    ]);
    assert_eq!(
        (
            &document["outcome"],
            &document["to"]["serial"],
            &document["added"]
        ),
        (
            &json!("restored"),
            &json!(next + 2),
            &json!(["terraform_data.more[1]"])
        )
    );
    world.nothing_to_change(&["more=2"]);
    let again = world.json(&[
        "restore",
        "--from-backup",
        kept[0].to_str().expect("text"),
        "-y",
    ]);
    assert_eq!(
        (&again["outcome"], &again["to"]["serial"]),
        (&json!("nothing"), &json!(next + 2))
    );

    // More than 5 MB, which Terraform uploads in parts.
    world.apply(&["blocks=320"]);
    let large = world.version_of(&(next + 3).to_string());
    world.apply(&[]);
    let document = world.json(&["restore", KEY, "--version-id", &large, "-y"]);
    assert!(
        document["to"]["bytes"]
            .as_u64()
            .is_some_and(|bytes| bytes > 5_000_000),
        "{document}"
    );
    assert_eq!(
        world.standing(),
        format!("serial {} digest right locks none", next + 5)
    );
    world.nothing_to_change(&["blocks=320"]);
}

#[tokio::test]
async fn a_deleted_state_comes_back() {
    let world = World::with(&["--lock", "both", "--ephemeral"]).await;
    world.apply(&[]);
    world.apply(&["more=1"]);
    for denied in [false, true] {
        let serial = world.versions()[0].1.clone();
        world.tool("delete", &[KEY]);
        world.tool("digest", &[KEY, "none"]);
        let (marker, _) = world.versions()[0].clone();
        world.fails(
            &["restore", KEY, "--version-id", &marker, "-y"],
            1,
            &["is not a state but a delete marker"],
        );
        if denied {
            // As a backend does that is protected.
            world.tool("deny", &["s3:DeleteObjectVersion"]);
        }
        let document = world.json(&["restore", KEY, "--serial", &serial, "-y"]);
        assert_eq!(document["outcome"], "undeleted");
        let serial = if denied {
            serial.parse::<u64>().expect("a number") + 1
        } else {
            serial.parse().expect("a number")
        };
        assert_eq!(
            world.standing(),
            format!("serial {serial} digest right locks none")
        );
        assert_eq!(
            world.versions().iter().any(|(id, _)| *id == marker),
            denied,
            "the marker stays where it has to"
        );
        world.nothing_to_change(&["more=1"]);
    }
    // An older one than was deleted.
    world.tool("delete", &[KEY]);
    let oldest = world.versions().last().expect("a version").clone();
    let document = world.json(&["restore", KEY, "--version-id", &oldest.0, "-y"]);
    assert_eq!(document["outcome"], "restored");
    world.nothing_to_change(&[]);
}

#[tokio::test]
async fn what_is_wrong_is_said_and_nothing_is_changed() {
    let world = World::make("both").await;
    world.apply(&[]);
    world.apply(&["more=1"]);
    let versions = world.versions();
    let put = |name: &str, text: &str| {
        let path = world.dir().join(name);
        fs::write(&path, text).expect("written");
        world.tool(
            "put",
            &[&format!("other/{name}"), path.to_str().expect("text")],
        );
        path.display().to_string()
    };
    let foreign = put(
        "foreign",
        r#"{"version":4,"terraform_version":"1.11.4","serial":9,"lineage":"another","outputs":{},"resources":[]}"#,
    );
    let truncated = put("truncated", r#"{"version":4,"serial":1,"lineage":"#);
    let empty = put("empty", "");
    let other = world.tool("put", &["other/state", &foreign]);
    let before = world.standing();
    let unknown = "versions` lists its";
    for (args, code, says) in [
        (
            &["--version-id", "nonsense"][..],
            1,
            &["this state has no version \"nonsense\"", unknown][..],
        ),
        (
            &["--version-id", &other],
            1,
            &["this state has no version", unknown],
        ),
        (
            &["--serial", "77"],
            1,
            &["none of its 2 versions has serial 77"],
        ),
        (
            &["--before", "2020-01-01"],
            1,
            &["no version of it was written before 2020-01-01T00:00:00Z"],
        ),
        (&["--from-backup", &truncated], 1, &["truncated JSON"]),
        (&["--from-backup", &empty], 1, &["it is empty"]),
        (
            &["--from-backup", "/nowhere"],
            1,
            &["could not read /nowhere"],
        ),
        (
            &["--from-backup", "/dev/zero"],
            1,
            &["neither a file nor a folder"],
        ),
        (
            &["--from-backup", &foreign],
            3,
            &[
                "it has another lineage: another, expected",
                "--allow-lineage",
            ],
        ),
        (&[], 1, &["--version-id"]),
        (
            &["--serial", "1", "--before", "2020-01-01"],
            1,
            &["cannot be used with"],
        ),
    ] {
        world.fails(&[&["restore", KEY, "-y"], args].concat(), code, says);
    }
    assert_eq!(
        (world.standing(), &world.versions(), world.kept().len()),
        (before.clone(), &versions, 0),
        "nothing was changed"
    );

    // The state that is there is damaged: that is when one needs it.
    world.tool("put", &[KEY, &truncated]);
    let serial: u64 = versions[0].1.parse().expect("a number");
    let document = world.json(&["restore", KEY, "--serial", &serial.to_string(), "-y"]);
    assert_eq!(
        (&document["from"], &document["to"]["serial"]),
        (&Value::Null, &json!(serial + 1))
    );
    world.nothing_to_change(&["more=1"]);

    let document = world.json(&[
        "restore",
        KEY,
        "--from-backup",
        &foreign,
        "--allow-lineage",
        "-y",
    ]);
    assert_eq!(
        (&document["to"]["lineage"], &document["to"]["serial"]),
        (&json!("another"), &json!(10))
    );
    assert_eq!(world.standing(), "serial 10 digest right locks none");
}

/// One holds the lock, the other says whose it is; Terraform meets the same lock.
#[tokio::test]
async fn of_two_at_once_one_wins() {
    let world = World::make("both").await;
    world.apply(&[]);
    world.apply(&["more=1"]);
    let (_, older) = world.versions()[1].clone();
    let gate = Gate::default();
    let there = gate.clone();
    let proxy = Proxy::start(Some(&world.backend.emulator), move |call, request| {
        // The state itself, and no lock file.
        let state = call.operation == "PutObject" && !request.uri().contains(".tflock");
        if state {
            Reply::Wait(there.clone())
        } else {
            Reply::Forward
        }
    });
    let args = ["restore", KEY, "--serial", &older, "-y"];
    let first = world
        .command_at(proxy.endpoint(), &args)
        .spawn()
        .expect("the program");
    gate.wait_for_a_caller();
    assert!(
        world.standing().ends_with("digest right locks file,item"),
        "{}",
        world.standing()
    );
    let text = world.fails(
        &args,
        3,
        &[
            "terraform.tfstate is locked by",
            "(OperationTypeRestore)",
            "nothing was changed",
            "tfbackend lock release --id",
        ],
    );
    let refused = world.backend.terraform(&["apply", "-auto-approve"]);
    assert!(
        said(&refused).contains("OperationTypeRestore"),
        "{}",
        said(&refused)
    );
    assert!(text.contains("1 address would be removed"), "{text}");
    gate.open();
    let first = first.wait_with_output().expect("it ends");
    assert!(first.status.success(), "{}", said(&first));
    assert_eq!(
        (world.versions().len(), world.kept().len()),
        (3, 1),
        "nothing is lost, and nothing was done twice"
    );
    world.nothing_to_change(&[]);
}

/// A key that may not be used, and a table that may not be written: said, and nothing is half done
/// that is not said.
#[tokio::test]
async fn what_is_denied_is_said() {
    let world = World::make("both").await;
    world.apply(&[]);
    world.apply(&["more=1"]);
    let before = world.standing();
    let (_, older) = world.versions()[1].clone();
    let args = ["restore", KEY, "--serial", &older, "-y"];
    let with = |rule: fn(&Call, &HttpRequest) -> bool, reply: fn() -> Reply| {
        let proxy = Proxy::start(Some(&world.backend.emulator), move |call, request| {
            if rule(call, request) {
                reply()
            } else {
                Reply::Forward
            }
        });
        let output = world
            .command_at(proxy.endpoint(), &args)
            .output()
            .expect("the program");
        (
            output.status.code(),
            said(&output)
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    let of_state = |call: &Call, request: &HttpRequest| {
        call.operation == "PutObject" && !request.uri().contains(".tflock")
    };
    let no_key = || {
        Reply::s3(
            403,
            "AccessDenied",
            "not authorized to perform: kms:GenerateDataKey",
        )
    };
    let (code, text) = with(of_state, no_key);
    assert!(
        code == Some(1)
            && text.contains("kms:GenerateDataKey")
            && text.contains("it was not changed"),
        "{text}"
    );
    let (code, text) = with(
        |call, request| call.operation == "GetObject" && request.uri().contains("versionId"),
        || {
            Reply::s3(
                403,
                "AccessDenied",
                "not authorized to perform: kms:Decrypt",
            )
        },
    );
    assert!(
        code == Some(1) && text.contains("kms:Decrypt") && text.contains("cannot restore"),
        "{text}"
    );
    let no_table = || Reply::Answer {
        status: 400,
        headers: &[("content-type", "application/x-amz-json-1.0")],
        body:
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException","message":"no"}"#
                .to_owned(),
    };
    let of_lock = |call: &Call, request: &HttpRequest| {
        call.operation == "PutItem"
            && String::from_utf8_lossy(request.body().bytes().unwrap_or_default())
                .contains("\"Info\"")
    };
    let (code, text) = with(of_lock, no_table);
    assert!(
        code == Some(3)
            && text.contains("could not be locked; nothing was changed")
            && text.contains("dynamodb:PutItem"),
        "{text}"
    );
    assert_eq!(
        (world.standing(), world.versions().len()),
        (before, 2),
        "nothing was changed, and no lock is left"
    );

    let of_digest = |call: &Call, request: &HttpRequest| {
        call.operation == "PutItem"
            && String::from_utf8_lossy(request.body().bytes().unwrap_or_default())
                .contains("\"Digest\"")
    };
    let (code, text) = with(of_digest, no_table);
    assert!(
        code == Some(4)
            && text.contains("was written, but its digest or lock was not updated")
            && text.contains("hint: run the same command again to continue"),
        "{text}"
    );
    assert!(
        world.standing().ends_with("digest wrong locks none"),
        "{}",
        world.standing()
    );
    assert_eq!(world.json(&args)["outcome"], "digest");
    world.nothing_to_change(&[]);
}

#[tokio::test]
async fn a_backup_gives_one_back() {
    let world = World::make("both").await;
    world.apply(&[]);
    let first = world.backend.terraform_ok(&["state", "pull"]);
    world.apply(&["more=1"]);
    let state = |current: bool, serial: u64| ManifestState {
        path: KEY.to_owned(),
        workspace: "default".to_owned(),
        version: None,
        current,
        modified: None,
        facts: ManifestFacts {
            serial: Some(serial),
            lineage: None,
            terraform_version: None,
        },
        digest: None,
    };
    let header = ManifestHeader {
        format_version: FORMAT_VERSION,
        made: "2026-11-21T15:45:00Z".parse().expect("a time"),
        env: "prod".to_owned(),
        backend: None,
        account: world.backend.emulator.account().to_owned(),
        region: "eu-west-1".to_owned(),
        bucket: "another".to_owned(),
        table: None,
        extent: BackupExtent::AllVersions,
    };
    let mut archive = ArchiveWriter::begin(&world.dir(), header).expect("an archive");
    archive.add(state(false, 1), 2, &b"{}"[..]).expect("added");
    archive
        .add(state(true, 2), first.len() as u64, first.as_bytes())
        .expect("added");
    let kept = archive
        .seal()
        .and_then(tfbackend::store::backup::write::SealedArchive::keep)
        .expect("a backup")
        .path;
    let path = kept.to_str().expect("text");
    world.fails(
        &["restore", "other/state", "--from-backup", path, "-y"],
        1,
        &["has no version of other/state"],
    );
    world.fails(
        &["restore", KEY, "--from-backup", path, "--serial", "7", "-y"],
        1,
        &["has no such version of"],
    );
    world.fails(
        &["restore", KEY, "--from-backup", path, "--serial", "1", "-y"],
        1,
        &["it is JSON, but not a state file"],
    );
    let output = world.state(&["restore", KEY, "--from-backup", path, "-y"]);
    assert!(
        output.status.success() && said(&output).contains("the backup is of the bucket another"),
        "{}",
        said(&output)
    );
    world.nothing_to_change(&[]);
    let mut bytes = fs::read(&kept).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&kept, bytes).expect("written");
    world.fails(
        &["restore", KEY, "--from-backup", path, "-y"],
        1,
        &["cannot take a state from"],
    );
}

#[tokio::test]
async fn restore_in_a_terminal_shows_what_changes_and_asks() {
    let world = World::make("both").await;
    world.apply(&[]);
    world.apply(&["more=1"]);
    let place = Place::with(&world.backend.emulator);
    let before = world.versions().len();
    let region = world.backend.emulator.region();
    let args = [
        "state",
        "restore",
        KEY,
        "--serial",
        "1",
        "--bucket",
        &world.bucket,
        "--table",
        TABLE,
        "--region",
        region,
    ];
    for (key, code, versions) in [("n\r", 3, before), ("y\r", 0, before + 1)] {
        let mut terminal = Terminal::start(&place, &args);
        terminal.wait_for("- terraform_data.more[0]");
        terminal.answer("Restore terraform.tfstate in", key);
        assert_eq!(terminal.end(), code, "{}", terminal.screen());
        assert_eq!(world.versions().len(), versions, "{}", terminal.screen());
    }
    world.nothing_to_change(&[]);
}
