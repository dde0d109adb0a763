//! `tfbackend bootstrap` asks, makes, and says what to do next.

use std::{fs, process::Command};

use super::{BACKSPACE, CTRL_C, CTRL_U, DOWN, ESCAPE};
use crate::support::{emulator::Emulator, program::Place, terminal::Terminal};

/// No answer is of use without credentials.
#[tokio::test]
async fn credentials_come_before_questions() {
    let place = Place::bare();
    for args in [
        &["bootstrap"][..],
        &["bootstrap", "--env", "prod", "--region=eu-west-1"],
    ] {
        let mut terminal = Terminal::start(&place, args);
        assert_eq!(terminal.end(), 1);
        let screen = terminal.screen();
        assert!(
            screen.starts_with("error: there are no AWS credentials"),
            "{screen}"
        );
        assert!(
            screen.contains("aws sso login") && screen.contains("tfbackend sandbox up"),
            "{screen}"
        );
    }
}

#[tokio::test]
async fn from_the_first_question_to_the_next_command() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    place.vars.remove("AWS_ENDPOINT_URL");
    let endpoint = format!("--endpoint-url={}", emulator.endpoint());
    let mut terminal = Terminal::start(
        &place,
        &[
            "bootstrap",
            "--env",
            "prod",
            "--parallelism",
            "1",
            &endpoint,
        ],
    );
    terminal.answer("Project", &format!("{CTRL_U}Acme\r"));
    terminal.answer("contains `A`", "acme\r");
    terminal.answer("region", "frankf");
    terminal.wait_for("❯ eu-central-1");
    insta::assert_snapshot!(terminal.screen(), @r#"
    AWS account 000000000000, as arn:aws:iam::000000000000:user/admin
    ? Project, as part of every name (--project) [shop] › Acme
    ✘ contains `A`; a project is 1 to 31 lowercase letters, digits and single hyphens, and neither
      begins nor ends with a hyphen
    ✔ Project, as part of every name · acme
    ? AWS region of the backend (--region)
    › frankf
    type to search, ↑/↓ to move, Enter to choose
    ❯ eu-central-1     Frankfurt
    "#);
    terminal.press(&format!(
        "{BACKSPACE}{BACKSPACE}{BACKSPACE}{BACKSPACE}{BACKSPACE}{BACKSPACE}"
    ));
    terminal.press("eu-west-1\r");
    terminal.wait_for("Use these?");
    insta::assert_snapshot!(terminal.screen(), @r#"
    AWS account 000000000000, as arn:aws:iam::000000000000:user/admin
    ? Project, as part of every name (--project) [shop] › Acme
    ✘ contains `A`; a project is 1 to 31 lowercase letters, digits and single hyphens, and neither
      begins nor ends with a hyphen
    ✔ Project, as part of every name · acme
    ✔ AWS region of the backend · eu-west-1
    acme prod in eu-west-1:
      state key      terraform.tfstate
      locking        DynamoDB table (dynamodb); Terraform 1.11.4 also supports s3
      encryption     new KMS key, 1 USD a month
      alarms         on, without a recipient
      audit trail    new CloudTrail trail, 0.10 USD per 100,000 events
      runner policy  new, not attached
      deletion       protected
    ? Use these? (--auto-approve) [Y/n/edit]
    "#);
    terminal.press("edit\r");
    terminal.answer("State key", "app/terraform.tfstate\r");
    terminal.wait_for("both:");
    insta::assert_snapshot!(terminal.screen(), @r#"
    AWS account 000000000000, as arn:aws:iam::000000000000:user/admin
    ? Project, as part of every name (--project) [shop] › Acme
    ✘ contains `A`; a project is 1 to 31 lowercase letters, digits and single hyphens, and neither
      begins nor ends with a hyphen
    ✔ Project, as part of every name · acme
    ✔ AWS region of the backend · eu-west-1
    acme prod in eu-west-1:
      state key      terraform.tfstate
      locking        DynamoDB table (dynamodb); Terraform 1.11.4 also supports s3
      encryption     new KMS key, 1 USD a month
      alarms         on, without a recipient
      audit trail    new CloudTrail trail, 0.10 USD per 100,000 events
      runner policy  new, not attached
      deletion       protected
    ✔ Use these? · edit
    ✔ State key, the path of the state in the bucket · app/terraform.tfstate
    ? State locking mechanism (--lock)
    ❯ s3: recommended: Terraform 1.11.4 on PATH supports it, and it needs no table
      dynamodb: a DynamoDB table, for every version; deprecated since Terraform 1.11
      both: to move from the table to the object: first `both`, then `s3`
    ↑/↓ to move, Enter to choose, Esc to go back
    "#);
    terminal.press(&format!("{DOWN}{DOWN}\r"));
    terminal.answer("Encryption of", "\r");
    terminal.answer("E-mail", "ops@example.com\r");
    terminal.answer("? CloudTrail", "\r");
    terminal.answer("Attach", "user/ghost\r");
    terminal.answer("✘ runner_policy", "user/admin\r");
    terminal.answer("Protect", "\r");
    terminal.answer("object (both)", "\r");
    terminal.wait_for("Save the answers");
    insta::assert_snapshot!(terminal.screen(), @r#"
    AWS account 000000000000, as arn:aws:iam::000000000000:user/admin
    ? Project, as part of every name (--project) [shop] › Acme
    ✘ contains `A`; a project is 1 to 31 lowercase letters, digits and single hyphens, and neither
      begins nor ends with a hyphen
    ✔ Project, as part of every name · acme
    ✔ AWS region of the backend · eu-west-1
    acme prod in eu-west-1:
      state key      terraform.tfstate
      locking        DynamoDB table (dynamodb); Terraform 1.11.4 also supports s3
      encryption     new KMS key, 1 USD a month
      alarms         on, without a recipient
      audit trail    new CloudTrail trail, 0.10 USD per 100,000 events
      runner policy  new, not attached
      deletion       protected
    ✔ Use these? · edit
    ✔ State key, the path of the state in the bucket · app/terraform.tfstate
    ✔ State locking mechanism · both
    ✔ Encryption of the states · new KMS key
    ✔ E-mail addresses for alarms, or the ARN of an SNS topic (empty for none) · ops@example.com
    ✔ CloudTrail audit trail · new
    ✔ Attach the policy to role/NAME, user/NAME, group/NAME (empty for none) · user/ghost
    ✘ runner_policy/attachment[user/ghost]: cannot be read: iam:ListAttachedUserPolicies on ghost:
      NoSuchEntity: the account has no such user; create it first, or correct --attach-to [request
      UUID]
    ✔ Attach the policy to role/NAME, user/NAME, group/NAME (empty for none) · user/admin
    ✔ Protect against accidental deletion · yes
    acme prod in eu-west-1:
      state key      app/terraform.tfstate
      locking        DynamoDB table and object (both)
      encryption     new KMS key, 1 USD a month
      alarms         to ops@example.com
      audit trail    new CloudTrail trail, 0.10 USD per 100,000 events
      runner policy  new, attached to user/admin
      deletion       protected
    ✔ Use these? · yes
    ? Save the answers in tfbackend.toml (--save) [Y/n]
    "#);
    terminal.press("\r");
    terminal.wait_for("Apply ");
    insta::assert_snapshot!(terminal.screen(), @r#"
    + create  key                         KMS key alias/acme-tfstate-prod, $1.00/month
    + create  key/rotation                new key material every 365 days
    + create  topic                       SNS topic acme-tfstate-prod-alarms
    + create  topic/subscription[ops@example.com]  e-mail subscription
                                          note: AWS sends an e-mail with a confirmation link
    + create  log_bucket                  S3 bucket acme-tfstate-prod-logs-000000000000-eu-west-1
    + create  log_bucket/public_access    no public access of any kind
    + create  log_bucket/versioning       keeps every version
    + create  log_bucket/encryption       encrypted by S3 (SSE-S3), SSE-C blocked
    + create  log_bucket/lifecycle        kept for 400 days
    + create  log_bucket/policy           bucket policy of 8 statements
    + create  state_bucket                S3 bucket acme-tfstate-prod-000000000000-eu-west-1
    + create  state_bucket/public_access  no public access of any kind
    + create  state_bucket/versioning     keeps every version
    + create  state_bucket/encryption     encrypted with the key (SSE-KMS), SSE-C blocked
    + create  state_bucket/lifecycle      replaced versions kept for 90 days, the newest 50 forever
    + create  state_bucket/policy         bucket policy of 8 statements
    + create  state_bucket/logging        access logs into acme-tfstate-prod-logs-000000000000-eu-west-1
    + create  state_bucket/notifications  the topic is notified of deleted states
    + create  lock_table                  DynamoDB table acme-tfstate-prod-locks, paid per request
    + create  lock_table/recovery         point-in-time recovery
    + create  trail                       CloudTrail trail acme-tfstate-prod
                                          note: each 100,000 reads and writes of states cost an
                                          additional $0.10
    + create  trail/selectors             records state objects and lock items
    + create  trail/logging               records events
    + create  alarm[bucket_size]          The state bucket is large, all versions counted, $0.10/month
    + create  alarm[object_count]         The state bucket has many objects, all versions counted,
                                          $0.10/month
    + create  alarm[lock_contention]      State lock contention, $0.10/month
    + create  alarm[lock_throttles]       The lock table is throttled, $0.30/month
    + create  alarm[lock_errors]          DynamoDB fails on the lock table, $0.30/month
    + create  runner_policy               IAM policy acme-tfstate-prod-runner-eu-west-1, for Terraform
                                          runs
    + create  runner_policy/attachment[user/admin]  has the policy

    Plan: 30 to create, 0 to update, 0 blocked; about $1.90 a month.
    -v shows every setting.
    ? Apply 30 changes (--auto-approve) [y/N]
    "#);
    assert!(
        !place.path().join("tfbackend.toml").exists(),
        "nothing is written before the plan is approved"
    );
    terminal.press("y\r");
    let code = terminal.end();
    insta::assert_snapshot!(terminal.screen(), @r#"
    ✓ log_bucket/lifecycle  TIME
    ✓ log_bucket/policy  TIME
    ✓ state_bucket  TIME
    ✓ state_bucket/public_access  TIME
    ✓ state_bucket/versioning  TIME
    ✓ state_bucket/encryption  TIME
    ✓ state_bucket/lifecycle  TIME
    ✓ state_bucket/policy  TIME
    ✓ state_bucket/logging  TIME
    ✓ state_bucket/notifications  TIME
    ✓ lock_table  TIME
    ✓ lock_table/recovery  TIME
    ✓ trail  TIME
    ✓ trail/selectors  TIME
    ✓ trail/logging  TIME
    ✓ alarm[bucket_size]  TIME
    ✓ alarm[object_count]  TIME
    ✓ alarm[lock_contention]  TIME
    ✓ alarm[lock_throttles]  TIME
    ✓ alarm[lock_errors]  TIME
    ✓ runner_policy  TIME
    ✓ runner_policy/attachment[user/admin]  TIME
    verified: 30 resources are as planned
    state bucket   acme-tfstate-prod-000000000000-eu-west-1
    log bucket     acme-tfstate-prod-logs-000000000000-eu-west-1
    lock table     acme-tfstate-prod-locks
    key            arn:aws:kms:eu-west-1:000000000000:key/UUID
    runner policy  arn:aws:iam::000000000000:policy/acme-tfstate-prod-runner-eu-west-1
    alarms to      acme-tfstate-prod-alarms
    trail          acme-tfstate-prod
    file           ~/shop/backend.tf (written)
    file           ~/shop/backend.conf (written)

    Next:
      terraform init -backend-config=backend.conf
    Confirm the e-mail from AWS to ops@example.com: until then that address receives no alarms.
    The same without questions:
      tfbackend bootstrap --env prod --non-interactive --auto-approve \
        --endpoint-url=ENDPOINT
    "#);
    assert_eq!(code, 0);
    insta::assert_snapshot!(fs::read_to_string(place.path().join("tfbackend.toml")).expect("written"), @r#"
    [env.prod]
    project = "acme"
    region = "eu-west-1"
    ephemeral = false
    key = "app/terraform.tfstate"
    lock = "both"
    encryption = "kms"
    attach-to = ["user/admin"]
    alarm-email = ["ops@example.com"]
    trail = "new"
    "#);

    // The command that it ended with says the same, with the file that it wrote.
    let command = terminal.command_after("The same without questions:");
    assert!(!command.contains("app/terraform.tfstate"), "{command}");
    nothing_to_do(&place, &command);
}

/// Runs a command as a shell reads it.
fn nothing_to_do(place: &Place, command: &str) {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", command])
        .current_dir(place.path())
        .env_clear()
        .envs(&place.vars);
    let path = std::env::join_paths([std::path::Path::new(env!("CARGO_BIN_EXE_tfbackend"))
        .parent()
        .expect("a folder")])
    .expect("a path");
    let said = place.said(&shell.env("PATH", path).output().expect("a shell"));
    assert!(
        said.code == Some(0) && said.err.contains("nothing to do"),
        "{command}\n{}",
        said.all()
    );
}

#[tokio::test]
async fn a_no_changes_nothing() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let all = [
        "bootstrap",
        "--env=prod",
        "--project=acme",
        "--region=eu-west-1",
        "--key=a",
        "--lock=s3",
        "--encryption=sse-s3",
    ];
    let few = [
        &all[..],
        &["--alarms=false", "--trail=off", "--attach-to=user/admin"],
    ]
    .concat();

    // At the first question there is no way back.
    for keys in [CTRL_C, ESCAPE] {
        let mut terminal = Terminal::start(&place, &["bootstrap", "--env", "prod"]);
        terminal.answer("Project", keys);
        assert_eq!(terminal.end(), 130);
        let screen = terminal.screen();
        assert!(
            screen.ends_with("error: interrupted; nothing was changed"),
            "{screen}"
        );
    }

    // At the second one there is.
    let mut terminal = Terminal::start(&place, &["bootstrap", "--env", "prod"]);
    terminal.answer("Project", "acme\r");
    terminal.answer("AWS region", ESCAPE);
    terminal.answer("Project, as part of every name (--project)", "shop\r");
    terminal.answer("AWS region", CTRL_C);
    assert_eq!(terminal.end(), 130);
    insta::assert_snapshot!(terminal.screen(), @r#"
    AWS account 000000000000, as arn:aws:iam::000000000000:user/admin
    ✔ Project, as part of every name · shop
    ? AWS region of the backend (--region)
    ›
    type to search, ↑/↓ to move, Enter to choose
    ❯ eu-west-1        Ireland
      af-south-1       Cape Town
      ap-east-1        Hong Kong
      ap-east-2        Taipei
      ap-northeast-1   Tokyo
      ap-northeast-2   Seoul
      ap-northeast-3   Osaka
      ap-south-1       Mumbai
      ap-south-2       Hyderabad
      ap-southeast-1   Singapore
    Your answers are kept: the next `tfbackend bootstrap` here offers them.
    The same answers as a command:
      tfbackend bootstrap --env prod --project shop
    error: interrupted; nothing was changed
    "#);
    forget(&place);

    // A list is another kind of question, and so is a yes.
    let mut terminal = Terminal::start(&place, &all);
    terminal.answer("Use these?", "e\r");
    terminal.answer("E-mail", "\r");
    terminal.answer("? CloudTrail", CTRL_C);
    assert_eq!(terminal.end(), 130);
    insta::assert_snapshot!(terminal.screen(), @r#"
    AWS account 000000000000, as arn:aws:iam::000000000000:user/admin
    acme prod in eu-west-1:
      state key      a
      locking        an object beside the state (s3)
      encryption     SSE-S3
      alarms         on, without a recipient
      audit trail    new CloudTrail trail, 0.10 USD per 100,000 events
      runner policy  new, not attached
      deletion       protected
    ✔ Use these? · edit
    ✔ E-mail addresses for alarms, or the ARN of an SNS topic (empty for none) · none
    ? CloudTrail audit trail (--trail)
    ❯ new: records each read and write; 0.10 USD per 100,000, and storage
      existing: a trail of the account already does so
      off: no record of who read a state
    ↑/↓ to move, Enter to choose, Esc to go back
    Your answers are kept: the next `tfbackend bootstrap` here offers them.
    The same answers as a command:
      tfbackend bootstrap --env prod --project acme --region eu-west-1 --key a \
        --lock s3 --encryption sse-s3
    error: interrupted; nothing was changed
    "#);
    forget(&place);

    // Escape goes back, in the end to the table, and a no ends it.
    let mut terminal = Terminal::start(&place, &all);
    terminal.answer("Use these?", "e\r");
    terminal.answer("E-mail", "ops@example.com\r");
    terminal.answer("? CloudTrail", ESCAPE);
    terminal.answer("? E-mail", ESCAPE);
    terminal.answer("Use these? (--auto-approve) [", "n\r");
    assert_eq!(terminal.end(), 3);
    insta::assert_snapshot!(terminal.screen(), @r#"
    AWS account 000000000000, as arn:aws:iam::000000000000:user/admin
    acme prod in eu-west-1:
      state key      a
      locking        an object beside the state (s3)
      encryption     SSE-S3
      alarms         on, without a recipient
      audit trail    new CloudTrail trail, 0.10 USD per 100,000 events
      runner policy  new, not attached
      deletion       protected
    acme prod in eu-west-1:
      state key      a
      locking        an object beside the state (s3)
      encryption     SSE-S3
      alarms         to ops@example.com
      audit trail    new CloudTrail trail, 0.10 USD per 100,000 events
      runner policy  new, not attached
      deletion       protected
    ✔ Use these? · no
    Your answers are kept: the next `tfbackend bootstrap` here offers them.
    The same answers as a command:
      tfbackend bootstrap --env prod --project acme --region eu-west-1 --key a \
        --lock s3 --encryption sse-s3 --alarm-email ops@example.com
    Cancelled. Nothing was changed.
    "#);
    forget(&place);

    let mut terminal = Terminal::start(&place, &few);
    terminal.answer("Use these?", ESCAPE);
    assert_eq!(terminal.end(), 130);
    assert!(!answers(&place).exists(), "there is no answer to keep");

    let mut terminal = Terminal::start(&place, &few);
    terminal.answer("Use these?", "e\r");
    terminal.answer("Protect", "y\r");
    terminal.answer("Use these? (--auto-approve) [", "y\r");
    terminal.wait_for("Save the answers");
    Command::new("kill")
        .arg(terminal.pid().to_string())
        .status()
        .expect("SIGTERM");
    assert_eq!(terminal.end(), 130);
    forget(&place);

    for (key, code) in [("n\r", 3), (CTRL_C, 130), (ESCAPE, 130)] {
        let mut terminal =
            Terminal::start(&place, &[&few[..], &["--ephemeral", "--save"]].concat());
        terminal.answer("Apply 15 changes", key);
        assert_eq!(terminal.end(), code, "{}", terminal.screen());
        let screen = terminal.screen();
        let said = if code == 3 {
            "✔ Apply 15 changes · no\nCancelled. Nothing was changed."
        } else {
            "error: interrupted; nothing was changed"
        };
        assert!(screen.ends_with(said), "{screen}");
    }
    let left: Vec<_> = fs::read_dir(place.path())
        .expect("a folder")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(emulator.python("tests/it/support/inventory.py", &[]), "");
}

/// The folder of answers that were kept.
fn answers(place: &Place) -> std::path::PathBuf {
    std::path::Path::new(&place.vars["HOME"]).join(".local/state/tfbackend/answers")
}

fn forget(place: &Place) {
    fs::remove_dir_all(answers(place)).expect("answers were kept");
}

#[tokio::test]
async fn the_environment_is_asked_for_too_and_the_answers_need_not_be_kept() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let line = "bootstrap --project=acme --region=eu-west-1 --lock=s3 --encryption=sse-s3 \
                --alarms=false --trail=off --policy=false";
    let args: Vec<&str> = line
        .split(' ')
        .chain(["--ephemeral", "--access-logs=false", "--parallelism=1"])
        .collect();
    let mut terminal = Terminal::start(&place, &args);
    terminal.answer("Environment", "\r");
    terminal.answer("Use these?", "\r");
    terminal.answer("Save the answers", "n\r");
    terminal.answer("Apply 6 changes", "y\r");
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    insta::assert_snapshot!(terminal.screen(), @r#"
    acme dev in eu-west-1:
      state key      terraform.tfstate
      locking        an object beside the state (s3)
      encryption     SSE-S3
      alarms         off
      audit trail    off
      runner policy  none
      deletion       not protected
    ✔ Use these? · yes
    ✔ Save the answers in tfbackend.toml · no
    acme dev in eu-west-1 (account 000000000000)

    + create  state_bucket                S3 bucket acme-tfstate-dev-000000000000-eu-west-1
    + create  state_bucket/public_access  no public access of any kind
    + create  state_bucket/versioning     keeps every version
    + create  state_bucket/encryption     encrypted by S3 (SSE-S3), SSE-C blocked
    + create  state_bucket/lifecycle      replaced versions kept for 90 days, the newest 50 forever
    + create  state_bucket/policy         bucket policy of 6 statements

    Plan: 6 to create, 0 to update, 0 blocked.
    -v shows every setting.
    ✔ Apply 6 changes · yes
    ✓ state_bucket  TIME
    ✓ state_bucket/public_access  TIME
    ✓ state_bucket/versioning  TIME
    ✓ state_bucket/encryption  TIME
    ✓ state_bucket/lifecycle  TIME
    ✓ state_bucket/policy  TIME
    verified: 6 resources are as planned
    state bucket   acme-tfstate-dev-000000000000-eu-west-1
    file           ~/shop/backend.tf (written)
    file           ~/shop/backend.conf (written)

    Next:
      terraform init -backend-config=backend.conf
    The same without questions:
      tfbackend bootstrap --env dev --project acme --region eu-west-1 --ephemeral \
        --lock s3 --access-logs=false --encryption sse-s3 --policy=false \
        --alarms=false --trail off --non-interactive --auto-approve
    "#);
    assert!(!place.path().join("tfbackend.toml").exists());
    nothing_to_do(
        &place,
        &terminal.command_after("The same without questions:"),
    );

    // Who is asked nothing is not offered the file, and is told of no other command.
    let mut terminal = Terminal::start(
        &place,
        &[&args[..], &["--env=dev", "--key=terraform.tfstate"]].concat(),
    );
    assert_eq!(terminal.end(), 0);
    insta::assert_snapshot!(terminal.screen(), @"
    acme dev in eu-west-1 (account 000000000000): nothing to do, the backend matches its settings
    state bucket   acme-tfstate-dev-000000000000-eu-west-1
    file           ~/shop/backend.tf (current)
    file           ~/shop/backend.conf (current)

    Next:
      terraform init -backend-config=backend.conf
    ");

    // Into a file that has others already. The key is only the default of this folder: it is not
    // for other folders.
    let toml = place.path().join("tfbackend.toml");
    let before = "project = \"acme\" # ours\n\n[env.dev]\nregion = \"eu-west-1\"\n";
    fs::write(&toml, before).expect("written");
    let args = [&args[..], &["--out=test", "--env=test"]].concat();
    for (key, code) in [("n\r", 3), ("y\r", 0)] {
        let mut terminal = Terminal::start(&place, &args);
        terminal.answer("tfbackend.toml has no environment test. Create test", "y\r");
        terminal.answer("Use these?", "\r");
        terminal.answer("Save the answers in tfbackend.toml", "\r");
        assert_eq!(fs::read_to_string(&toml).expect("there"), before);
        terminal.answer("Apply 6 changes", key);
        assert_eq!(terminal.end(), code, "{}", terminal.screen());
    }
    insta::assert_snapshot!(fs::read_to_string(&toml).expect("there"), @r#"
    project = "acme" # ours

    [env.dev]
    region = "eu-west-1"

    [env.test]
    project = "acme"
    region = "eu-west-1"
    ephemeral = true
    lock = "s3"
    access-logs = false
    encryption = "sse-s3"
    policy = false
    alarms = false
    trail = "off"
    out = "test"
    "#);
    // It says it all.
    let said = place.bootstrap("--env test");
    assert!(
        said.code == Some(0) && said.err.contains("nothing to do"),
        "{}",
        said.all()
    );
}

#[tokio::test]
async fn escape_at_the_table_goes_back_to_project_and_region() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let mut terminal = Terminal::start(&place, &["bootstrap", "--env=test"]);
    terminal.answer("Project", "acme\r");
    terminal.answer("AWS region", "eu-west-2\r");
    terminal.answer("Use these?", ESCAPE);
    // The answers of before are the defaults.
    terminal.answer("(--project) [acme]", "\r");
    terminal.wait_for("❯ eu-west-2");
    terminal.press("\r");
    terminal.answer("acme test in eu-west-2:", "");
    terminal.answer("Use these? (--auto-approve) [", CTRL_C);
    assert_eq!(terminal.end(), 130);
    let screen = terminal.screen();
    let command = terminal.command_after("The same answers as a command:");
    assert!(
        command.contains("--project acme --region eu-west-2"),
        "{screen}"
    );
}

/// In the middle of the groups, an answer that is left is not shown as one.
#[tokio::test]
async fn escape_takes_the_answer_before_off_the_screen() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let args = [
        "bootstrap",
        "--env=test",
        "--project=acme",
        "--region=eu-west-1",
    ];
    let mut terminal = Terminal::start(&place, &args);
    terminal.answer("Use these?", "edit\r");
    terminal.answer("? State key", "one.tfstate\r");
    terminal.answer("? State locking", ESCAPE);
    terminal.answer("? State key", "two.tfstate\r");
    terminal.answer("? State locking", CTRL_C);
    assert_eq!(terminal.end(), 130);
    let screen = terminal.screen();
    assert!(
        !screen.contains("one.tfstate") && screen.matches("✔ State key").count() == 1,
        "{screen}"
    );
    assert!(screen.contains("two.tfstate"), "{screen}");
}

/// A terminal that is gone in an instant leaves the answers of before.
#[tokio::test]
async fn answers_are_kept_when_they_are_given() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let args = ["bootstrap", "--env=test", "--project=acme"];
    let mut terminal = Terminal::start(&place, &args);
    terminal.answer("AWS region", "eu-west-1\r");
    terminal.answer("Use these?", "edit\r");
    terminal.answer("? State key", "one.tfstate\r");
    terminal.wait_for("? State locking");
    Command::new("kill")
        .args(["-KILL", &terminal.pid().to_string()])
        .status()
        .expect("SIGKILL");
    let mut next = Terminal::start(&place, &args);
    next.answer("Use the answers of the last, unfinished run", "y\r");
    next.wait_for("state key      one.tfstate");
    next.press(CTRL_C);
    assert_eq!(next.end(), 130);
}
