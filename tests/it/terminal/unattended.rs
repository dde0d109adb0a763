//! Nobody to ask: no terminal, `CI`, `--non-interactive`, JSON; and a reader that goes away.

use std::{fs, process::Command};

use serde_json::Value;

use crate::support::{emulator::Emulator, program::Place, terminal::Terminal};

const SETTLED: &str = "--env prod --project acme --region eu-west-1 --lock s3 --encryption sse-s3 \
                       --trail off --alarms=false --policy=false";

#[tokio::test]
async fn what_cannot_be_asked_is_an_error_that_names_the_flag() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    insta::assert_snapshot!(place.bootstrap("").refusal(), @"
    1
    error: no environment was given
      hint: pass --env, for example --env dev
    ");
    insta::assert_snapshot!(place.bootstrap("--env prod").refusal(), @"
    1
    error: `project` is not set; pass `--project`, or set it in tfbackend.toml
      hint: or run it in a terminal to be asked
    ");
    let without_yes = place.bootstrap(SETTLED);
    insta::assert_snapshot!(without_yes.refusal(), @"
    1
    error: 13 changes need approval, but this is not a terminal
      hint: pass --auto-approve (-y) to approve the plan
    ");

    // A terminal alone does not mean that a user is present.
    let args: Vec<&str> = ["bootstrap"]
        .into_iter()
        .chain(SETTLED.split(' '))
        .collect();
    let mut terminal = Terminal::start(&place, &[&args[..], &["--non-interactive"]].concat());
    assert_eq!(terminal.end(), 1);
    assert!(
        terminal
            .screen()
            .ends_with("pass --auto-approve (-y) to approve the plan"),
        "{}",
        terminal.screen()
    );
    drop(terminal);
    place.set("TFBACKEND_NON_INTERACTIVE", "true");
    let mut terminal = Terminal::start(&place, &["bootstrap"]);
    assert_eq!(terminal.end(), 1);
    insta::assert_snapshot!(terminal.screen(), @"
    error: no environment was given
      hint: pass --env, for example --env dev
    ");
    drop(terminal);
    place.vars.remove("TFBACKEND_NON_INTERACTIVE");
    place.set("CI", "1");
    for args in [&args[..], &["bootstrap"], &["bootstrap", "--env=prod"]] {
        let mut terminal = Terminal::start(&place, args);
        assert_eq!(terminal.end(), 1, "{}", terminal.screen());
    }
    assert_eq!(emulator.python("tests/it/support/inventory.py", &[]), "");
    assert_eq!(fs::read_dir(place.path()).expect("a folder").count(), 0);
}

#[tokio::test]
async fn a_program_reads_one_document_a_line() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let json = format!("{SETTLED} --output json --parallelism 1");
    let lines = |out: &str| {
        out.lines()
            .map(|line| serde_json::from_str(line).expect(line))
            .collect::<Vec<Value>>()
    };

    let refused = place.bootstrap(&json);
    assert_eq!((refused.code, refused.err.as_str()), (Some(1), ""));
    insta::assert_snapshot!(refused.out, @r#"{"format_version":1,"error":{"exit_code":1,"message":"13 changes need approval, but this is not a terminal","causes":[],"hints":["pass --auto-approve (-y) to approve the plan"]}}"#);
    let wrong = place.bootstrap("--output json --evn prod");
    assert_eq!((wrong.code, wrong.err.as_str()), (Some(1), ""));
    insta::assert_snapshot!(wrong.out, @r#"{"format_version":1,"error":{"exit_code":1,"message":"unexpected argument '--evn' found\n\nUsage: tfbackend bootstrap --output <FORMAT> [FILE]\n\nFor more information, try '--help'.","causes":[],"hints":[]}}"#);

    let made = place.bootstrap(&format!("{json} -y"));
    assert_eq!(
        (made.code, made.err.as_str()),
        (Some(0), ""),
        "{}",
        made.all()
    );
    let documents = lines(&made.out);
    let events: Vec<&str> = documents
        .iter()
        .map(|document| document["event"].as_str().expect("an event"))
        .collect();
    insta::assert_snapshot!(events.join(" "), @"started finished started finished started finished started finished started finished started finished started finished started finished started finished started finished started finished started finished started finished made");
    insta::assert_snapshot!(made.out.lines().last().expect("a line"), @r#"{"format_version":1,"event":"made","project":"acme","env":"prod","backend":{"kind":"s3","title":"Amazon S3","location":{"bucket":"acme-tfstate-prod-000000000000-eu-west-1","key":"terraform.tfstate","region":"eu-west-1"}},"account":"000000000000","region":"eu-west-1","bucket":"acme-tfstate-prod-000000000000-eu-west-1","table":null,"kms_key":null,"files":[{"path":"~/shop/backend.tf","written":true},{"path":"~/shop/backend.conf","written":true}],"next":["terraform init -backend-config=backend.conf"]}"#);
    assert!(
        documents
            .iter()
            .all(|document| document["format_version"] == 1)
    );

    let again = place.bootstrap(&format!("{json} -y"));
    assert_eq!(lines(&again.out).len(), 1, "{}", again.all());
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_nothing() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    for (command, code) in [
        (format!("plan {SETTLED} -v"), "0"),
        (format!("plan {SETTLED} --output json"), "0"),
        (format!("bootstrap {SETTLED} -y"), "0"),
        (format!("bootstrap {SETTLED} -y --adopt --output json"), "0"),
        ("--help".to_owned(), "0"),
        ("completions bash".to_owned(), "0"),
        (format!("config show {SETTLED}"), "0"),
    ] {
        // The reader is gone before a word is written; `head -1` may be slower than the program.
        let script = format!(
            "{{ sleep 0.2; '{}' {command} 2>err; echo $? >code; }} | true",
            env!("CARGO_BIN_EXE_tfbackend")
        );
        let status = Command::new("sh")
            .args(["-c", &script])
            .current_dir(place.path())
            .env_clear()
            .envs(&place.vars)
            .status();
        assert!(status.expect("a shell").success());
        let read = |name: &str| fs::read_to_string(place.path().join(name)).expect(name);
        assert_eq!(
            (
                read("code").trim(),
                read("err").contains("panicked"),
                read("err").contains("error:")
            ),
            (code, false, false),
            "{command}: {}",
            read("err")
        );
    }
    // The run went on to its end.
    assert!(
        place
            .bootstrap(&format!("{SETTLED} -y"))
            .err
            .contains("nothing to do")
    );
}

#[tokio::test]
async fn settings_are_shown_with_their_origin_and_written() {
    let mut place = Place::bare();
    place.set("AWS_REGION", "eu-west-1");
    place.set("TFBACKEND_LOCK", "both");
    let init = place.run(&[
        "config",
        "init",
        "--env=prod",
        "--project=acme",
        "--tag=Team=infra",
    ]);
    insta::assert_snapshot!(init.all(), @"
    Some(0)
    tfbackend.toml written
    Next:
      tfbackend bootstrap --env prod
    ");
    insta::assert_snapshot!(fs::read_to_string(place.path().join("tfbackend.toml")).expect("written"), @r#"
    [env.prod]
    project = "acme"
    region = "eu-west-1"
    tag = ["Team=infra"]
    lock = "both"
    "#);
    insta::assert_snapshot!(place.run(&["config", "init", "--env=prod", "--project=other"]).refusal(), @"
    1
    error: cannot add [env.prod] to tfbackend.toml; nothing was changed
      caused by: tfbackend.toml:1:1: `[env.prod]` already exists
    ");

    let shown = place.run(&["config", "show", "--env=prod", "--log-days=30"]);
    assert_eq!(shown.code, Some(0), "{}", shown.all());
    insta::assert_snapshot!(shown.out, @"
    SETTING               VALUE              FROM
    backend               s3                 default
    project               acme               tfbackend.toml:2
    region                eu-west-1          tfbackend.toml:3
    conf-credentials      false              default
    ephemeral             false              default
    tag                   Team=infra         tfbackend.toml:4
    key                   terraform.tfstate  default
    workspace-key-prefix  env:               default
    lock                  both               TFBACKEND_LOCK
    namespace             global             default
    noncurrent-days       90                 default
    keep-versions         50                 default
    access-logs           true               default
    delete-events         true               default
    encryption            kms                default
    rotation-days         365                default
    billing               on-demand          default
    read-capacity         5                  default
    write-capacity        5                  default
    table-recovery        true               default
    table-encryption      same-key           default
    policy                true               default
    attach-to             none               default
    alarms                true               default
    alarm-email           none               default
    alarm-bucket-size     10                 default
    alarm-object-count    100000             default
    trail                 new                default
    log-days              30                 command line
    out                   .                  default
    conf-file             backend.conf       default
    tf-file               backend.tf         default
    auto-approve          false              default
    non-interactive       false              default
    adopt                 false              default
    overwrite             false              default
    parallelism           16                 default
    ");
    let shown = place.run(&["config", "show", "--env=prod", "--output=json"]);
    let document: Value = serde_json::from_str(&shown.out).expect("JSON");
    let row = |name: &str| {
        document["settings"]
            .as_array()
            .expect("rows")
            .iter()
            .find(|row| row["name"] == name)
            .expect(name)
            .to_string()
    };
    insta::assert_snapshot!([row("project"), row("region"), row("lock"), row("trail")].join("\n"), @r#"
    {"name":"project","value":"acme","origin":{"from":"file","path":"tfbackend.toml","line":2}}
    {"name":"region","value":"eu-west-1","origin":{"from":"file","path":"tfbackend.toml","line":3}}
    {"name":"lock","value":"both","origin":{"from":"variable","name":"TFBACKEND_LOCK"}}
    {"name":"trail","value":"new","origin":{"from":"default"}}
    "#);
    insta::assert_snapshot!(place.run(&["config", "show", "--env=test", "--new-env", "--billing=provisioned", "--lock=s3"]).refusal(), @"
    1
    error: `project` is not set; pass `--project`, or set it in tfbackend.toml
    ");

    let mut terminal = Terminal::start(
        &place,
        &[
            "config",
            "init",
            "--lock=s3",
            "--encryption=sse-s3",
            "--alarms=false",
            "--policy=false",
        ],
    );
    terminal.answer("[dev]", "\r");
    terminal.answer("Project", "\r");
    terminal.answer("region", "\r");
    terminal.answer("Use these?", "edit\r");
    terminal.answer("State key", "\r");
    terminal.answer("? CloudTrail", "\r");
    terminal.answer("Protect", "n\r");
    terminal.answer("not protected", "\r");
    assert_eq!(terminal.end(), 0);
    insta::assert_snapshot!(terminal.screen(), @r#"
    ✔ Environment, as part of every name · dev
    ✔ Project, as part of every name · shop
    ✔ AWS region of the backend · eu-west-1
    shop dev in eu-west-1:
      state key      terraform.tfstate
      locking        an object beside the state (s3)
      encryption     SSE-S3
      alarms         off
      audit trail    new CloudTrail trail, 0.10 USD per 100,000 events
      runner policy  none
      deletion       protected
    ✔ Use these? · edit
    ✔ State key, the path of the state in the bucket · terraform.tfstate
    ✔ CloudTrail audit trail · new
    ✔ Protect against accidental deletion · no
    shop dev in eu-west-1:
      state key      terraform.tfstate
      locking        an object beside the state (s3)
      encryption     SSE-S3
      alarms         off
      audit trail    new CloudTrail trail, 0.10 USD per 100,000 events
      runner policy  none
      deletion       not protected
    ✔ Use these? · yes
    tfbackend.toml written
    Next:
      tfbackend bootstrap --env dev
    "#);
}
