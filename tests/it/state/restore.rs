//! A state put back: Terraform goes on from it, and nothing else is changed by whatever goes wrong.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use super::world::{KEY, SECRET, World};
use crate::support::{
    backend::said,
    proxy::{Gate, Proxy, Reply},
};

#[tokio::test]
async fn an_older_state_is_the_next_one() {
    let world = World::make("both").await;
    world.apply(&[]);
    world.apply(&["more=2"]);
    let versions = world.versions();
    let [(_, newer), (first, older)] = &versions[..] else { panic!("{versions:?}") };
    let before = world.standing();

    // Without a yes it is shown, and not done.
    let text = world.fails(&["restore", KEY, "--serial", older], 3, &["nobody to ask", "--auto-approve", "2 addresses would be forgotten"]);
    assert!(text.contains("- terraform_data.more[0]\n") && !text.contains("+ terraform_data"), "{text}");
    assert_eq!((world.standing(), world.versions().len(), world.kept().len()), (before, 2, 0), "nothing was changed");

    let output = world.state(&["restore", "--version-id", first, "-y"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let next = newer.parse::<u64>().expect("a serial") + 1;
    assert_eq!(world.standing(), format!("serial {next} digest right locks none"));
    world.nothing_to_change(&[]);
    let pulled: Value = serde_json::from_str(&world.backend.terraform_ok(&["state", "pull"])).expect("JSON");
    assert_eq!((&pulled["serial"], pulled["resources"].as_array().map(Vec::len)), (&json!(next), Some(1)));
    let kept = world.kept();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(fs::metadata(&kept[0]).expect("a file").permissions().mode() & 0o777, 0o600);
    let replaced: Value = serde_json::from_slice(&fs::read(&kept[0]).expect("a file")).expect("JSON");
    assert_eq!(replaced["serial"].to_string(), *newer);
    assert!(fs::read_to_string(&kept[0]).expect("a file").contains(SECRET), "it is whole");

    // The next apply goes on from there; so does what was replaced, from its file.
    world.apply(&["more=1"]);
    assert_eq!(world.standing(), format!("serial {} digest right locks none", next + 1));
    let document = world.json(&["restore", "--from-backup", kept[0].to_str().expect("text"), "-y"]);
    assert_eq!(
        (&document["outcome"], &document["to"]["serial"], &document["added"]),
        (&json!("restored"), &json!(next + 2), &json!(["terraform_data.more[1]"]))
    );
    world.nothing_to_change(&["more=2"]);
    let again = world.json(&["restore", "--from-backup", kept[0].to_str().expect("text"), "-y"]);
    assert_eq!((&again["outcome"], &again["to"]["serial"]), (&json!("nothing"), &json!(next + 2)));

    // More than 5 MB, which Terraform uploads in parts.
    world.apply(&["blocks=700"]);
    let large = world.version_of(&(next + 3).to_string());
    world.apply(&[]);
    let document = world.json(&["restore", KEY, "--version-id", &large, "-y"]);
    assert!(document["to"]["bytes"].as_u64().is_some_and(|bytes| bytes > 5_000_000), "{document}");
    assert_eq!(world.standing(), format!("serial {} digest right locks none", next + 5));
    world.nothing_to_change(&["blocks=700"]);
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
        world.fails(&["restore", KEY, "--version-id", &marker, "-y"], 1, &["it says that the state was deleted"]);
        if denied {
            // As a backend does that is protected.
            world.tool("deny", &["s3:DeleteObjectVersion"]);
        }
        let document = world.json(&["restore", KEY, "--serial", &serial, "-y"]);
        assert_eq!(document["outcome"], "undeleted");
        let serial = if denied { serial.parse::<u64>().expect("a number") + 1 } else { serial.parse().expect("a number") };
        assert_eq!(world.standing(), format!("serial {serial} digest right locks none"));
        assert_eq!(world.versions().iter().any(|(id, _)| *id == marker), denied, "the marker stays where it has to");
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
        world.tool("put", &[&format!("other/{name}"), path.to_str().expect("text")]);
        path.display().to_string()
    };
    let foreign =
        put("foreign", r#"{"version":4,"terraform_version":"1.11.4","serial":9,"lineage":"another","outputs":{},"resources":[]}"#);
    let truncated = put("truncated", r#"{"version":4,"serial":1,"lineage":"#);
    let empty = put("empty", "");
    let other = world.tool("put", &["other/state", &foreign]);
    let before = world.standing();
    let unknown = "versions` lists its";
    for (args, code, says) in [
        (&["--version-id", "nonsense"][..], 1, &["there is no version \"nonsense\"", unknown][..]),
        (&["--version-id", &other], 1, &["there is no version", unknown]),
        (&["--serial", "77"], 1, &["none of its 2 versions has serial 77"]),
        (&["--before", "2020-01-01"], 1, &["no version of it was written before 2020-01-01T00:00:00Z"]),
        (&["--from-backup", &truncated], 1, &["it ends too early"]),
        (&["--from-backup", &empty], 1, &["it is empty"]),
        (&["--from-backup", "/nowhere"], 1, &["could not read /nowhere"]),
        (&["--from-backup", "/dev/zero"], 1, &["neither a file nor a folder"]),
        (&["--from-backup", &foreign], 3, &["another lineage: another and not", "--allow-lineage"]),
        (&[], 1, &["--version-id"]),
        (&["--serial", "1", "--before", "2020-01-01"], 1, &["cannot be used with"]),
    ] {
        world.fails(&[&["restore", KEY, "-y"], args].concat(), code, says);
    }
    assert_eq!((world.standing(), &world.versions(), world.kept().len()), (before.clone(), &versions, 0), "nothing was changed");

    // The state that is there is damaged: that is when one needs it.
    world.tool("put", &[KEY, &truncated]);
    let serial: u64 = versions[0].1.parse().expect("a number");
    let document = world.json(&["restore", KEY, "--serial", &serial.to_string(), "-y"]);
    assert_eq!((&document["from"], &document["to"]["serial"]), (&Value::Null, &json!(serial + 1)));
    world.nothing_to_change(&["more=1"]);

    let document = world.json(&["restore", KEY, "--from-backup", &foreign, "--allow-lineage", "-y"]);
    assert_eq!((&document["to"]["lineage"], &document["to"]["serial"]), (&json!("another"), &json!(10)));
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
        if state { Reply::Wait(there.clone()) } else { Reply::Forward }
    });
    let args = ["restore", KEY, "--serial", &older, "-y"];
    let first = world.command_at(proxy.endpoint(), &args).spawn().expect("the program");
    gate.wait_for_somebody();
    assert!(world.standing().ends_with("digest right locks file,item"), "{}", world.standing());
    let text = world.fails(
        &args,
        3,
        &["terraform.tfstate is locked by", "(OperationTypeRestore)", "nothing was changed", "tfbackend lock release --id"],
    );
    let refused = world.backend.terraform(&["apply", "-auto-approve"]);
    assert!(said(&refused).contains("OperationTypeRestore"), "{}", said(&refused));
    assert!(text.contains("1 address would be forgotten"), "{text}");
    gate.open();
    let first = first.wait_with_output().expect("it ends");
    assert!(first.status.success(), "{}", said(&first));
    assert_eq!((world.versions().len(), world.kept().len()), (3, 1), "nothing is lost, and nothing was done twice");
    world.nothing_to_change(&[]);
}
