//! What was changed behind the tool's back is set right by exactly the calls that it takes.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use super::World;
use crate::support::emulator::Emulator;

const DRIFT: &str = "tests/it/idempotence/drift.py";

/// What is done to the environment, and the one call that undoes it.
const REPAIRS: &[(&str, &str)] = &[
    ("no public access block", "PutPublicAccessBlock"),
    ("one of four blocks off", "PutPublicAccessBlock"),
    ("access control lists again", "PutBucketOwnershipControls"),
    ("another value of a tag", "PutBucketTagging"),
    ("versioning suspended", "PutBucketVersioning"),
    ("SSE-S3 by default", "PutBucketEncryption"),
    ("no bucket key", "PutBucketEncryption"),
    ("SSE-C allowed", "PutBucketEncryption"),
    ("no lifecycle", "PutBucketLifecycleConfiguration"),
    ("a shorter history", "PutBucketLifecycleConfiguration"),
    ("no access logs", "PutBucketLogging"),
    ("nobody hears of deletions", "PutBucketNotificationConfiguration"),
    ("no bucket policy", "PutBucketPolicy"),
    ("a weaker bucket policy", "PutBucketPolicy"),
    ("a weaker policy of the log bucket", "PutBucketPolicy"),
    ("no rotation", "EnableKeyRotation"),
    ("rotation every two years", "EnableKeyRotation"),
    ("a weaker key policy", "PutKeyPolicy"),
    ("no alias", "CreateAlias"),
    ("no deletion protection", "UpdateTable"),
    ("provisioned capacity", "UpdateTable"),
    ("no point-in-time recovery", "UpdateContinuousBackups"),
    ("a topic that alarms cannot reach", "SetTopicAttributes"),
    ("a topic without a key", "SetTopicAttributes"),
    ("nobody is told", "Subscribe"),
    ("an alarm that never fires", "PutMetricAlarm"),
    ("an alarm that tells nobody", "PutMetricAlarm"),
    ("no alarm", "PutMetricAlarm"),
    ("a trail that is stopped", "StartLogging"),
    ("a trail that records something else", "PutEventSelectors"),
    ("a trail without validation", "UpdateTrail"),
    ("a runner who may do everything", "CreatePolicyVersion"),
    ("a runner without the policy", "AttachUserPolicy"),
];

/// Drift as it is asked for: a Python for each would take longer than all the rest.
struct Drift {
    python: Child,
    asked: ChildStdin,
    said: BufReader<ChildStdout>,
}

impl Drift {
    fn start(emulator: &Emulator) -> Self {
        let mut command = emulator.python_command(&emulator.aws_env(), DRIFT, &[]);
        let mut python = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the tests' Python");
        let (asked, said) = (python.stdin.take().expect("piped"), python.stdout.take().expect("piped"));
        Self { python, asked, said: BufReader::new(said) }
    }

    fn make(&mut self, what: &str) {
        writeln!(self.asked, "{what}").expect("it listens");
        let mut line = String::new();
        self.said.read_line(&mut line).expect("it answers");
        assert_eq!(line, "done\n", "{what}: its own words are on standard error");
    }
}

impl Drop for Drift {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.python.kill();
        let _ = self.python.wait();
    }
}

#[tokio::test]
async fn one_call_repairs_each_setting() {
    let world = World::new("--alarm-email ops@example.com --attach-to user/terraform").await;
    world.emulator.python("tests/it/support/make_user.py", &["terraform"]);
    world.bootstrap().await;
    assert_eq!(world.writes().await, Vec::<String>::new());
    let mut drift = Drift::start(&world.emulator);
    for (what, call) in REPAIRS {
        drift.make(what);
        assert_eq!(world.writes().await, [*call], "{what}");
        assert_eq!(world.writes().await, Vec::<String>::new(), "after the repair of: {what}");
    }
}

#[tokio::test]
async fn everything_at_once_is_repaired_in_one_run() {
    let world = World::new("--alarm-email ops@example.com --attach-to user/terraform").await;
    world.emulator.python("tests/it/support/make_user.py", &["terraform"]);
    world.bootstrap().await;
    // Backwards, as nothing can be made weaker that is gone.
    let all: Vec<&str> = REPAIRS.iter().rev().map(|(what, _)| *what).collect();
    world.emulator.python(DRIFT, &all);
    world.bootstrap().await;
    assert_eq!(world.writes().await, Vec::<String>::new());
}

/// IAM keeps five versions of a policy.
#[tokio::test]
async fn the_oldest_version_of_the_policy_makes_room() {
    let world = World::new("").await;
    world.bootstrap().await;
    world.emulator.python(DRIFT, &["a runner who may do everything"; 4]);
    assert_eq!(world.writes().await, ["CreatePolicyVersion", "DeletePolicyVersion"]);
    assert_eq!(world.emulator.python(DRIFT, &["versions of the policy"]), "['v2', 'v3', 'v4', 'v5', 'v6*']\n");
}

/// A run that was cut off between making the key and naming it.
#[tokio::test]
async fn a_key_that_lost_its_alias_is_found_by_its_tags() {
    let world = World::new("").await;
    world.bootstrap().await;
    let key = world.emulator.python(DRIFT, &["no alias", "the keys"]);
    assert_eq!(world.writes().await, ["CreateAlias"]);
    assert_eq!(world.emulator.python(DRIFT, &["the keys"]), key);
}
