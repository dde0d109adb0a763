//! Objects that are no states: found whatever their digest says, never made to look right, and
//! replaced by the right version.

use std::fs;

use serde_json::Value;

use super::world::{KEY, TABLE, World};
use crate::support::backend::said;

const BLUE: &str = "env:/blue/terraform.tfstate";
/// MD5 of nothing.
const NOTHING: &str = "d41d8cd98f00b204e9800998ecf8427e";

struct Broken {
    world: World,
}

impl Broken {
    async fn make() -> Self {
        let world = World::make("both").await;
        world.apply(&[]);
        world.apply(&["more=1"]);
        Self { world }
    }

    /// `path fault repaired` of each.
    #[track_caller]
    fn check(&self, args: &[&str], code: i32) -> (Vec<String>, Value) {
        let output = self
            .world
            .state(&[&["check", "--output", "json"], args].concat());
        assert_eq!(
            output.status.code(),
            Some(code),
            "{args:?}: {}",
            said(&output)
        );
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let one = |fault: &Value| {
            format!(
                "{} {} {}",
                text(&fault["path"]),
                text(&fault["fault"]),
                fault["repaired"]
            )
        };
        let faults = document["faults"]
            .as_array()
            .expect("a list")
            .iter()
            .map(one)
            .collect();
        (faults, document)
    }

    /// Replaces the object, as a failed copy or another tool does; the digest stays.
    fn put(&self, path: &str, bytes: &[u8]) {
        let file = self.world.dir().join("broken");
        fs::write(&file, bytes).expect("written");
        self.world
            .tool("put", &[path, file.to_str().expect("text")]);
    }

    fn digest(&self, path: &str) -> String {
        self.world.tool("stored", &[path])
    }

    /// Runs the command that a fault names.
    #[track_caller]
    fn remedy(&self, fault: &Value) {
        let command = fault["remediation"].as_str().expect("a command");
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(words[..3], ["tfbackend", "state", "restore"], "{command}");
        let output = self.world.state(&[&words[2..], &["-y"]].concat());
        assert!(output.status.success(), "{command}: {}", said(&output));
        if let Some(error) = fault["error"].as_str() {
            let all = said(&output)
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            let why = format!("The current state cannot be read: {error}");
            assert!(
                all.contains(&why) && !all.contains("encrypted"),
                "{command}: {all}"
            );
        }
    }

    fn newest(&self) -> String {
        self.world.versions().remove(0).0
    }
}

#[tokio::test]
async fn threat_15_state_unreadable_is_never_repaired_but_restored() {
    let broken = Broken::make().await;
    let state = broken.world.backend.terraform_ok(&["state", "pull"]);
    let gzipped = [&[0x1f, 0x8b, 0x08, 0x00], &[0_u8; 40][..]].concat();
    let bodies: [(&str, &[u8]); 5] = [
        ("truncated JSON", &state.as_bytes()[..600]),
        (
            "it is not JSON (line 1, column 1)",
            b"<html><body>503 Service Unavailable</body></html>",
        ),
        ("it is not JSON (line 1, column 1)", &gzipped),
        (
            "it is JSON, but not a state file: it has no `version`",
            b"{\"Message\": \"Forbidden\"}",
        ),
        ("truncated JSON", b"\n"),
    ];
    for (at, (error, bytes)) in bodies.into_iter().enumerate() {
        let (version, digest) = (broken.newest(), broken.digest(KEY));
        broken.put(KEY, bytes);
        for args in [&[][..], &["--repair", "-y"]] {
            let (faults, document) = broken.check(args, 2);
            assert_eq!(
                faults,
                ["terraform.tfstate state-unreadable false"],
                "{error}"
            );
            let fault = &document["faults"][0];
            assert_eq!(
                (&fault["error"], &fault["restorable_version"]),
                (&error.into(), &version.as_str().into()),
                "{fault}"
            );
            assert_eq!(
                (&fault["restorable_has_digest"], &fault["stored"]),
                (&true.into(), &digest.as_str().into()),
                "{fault}"
            );
        }
        assert_eq!(broken.digest(KEY), digest, "{error}: nothing was written");
        if at == 0 {
            let refused = broken.world.backend.terraform(&["plan", "-var", "more=1"]);
            assert!(
                said(&refused).contains("does not have the expected content"),
                "{}",
                said(&refused)
            );
            let hint = format!("state restore {KEY} --version-id {version}");
            broken.world.fails(
                &["check"],
                2,
                &[
                    "state-unreadable",
                    &hint,
                    "the version that its digest belongs to, serial 2",
                    "1 state: 1 fault",
                ],
            );
            let verified = broken.world.verify(&["--read-states"]);
            assert!(
                said(&verified).contains("state-unreadable") && !verified.status.success(),
                "{}",
                said(&verified)
            );
        }
        let (_, document) = broken.check(&[], 2);
        broken.remedy(&document["faults"][0]);
        assert_eq!(broken.check(&[], 0).0, Vec::<String>::new());
    }
    broken.world.nothing_to_change(&["more=1"]);

    // A digest that was made to fit the broken bytes: the newest version that can be read is named.
    let version = broken.newest();
    let cut = &state.as_bytes()[..600];
    broken.put(KEY, cut);
    broken.world.tool("fit", &[KEY]);
    let refused = broken.world.backend.terraform(&["plan", "-var", "more=1"]);
    assert!(
        said(&refused).contains("Unsupported state file format"),
        "{}",
        said(&refused)
    );
    let (faults, document) = broken.check(&["--repair", "-y"], 2);
    assert_eq!(faults, ["terraform.tfstate state-unreadable false"]);
    let fault = &document["faults"][0];
    assert_eq!(
        (
            &fault["restorable_version"],
            &fault["restorable_has_digest"]
        ),
        (&version.as_str().into(), &false.into()),
        "{fault}"
    );
    broken.remedy(fault);
    broken.world.nothing_to_change(&["more=1"]);

    // Under another key, it is not written again either.
    let file = broken.world.dir().join("broken");
    fs::write(&file, cut).expect("written");
    broken.world.tool(
        "as-root-put",
        &[KEY, file.to_str().expect("text"), "AES256"],
    );
    let cut_off = broken.newest();
    assert_eq!(
        broken.check(&["--repair", "-y"], 2).0,
        ["terraform.tfstate state-unreadable false"]
    );
    assert_eq!(broken.newest(), cut_off, "no new version of broken bytes");
}

#[tokio::test]
async fn state_of_zero_bytes_gets_no_digest_and_terraform_goes_on() {
    let broken = Broken::make().await;
    broken
        .world
        .backend
        .terraform_ok(&["workspace", "new", "blue"]);
    broken.world.apply(&[]);
    let (version, digest) = (broken.newest(), broken.digest(KEY));

    // No bytes and no digest: for Terraform there is no state. There was one, which a person may
    // want back; no digest is written.
    broken.put(BLUE, b"");
    broken.world.tool("digest", &[BLUE, "none"]);
    assert_eq!(
        broken.check(&["--repair", "-y"], 2).0,
        [format!("{BLUE} state-unreadable false")]
    );
    assert_eq!(broken.digest(BLUE), "none");
    let planned = broken.world.backend.terraform_ok(&["plan"]);
    assert!(planned.contains("1 to add"), "{planned}");
    // What no digest is, Terraform ignores.
    broken.world.tool("digest", &[BLUE, "\"none\""]);
    assert_eq!(
        broken.check(&[], 2).0,
        [format!("{BLUE} state-unreadable false")]
    );
    broken.world.backend.terraform_ok(&["plan"]);
    // With a digest of nothing, as it was once written by mistake, Terraform stops; without it, it
    // goes on.
    broken.world.tool("digest", &[BLUE, NOTHING]);
    let stopped = broken.world.backend.terraform(&["plan"]);
    assert!(
        said(&stopped).contains("does not have the expected content"),
        "{}",
        said(&stopped)
    );
    assert_eq!(
        broken.check(&[], 2).0,
        [format!("{BLUE} digest-orphaned false")]
    );
    assert_eq!(
        broken.check(&["--repair", "-y"], 0).0,
        [format!("{BLUE} digest-orphaned true")]
    );
    assert_eq!(broken.digest(BLUE), "none");
    broken.world.backend.terraform_ok(&["plan"]);

    // The digest of a version with content: the state was written over with nothing, and is brought
    // back.
    broken.put(KEY, b"");
    let (faults, document) = broken.check(&["--repair", "-y"], 2);
    assert_eq!(
        faults,
        [
            format!("{BLUE} state-unreadable false"),
            "terraform.tfstate state-unreadable false".to_owned()
        ]
    );
    assert_eq!(
        (
            broken.digest(KEY),
            &document["faults"][1]["restorable_version"]
        ),
        (digest, &version.as_str().into())
    );
    broken.remedy(&document["faults"][1]);
    broken
        .world
        .backend
        .terraform_ok(&["workspace", "select", "default"]);
    broken.world.nothing_to_change(&["more=1"]);

    // What never was a state has no version to bring back; the command names the backend as the
    // command line did.
    fs::write(
        broken.world.dir().join("pulled"),
        broken.world.backend.terraform_ok(&["state", "pull"]),
    )
    .expect("written");
    broken.put("cut.tfstate", b"{");
    let words = [
        "--bucket",
        &broken.world.bucket,
        "--region",
        "eu-west-1",
        "--table",
        TABLE,
    ];
    let text = broken.world.fails(
        &[&["check"], &words[..]].concat(),
        2,
        &["cut.tfstate: restore it from a backup"],
    );
    let command = text
        .split('`')
        .find(|piece| piece.contains("--from-backup"))
        .expect("a command")
        .replace("FILE", "pulled");
    assert!(command.contains(&broken.world.bucket), "{command}");
    let restored = broken
        .world
        .state(&[&command.split(' ').skip(2).collect::<Vec<_>>()[..], &["-y"]].concat());
    assert!(restored.status.success(), "{command}: {}", said(&restored));
}

/// The digest is all that keeps Terraform from starting over: it goes only if that is what is
/// wanted.
#[tokio::test]
async fn state_that_was_deleted_keeps_its_digest_unless_that_is_accepted() {
    let broken = Broken::make().await;
    let (version, digest) = (broken.newest(), broken.digest(KEY));
    broken.world.tool("delete", &[KEY]);
    let (faults, document) = broken.check(&["--repair", "-y"], 2);
    assert_eq!(faults, ["terraform.tfstate digest-orphaned false"]);
    assert_eq!(
        (
            broken.digest(KEY),
            &document["faults"][0]["restorable_version"]
        ),
        (digest, &version.as_str().into())
    );
    broken.world.fails(
        &["check"],
        2,
        &[
            "belongs to a deleted state",
            "restores the state",
            "--repair --accept-deleted",
        ],
    );
    broken.remedy(&document["faults"][0]);
    broken.world.nothing_to_change(&["more=1"]);

    broken.world.tool("delete", &[KEY]);
    assert_eq!(
        broken.check(&["--repair", "--accept-deleted", "-y"], 0).0,
        ["terraform.tfstate digest-orphaned true"]
    );
    let planned = broken.world.backend.terraform_ok(&["plan"]);
    assert!(planned.contains("1 to add"), "{planned}");
}
