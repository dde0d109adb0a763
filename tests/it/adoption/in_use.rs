//! A bucket in which others have their states: what would shut them out is said, and waits, and
//! what S3 would refuse in the middle of a run is refused before it.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use super::world::{Taker, place, text};
use crate::support::{backend::said, emulator::Emulator, program::Said, user::User};

const MAKE: &str = "tests/it/adoption/in_use.py";
const LINE: &str = "--env team --bucket team-states --table team-locks --key platform.tfstate";

/// A stack of another team, whose user may use the bucket and the table and no KMS key.
struct Stack {
    dir: tempfile::TempDir,
    vars: BTreeMap<String, String>,
}

impl Stack {
    async fn make(emulator: &Emulator) -> Self {
        let user = User::make(emulator, "colleague").await;
        user.may_only(&["s3:*", "dynamodb:*"]).await;
        let mut vars = emulator.aws_env();
        user.works_in(&mut vars);
        let stack = Self {
            dir: tempfile::tempdir().expect("a folder"),
            vars,
        };
        stack.write("");
        stack
    }

    /// As tutorials have shown it for ten years, and `more`.
    fn write(&self, more: &str) {
        let main = format!(
            "terraform {{\n  backend \"s3\" {{\n    bucket = \"team-states\"\n    key = \
             \"shop.tfstate\"\n    region = \"eu-west-1\"\n    encrypt = true\n    dynamodb_table \
             = \"team-locks\"\n    use_path_style = true\n{more}  }}\n}}\nvariable \"n\" \
             {{}}\nresource \"terraform_data\" \"a\" {{\n  input = var.n\n}}\n"
        );
        fs::write(self.dir.path().join("main.tf"), main).expect("written");
    }

    fn terraform(&self, args: &[&str]) -> Output {
        let mut command = Command::new("terraform");
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .envs(&self.vars)
            .stdin(Stdio::null());
        command.envs([
            ("CHECKPOINT_DISABLE", "1"),
            ("TF_IN_AUTOMATION", "1"),
            ("TF_INPUT", "0"),
            ("TF_CLI_ARGS", "-no-color"),
        ]);
        command
            .output()
            .expect("this test needs `terraform` on PATH")
    }

    fn apply(&self, n: u32) -> Output {
        self.terraform(&["apply", "-auto-approve", &format!("-var=n={n}")])
    }

    #[track_caller]
    fn applies(&self, n: u32) {
        let output = self.apply(n);
        assert!(output.status.success(), "{}", said(&output));
    }
}

#[tokio::test]
async fn adoption_refuses_no_run_until_it_is_told_to() {
    let emulator = Emulator::start().await;
    emulator.python(MAKE, &["make", "team-states", "team-locks"]);
    let stack = Stack::make(&emulator).await;
    let init = stack.terraform(&["init"]);
    assert!(init.status.success(), "{}", said(&init));
    stack.applies(1);

    let taker = Taker::new(&emulator, LINE);
    let told = taker.place.run(
        &[
            "plan",
            "--project",
            "acme",
            "--region",
            "eu-west-1",
            "--adopt",
        ]
        .into_iter()
        .chain(LINE.split(' '))
        .collect::<Vec<_>>(),
    );
    insta::assert_snapshot!(in_use(&told.err), @r"
    The bucket is in use: 1 state, no locks held. Last written by Terraform or OpenTofu 1.11.4 (1). Encryption: 1 with S3 managed keys.
    Deferred, because it would refuse runs as they are configured today:
      default encryption with the key (state_bucket/encryption) refuses runs that do not request encryption and have no permission for the key
      statement TfbackendDenyOtherEncryption (state_bucket/policy) refuses runs that request AES256, as with `encrypt = true` without `kms_key_id`
      encryption of the table with the key (lock_table) refuses runs that lock in the table and have no permission for the key
    ");
    let document = plan(&taker, "--adopt --output json");
    assert_eq!(document["adoption"]["states"], 1, "{document}");
    assert_eq!(document["adoption"]["encryption"], json!({ "s3": 1 }));

    let adopted = taker.bootstrap("--adopt");
    assert_eq!(adopted.code, Some(0), "{}", adopted.all());
    stack.applies(2);
    // Without a word, it goes on waiting: nothing is written.
    let again = taker.bootstrap("");
    assert!(
        again.code == Some(0) && again.err.contains("nothing to do except what is deferred"),
        "{}",
        again.all()
    );
    stack.applies(3);
    let checked = state(&taker, &["check", "--repair", "-y"]);
    let all = checked.all();
    assert!(
        checked.code == Some(2)
            && all.contains(
                "shop.tfstate keeps its encryption: the bucket policy still allows runs with other"
            ),
        "{all}"
    );
    let versions = state(&taker, &["versions", "shop.tfstate", "--output", "json"]);
    let versions: Value = serde_json::from_str(&versions.out)
        .unwrap_or_else(|error| panic!("{error}: {}", versions.all()));
    let all = versions["versions"].as_array().expect("versions");
    let mut serials = all
        .iter()
        .filter(|one| one["current"] != true)
        .filter_map(|one| one["serial"].as_u64());
    let serial = serials
        .next_back()
        .unwrap_or_else(|| panic!("{versions}"))
        .to_string();
    let restored = state(
        &taker,
        &["restore", "shop.tfstate", "--serial", &serial, "-y"],
    );
    assert_eq!(restored.code, Some(0), "{}", restored.all());
    // As bootstrap finds them: no repair and no restore has made it look as if the other team had
    // moved.
    let waits = taker.bootstrap("");
    assert!(
        waits.code == Some(0) && waits.err.contains("nothing to do except what is deferred"),
        "{}",
        waits.all()
    );
    stack.applies(5);
    let mends = mends(&taker);
    for id in [
        "bucket-other-encryption",
        "bucket-encryption",
        "table-encryption",
    ] {
        assert!(mends[id].ends_with(" --enforce"), "{id}: {mends:?}");
    }

    let enforced = taker.bootstrap("--enforce");
    assert_eq!(enforced.code, Some(0), "{}", enforced.all());
    insta::assert_snapshot!(in_use(&enforced.err), @r"
    The bucket is in use: 1 state, no locks held. Last written by Terraform or OpenTofu 1.11.4 (1). Encryption: 1 with S3 managed keys.
    --enforce: from now on these runs are refused unless they use the new files:
      default encryption with the key (state_bucket/encryption) refuses runs that do not request encryption and have no permission for the key
      statement TfbackendDenyOtherEncryption (state_bucket/policy) refuses runs that request AES256, as with `encrypt = true` without `kms_key_id`
      encryption of the table with the key (lock_table) refuses runs that lock in the table and have no permission for the key
    ");
    let refused = stack.apply(4);
    assert!(
        !refused.status.success() && said(&refused).contains("403"),
        "{}",
        said(&refused)
    );
    let settled = taker.bootstrap("");
    assert!(
        settled
            .err
            .contains("nothing to do, the backend matches its settings"),
        "{}",
        settled.all()
    );
}

/// What is under the key already refuses no run: then all of it is done at once.
#[tokio::test]
async fn adoption_waits_for_nothing_where_every_state_is_under_the_key() {
    let emulator = Emulator::start().await;
    emulator.python(MAKE, &["make", "team-states", "team-locks"]);
    let stack = Stack::make(&emulator).await;
    let init = stack.terraform(&["init"]);
    assert!(init.status.success(), "{}", said(&init));
    stack.applies(1);
    let taker = Taker::new(&emulator, LINE);
    let adopted = taker.bootstrap("--adopt");
    assert_eq!(adopted.code, Some(0), "{}", adopted.all());
    // The other team takes the key, and may use it by now.
    let key = conf(&taker.path(), "kms_key_id");
    stack.write(&format!("    kms_key_id = \"{key}\"\n"));
    let stack = Stack {
        vars: emulator.aws_env(),
        ..stack
    };
    let init = stack.terraform(&["init", "-reconfigure"]);
    assert!(init.status.success(), "{}", said(&init));
    stack.applies(2);
    let last = taker.bootstrap("");
    assert_eq!(last.code, Some(0), "{}", last.all());
    assert!(
        last.err.contains("state_bucket/policy") && !last.err.contains("--enforce"),
        "{}",
        last.all()
    );
    stack.applies(3);
    assert_eq!(taker.found(), [""; 0]);
}

#[tokio::test]
async fn adoption_of_a_bucket_whose_acl_lets_in_others_is_refused_in_the_plan() {
    let emulator = Emulator::start().await;
    emulator.python(MAKE, &["make", "team-states"]);
    emulator.python(MAKE, &["acl", "team-states"]);
    let taker = Taker::new(&emulator, "--env team --bucket team-states --lock s3");
    insta::assert_snapshot!(taker.refused("--adopt"), @"error: S3 bucket team-states (state_bucket): the access control list of bucket team-states grants WRITE to the group LogDelivery, READ_ACP to the group LogDelivery, and S3 cannot disable access control lists while they grant access to others: if the access is still needed, allow it in the bucket policy, then remove the grants with `aws s3api put-bucket-acl --bucket team-states --acl private`; nothing was changed");
    emulator.python(MAKE, &["private", "team-states"]);
    assert_eq!(taker.adopts(), [""; 0]);
}

#[tokio::test]
async fn adoption_of_a_public_bucket_is_refused_in_the_plan() {
    let emulator = Emulator::start().await;
    emulator.python(MAKE, &["make", "team-states"]);
    emulator.python(MAKE, &["public", "team-states"]);
    let taker = Taker::new(&emulator, "--env team --bucket team-states --lock s3");
    insta::assert_snapshot!(taker.refused("--adopt"), @"error: state_bucket/policy: the policy of bucket team-states is public, and S3 rejects public policies if public access is blocked: statement Site allows everyone s3:GetObject; remove the statement, or restrict it to the required principals with a condition such as `aws:PrincipalOrgID` or `aws:SourceVpce`; nothing was changed");
    emulator.python(MAKE, &["guarded", "team-states"]);
    assert_eq!(taker.adopts(), [""; 0]);
}

fn state(taker: &Taker<'_>, args: &[&str]) -> Said {
    let words = ["state"]
        .into_iter()
        .chain(args.iter().copied())
        .chain(["--project", "acme", "--region", "eu-west-1"])
        .chain(LINE.split(' '));
    taker.place.run(&words.collect::<Vec<_>>())
}

/// What is said of a bucket in use, below a plan.
fn in_use(err: &str) -> String {
    let from = err
        .find("The bucket is in use")
        .unwrap_or_else(|| panic!("{err}"));
    let lines = err[from..]
        .lines()
        .take_while(|line| !line.is_empty() && !line.starts_with(['✓', '·', '+', '±']));
    lines.take(5).collect::<Vec<_>>().join("\n")
}

fn plan(taker: &Taker<'_>, more: &str) -> Value {
    let line = format!("plan --project acme --region eu-west-1 {LINE} {more}");
    let said = taker.place.run(&line.split(' ').collect::<Vec<_>>());
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()))
}

/// What mends each finding.
fn mends(taker: &Taker<'_>) -> BTreeMap<String, String> {
    let line = format!("verify --project acme --region eu-west-1 {LINE} --output json");
    let said = taker.place.run(&line.split(' ').collect::<Vec<_>>());
    let document: Value =
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()));
    let findings = document["findings"].as_array().expect("findings");
    findings
        .iter()
        .map(|finding| {
            (
                text(&finding["id"]).to_owned(),
                format!("{} {}", place(finding), text(&finding["remediation"])),
            )
        })
        .collect()
}

fn conf(folder: &Path, argument: &str) -> String {
    let conf = fs::read_to_string(folder.join("backend.conf")).expect("backend.conf");
    let value = conf
        .lines()
        .find_map(|line| line.trim().strip_prefix(argument))
        .expect(argument);
    value
        .trim_start_matches([' ', '='])
        .trim_matches('"')
        .to_owned()
}
