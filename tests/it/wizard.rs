//! The questions of `bootstrap`, as a person meets them.

use std::{path::Path, process::Command};

use insta::assert_snapshot;
use tfbackend::{
    cli::{
        prompt::NoPrompt,
        wizard::{
            InstalledEngine, WizardFacts, WizardHints, WizardLookup, appended, ask, ask_where,
            equivalent_command, has_questions, project_from, toml_for,
        },
    },
    host::{Prompt, PromptError},
    settings::{
        file::SettingsFile, layer::SettingsLayer, merge::MergedSettings, s3::resolve::resolve,
    },
};

use crate::support::{
    scripted::{Reply, Reply::*, Scripted},
    sources::{env, flags, prod, sources},
};

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

async fn talk(
    line: &str,
    vars: &[(&str, &str)],
    toml: &str,
    hints: &WizardHints,
    replies: &[(&'static str, Reply)],
) -> (SettingsLayer, String) {
    let mut prompt = Scripted::new(replies.iter().cloned());
    let mut answers = SettingsLayer::default();
    let goes_on = ask_all(
        &mut prompt,
        sources(line, vars, toml).unwrap().merged(&env("prod")),
        hints,
        &Named::default(),
        &mut answers,
    )
    .await
    .unwrap();
    assert!(goes_on);
    (answers, prompt.finish())
}

/// Takes what is named here.
#[derive(Default)]
struct Named {
    engine: Option<InstalledEngine>,
    refused: Option<&'static str>,
}

#[async_trait::async_trait(?Send)]
impl WizardLookup for Named {
    async fn check(&self, answers: &SettingsLayer) -> Result<(), String> {
        let layer = toml_for(&env("prod"), answers);
        match self.refused {
            Some(name) if layer.contains(name) => Err(format!("there is no {name}")),
            _ => Ok(()),
        }
    }
}

/// First where, then the rest, as `bootstrap` does; what the answers say together.
async fn ask_all(
    prompt: &mut dyn Prompt,
    merged: MergedSettings,
    hints: &WizardHints,
    named: &Named,
    answers: &mut SettingsLayer,
) -> Result<bool, PromptError> {
    ask_where(prompt, &merged, hints, false, answers)?;
    let merged = merged.with_answers(answers);
    let facts = WizardFacts {
        title: "acme prod".to_owned(),
        engine: named.engine.clone(),
    };
    ask(prompt, &merged, &facts, named, answers).await
}

const PLACE: [&str; 2] = ["--project", "--region"];

const GROUPS: [&str; 7] = [
    "--key",
    "--lock",
    "--encryption, --kms-key",
    "--alarm-email, --alarm-topic",
    "--trail",
    "--attach-to",
    "--ephemeral",
];

/// Of the question after the table.
const USE: &str = "--auto-approve";

/// Enter at every question.
fn defaults() -> Vec<(&'static str, Reply)> {
    PLACE
        .into_iter()
        .chain([USE])
        .map(|flag| (flag, Default))
        .collect()
}

/// The same, through each group.
fn edited() -> Vec<(&'static str, Reply)> {
    let place = PLACE.into_iter().map(|flag| (flag, Default));
    let groups = GROUPS.into_iter().map(|flag| (flag, Default));
    place
        .chain([(USE, Pick("edit"))])
        .chain(groups)
        .chain([(USE, Default)])
        .collect()
}

#[tokio::test]
async fn nothing_but_the_place_is_asked_for_unless_the_user_edits() {
    let hints = WizardHints {
        folder: Some("My Shop_Infra".to_owned()),
        profile_region: Some("us-east-1".to_owned()),
        ..WizardHints::default()
    };
    let vars = [("AWS_REGION", "eu-west-1")];
    let (answers, screen) = talk("", &vars, "", &hints, &defaults()).await;
    assert_snapshot!(screen, @r#"
    Project, as part of every name (--project)
      > my-shop-infra
    AWS region of the backend (--region)
      > eu-west-1: Ireland
    acme prod:
      state key      terraform.tfstate
      locking        DynamoDB table (dynamodb)
      encryption     new KMS key, 1 USD a month
      alarms         on, without a recipient
      audit trail    new CloudTrail trail, 0.10 USD per 100,000 events
      runner policy  new, not attached
      deletion       protected
    Use these? (--auto-approve)
      > yes
    "#);
    assert_snapshot!(equivalent_command(&env("prod"), &answers), @"tfbackend bootstrap --env prod --project my-shop-infra --region eu-west-1 --non-interactive --auto-approve");
    let (edited, screen) = talk("", &vars, "", &hints, &edited()).await;
    assert_snapshot!(screen, @r#"
    Project, as part of every name (--project)
      > my-shop-infra
    AWS region of the backend (--region)
      > eu-west-1: Ireland
    acme prod:
      state key      terraform.tfstate
      locking        DynamoDB table (dynamodb)
      encryption     new KMS key, 1 USD a month
      alarms         on, without a recipient
      audit trail    new CloudTrail trail, 0.10 USD per 100,000 events
      runner policy  new, not attached
      deletion       protected
    Use these? (--auto-approve)
      > edit
    State key, the path of the state in the bucket (--key)
      > terraform.tfstate
    State locking mechanism (--lock)
      > dynamodb: a DynamoDB table, for every version; deprecated since Terraform 1.11
        s3: an object beside the state; needs Terraform or OpenTofu 1.10
        both: to move from the table to the object: first `both`, then `s3`
    Encryption of the states (--encryption, --kms-key)
      > new KMS key: 1 USD a month; the key policy decides who can decrypt
        existing KMS key: a key in this region
        SSE-S3: free; every principal that may read the bucket can decrypt
    E-mail addresses for alarms, or the ARN of an SNS topic (empty for none) (--alarm-email, --alarm-topic)
      > 
    CloudTrail audit trail (--trail)
      > new: records each read and write; 0.10 USD per 100,000, and storage
        existing: a trail of the account already does so
        off: no record of who read a state
    Attach the policy to role/NAME, user/NAME, group/NAME (empty for none) (--attach-to)
      > 
    Protect against accidental deletion (--ephemeral)
      > yes
    acme prod:
      state key      terraform.tfstate
      locking        DynamoDB table (dynamodb)
      encryption     new KMS key, 1 USD a month
      alarms         on, without a recipient
      audit trail    new CloudTrail trail, 0.10 USD per 100,000 events
      runner policy  new, not attached
      deletion       protected
    Use these? (--auto-approve)
      > yes
    "#);
    assert_snapshot!(equivalent_command(&env("prod"), &edited), @"tfbackend bootstrap --env prod --project my-shop-infra --region eu-west-1 --ephemeral=false --key terraform.tfstate --lock dynamodb --encryption kms --trail new --non-interactive --auto-approve");
    assert_snapshot!(toml_for(&env("prod"), &edited), @r#"
    [env.prod]
    project = "my-shop-infra"
    region = "eu-west-1"
    ephemeral = false
    key = "terraform.tfstate"
    lock = "dynamodb"
    encryption = "kms"
    attach-to = []
    alarm-email = []
    trail = "new"
    "#);
    // The answers say what the defaults say.
    for answers in [answers, edited] {
        let asked = resolve(&env("prod"), &sources("", &[], "").unwrap(), &answers).unwrap();
        assert_eq!(
            asked,
            prod("--project my-shop-infra --region eu-west-1", &[], "").unwrap()
        );
    }
}

#[tokio::test]
async fn other_answers() {
    let replies = [
        ("--project", Default),
        ("--project", Type("Acme")),
        ("--project", Type("acme")),
        ("--region", Pick("other")),
        ("--region", Type("eu-wst-1")),
        ("--region", Type("eu-new-1")),
        (USE, Pick("edit")),
        ("--key", Type("app dir/it's.tfstate")),
        ("--lock", Pick("s3")),
        ("--encryption, --kms-key", Pick("existing KMS key")),
        ("--kms-key", Type("alias/x")),
        ("--kms-key", Type(KEY)),
        ("--alarm-email, --alarm-topic", Type("a@example.com, b")),
        (
            "--alarm-email, --alarm-topic",
            Type("arn:aws:sns:eu-west-1:1:x"),
        ),
        (
            "--alarm-email, --alarm-topic",
            Type("a@example.com, b@example.com, a@example.com"),
        ),
        ("--trail", Pick("off")),
        ("--attach-to", Type("role/ci,")),
        ("--ephemeral", Type("n")),
        (USE, Default),
    ];
    let (answers, screen) = talk("", &[], "", &WizardHints::default(), &replies).await;
    assert_snapshot!(screen, @r#"
    Project, as part of every name (--project)
      > 
      ! is empty; a project is 1 to 31 lowercase letters, digits and single hyphens, and neither begins nor ends with a hyphen
      > Acme
      ! contains `A`; a project is 1 to 31 lowercase letters, digits and single hyphens, and neither begins nor ends with a hyphen
      > acme
    AWS region of the backend (--region)
      > other: a region newer than this program
    AWS region of the backend (--region)
      > eu-wst-1
      ! is not a known region (did you mean `eu-west-1`?); a region is written like `eu-west-1`; one newer than this program like `any:eu-new-1`
      > eu-new-1
    acme prod:
      state key      terraform.tfstate
      locking        DynamoDB table (dynamodb)
      encryption     new KMS key, 1 USD a month
      alarms         on, without a recipient
      audit trail    new CloudTrail trail, 0.10 USD per 100,000 events
      runner policy  new, not attached
      deletion       protected
    Use these? (--auto-approve)
      > edit
    State key, the path of the state in the bucket (--key)
      > app dir/it's.tfstate
    State locking mechanism (--lock)
        dynamodb: a DynamoDB table, for every version; deprecated since Terraform 1.11
      > s3: an object beside the state; needs Terraform or OpenTofu 1.10
        both: to move from the table to the object: first `both`, then `s3`
    Encryption of the states (--encryption, --kms-key)
        new KMS key: 1 USD a month; the key policy decides who can decrypt
      > existing KMS key: a key in this region
        SSE-S3: free; every principal that may read the bucket can decrypt
    ARN of the key (--kms-key)
      > alias/x
      ! is an alias, which each account resolves differently; a key is given by its full ARN, like `arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab`
      > arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
    E-mail addresses for alarms, or the ARN of an SNS topic (empty for none) (--alarm-email, --alarm-topic)
      > a@example.com, b
      ! `b` has no `@`; an e-mail address looks like `ops@example.com`
      > arn:aws:sns:eu-west-1:1:x
      ! does not contain an account of 12 digits; a topic is given by its ARN, like `arn:aws:sns:eu-west-1:123456789012:alarms`
      > a@example.com, b@example.com, a@example.com
    CloudTrail audit trail (--trail)
        new: records each read and write; 0.10 USD per 100,000, and storage
        existing: a trail of the account already does so
      > off: no record of who read a state
    Attach the policy to role/NAME, user/NAME, group/NAME (empty for none) (--attach-to)
      > role/ci,
    Protect against accidental deletion (--ephemeral)
      > no
    acme prod:
      state key      app dir/it's.tfstate
      locking        an object beside the state (s3)
      encryption     arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
      alarms         to a@example.com, b@example.com
      audit trail    off
      runner policy  new, attached to role/ci
      deletion       not protected
    Use these? (--auto-approve)
      > yes
    "#);
    assert_snapshot!(equivalent_command(&env("prod"), &answers), @r#"tfbackend bootstrap --env prod --project acme --region any:eu-new-1 --ephemeral --key 'app dir/it'\''s.tfstate' --lock s3 --kms-key arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab --attach-to role/ci --alarm-email a@example.com --alarm-email b@example.com --trail off --non-interactive --auto-approve"#);
    assert_snapshot!(toml_for(&env("prod"), &answers), @r#"
    [env.prod]
    project = "acme"
    region = "any:eu-new-1"
    ephemeral = true
    key = "app dir/it's.tfstate"
    lock = "s3"
    kms-key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    attach-to = ["role/ci"]
    alarm-email = ["a@example.com", "b@example.com"]
    trail = "off"
    "#);
}

/// Escape goes back, also out of a question within a group; what was answered stays the default.
#[tokio::test]
async fn escape_goes_back_to_the_question_before() {
    let replies = [
        ("--project", Type("shop")),
        ("--region", Escape),
        ("--project", Type("acme")),
        ("--region", Pick("other")),
        ("--region", Escape),
        ("--region", Pick("eu-west-1")),
        (USE, Pick("edit")),
        ("--key", Escape),
        (USE, Pick("edit")),
        ("--key", Type("a")),
        ("--lock", Pick("s3")),
        ("--encryption, --kms-key", Pick("existing KMS key")),
        ("--kms-key", Escape),
        ("--encryption, --kms-key", Escape),
        ("--lock", Default),
        ("--encryption, --kms-key", Pick("SSE-S3")),
        ("--alarm-email, --alarm-topic", Type("a@example.com")),
        ("--trail", Pick("existing")),
        ("--attach-to", Type("role/ci")),
        ("--ephemeral", Type("n")),
        // Once more: each has its answer as the default.
        (USE, Pick("edit")),
    ];
    let again = GROUPS.map(|flag| (flag, Default));
    let replies = [&replies[..], &again, &[(USE, Default)]].concat();
    let (answers, _) = talk("", &[], "", &WizardHints::default(), &replies).await;
    let said = "--project acme --region eu-west-1 --key a --lock s3 --encryption sse-s3 \
                --alarm-email a@example.com --trail existing --attach-to role/ci --ephemeral";
    assert_eq!(answers, flags(said));
}

#[tokio::test]
async fn what_is_not_there_is_asked_for_again() {
    let topic = "arn:aws:sns:eu-west-1:123456789012:alarms";
    let cases = [
        (
            "1234abcd",
            vec![
                ("--encryption, --kms-key", Pick("existing KMS key")),
                ("--kms-key", Type(KEY)),
                ("--encryption, --kms-key", Pick("SSE-S3")),
            ],
        ),
        (
            "sns",
            vec![
                ("--alarm-email, --alarm-topic", Type(topic)),
                ("--alarm-email, --alarm-topic", Type("a@example.com")),
            ],
        ),
        (
            "existing",
            vec![("--trail", Pick("existing")), ("--trail", Pick("off"))],
        ),
        (
            "role/ghost",
            vec![
                ("--attach-to", Type("role/ghost")),
                ("--attach-to", Type("role/ci")),
            ],
        ),
    ];
    for (refused, replies) in cases {
        let at = GROUPS
            .iter()
            .position(|flag| *flag == replies[0].0)
            .unwrap();
        let default = |flags: &[&'static str]| -> Vec<_> {
            flags.iter().map(|flag| (*flag, Default)).collect()
        };
        let all = [
            vec![(USE, Pick("edit"))],
            default(&GROUPS[..at]),
            replies,
            default(&GROUPS[at + 1..]),
            vec![(USE, Default)],
        ]
        .concat();
        let mut prompt = Scripted::new(all);
        let named = Named {
            refused: Some(refused),
            ..Named::default()
        };
        let merged = sources("--project acme --region eu-west-1", &[], "").unwrap();
        let mut answers = SettingsLayer::default();
        let hints = WizardHints::default();
        let goes_on = ask_all(
            &mut prompt,
            merged.merged(&env("prod")),
            &hints,
            &named,
            &mut answers,
        );
        assert!(goes_on.await.unwrap());
        let screen = prompt.finish();
        assert!(
            screen.contains(&format!("! there is no {refused}\n")),
            "{screen}"
        );
        assert!(!toml_for(&env("prod"), &answers).contains(refused));
    }
}

/// The table is the default without a question; who is asked is told what suits the engine.
#[tokio::test]
async fn lock_is_recommended_by_the_installed_engine() {
    for (name, has_lock_files, picked, line) in [
        (
            "Terraform 1.11.4",
            true,
            "s3",
            "recommended: Terraform 1.11.4 on PATH supports it, and it needs no table",
        ),
        (
            "OpenTofu 1.9.0",
            false,
            "dynamodb",
            "recommended: OpenTofu 1.9.0 on PATH supports nothing else",
        ),
    ] {
        let named = Named {
            engine: Some(InstalledEngine {
                name: name.to_owned(),
                has_lock_files,
            }),
            refused: None,
        };
        let mut prompt = Scripted::new(edited());
        let mut answers = SettingsLayer::default();
        let hints = WizardHints {
            folder: Some("acme".to_owned()),
            profile_region: Some("eu-west-1".to_owned()),
            ..WizardHints::default()
        };
        let merged = sources("", &[], "").unwrap().merged(&env("prod"));
        let goes_on = ask_all(&mut prompt, merged, &hints, &named, &mut answers);
        assert!(goes_on.await.unwrap());
        let screen = prompt.finish();
        assert!(
            screen.contains(&format!("  > {picked}: {line}\n")),
            "{screen}"
        );
        assert_eq!(answers.lock, flags(&format!("--lock {picked}")).lock);
    }
}

#[tokio::test]
async fn a_no_is_no_error_and_keeps_the_answers() {
    let mut prompt = Scripted::new([
        ("--project", Type("acme")),
        ("--region", Pick("eu-west-1")),
        (USE, Pick("no")),
    ]);
    let merged = sources("", &[], "").unwrap().merged(&env("prod"));
    let mut answers = SettingsLayer::default();
    let (hints, named) = (WizardHints::default(), Named::default());
    let goes_on = ask_all(&mut prompt, merged, &hints, &named, &mut answers);
    assert!(!goes_on.await.unwrap());
    assert_eq!(answers, flags("--project acme --region eu-west-1"));
}

#[tokio::test]
async fn only_missing_settings_are_asked_for() {
    let line = "--project acme --region eu-west-1 --kms-key \
                arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let toml = "lock = \"s3\"\nalarms = false\n[env.prod]\npolicy = false\nattach-to = \
                []\nephemeral = false";
    let (answers, _) = talk(
        line,
        &[("TFBACKEND_TRAIL", "off")],
        toml,
        &WizardHints::default(),
        &[(USE, Pick("edit")), ("--key", Default), (USE, Default)],
    )
    .await;
    assert_eq!(answers, flags("--key terraform.tfstate"));
}

#[tokio::test]
async fn what_was_written_into_the_file_is_not_asked_again() {
    let hints = WizardHints {
        folder: Some("acme".to_owned()),
        profile_region: Some("eu-west-1".to_owned()),
        ..WizardHints::default()
    };
    let (answers, _) = talk("", &[], "", &hints, &edited()).await;
    let file = appended("", &env("prod"), &answers).unwrap();
    let merged = sources("", &[], &file).unwrap().merged(&env("prod"));
    assert!(!has_questions(&merged));
    let (again, screen) = talk("", &[], &file, &hints, &[]).await;
    assert_eq!((again, screen.as_str()), (SettingsLayer::default(), ""));
}

#[test]
fn the_equivalent_command_says_the_same() {
    let layer = flags(&format!(
        "--project acme --region eu-west-1 --ephemeral --access-logs=false --tag A=b --tag C= \
         --kms-key {KEY} --log-days 7 --key=-x"
    ));
    let command = equivalent_command(&env("prod"), &layer);
    assert_snapshot!(command, @"tfbackend bootstrap --env prod --project acme --region eu-west-1 --ephemeral --tag A=b --tag C= --key=-x --access-logs=false --kms-key arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab --log-days=7 --non-interactive --auto-approve");
    let options = command
        .strip_prefix("tfbackend bootstrap --env prod ")
        .and_then(|rest| rest.strip_suffix(" --non-interactive --auto-approve"))
        .unwrap();
    assert_eq!(flags(options), layer);
}

/// What a shell and a TOML parser make of hostile values is what was meant.
#[test]
fn hostile_values_come_through_a_shell_and_the_file() {
    for key in [
        "it's",
        "a\"b",
        "$(id)",
        "`id`",
        "${HOME}",
        "a b",
        "~",
        "-rf",
        "#x",
        "a\u{fc}b",
        "!x;y&z|w",
        "x'\"'y",
        "[a]{b}<c>",
    ] {
        let layer = SettingsLayer {
            key: Some(key.parse().unwrap()),
            ..SettingsLayer::default()
        };
        let command = equivalent_command(&env("prod"), &layer);
        let script = command.replacen("tfbackend", "printf '%s\\n'", 1);
        let output = Command::new("sh")
            .args(["-c", &script])
            .env_clear()
            .output()
            .unwrap();
        let words = String::from_utf8(output.stdout).unwrap();
        let rest: Vec<&str> = words.lines().skip(3).collect();
        let typed = if key.starts_with('-') {
            vec![format!("--key={key}")]
        } else {
            vec!["--key".to_owned(), key.to_owned()]
        };
        assert_eq!(rest[..rest.len() - 2], typed, "{command}");

        let file = SettingsFile::parse(Path::new("x"), &toml_for(&env("prod"), &layer)).unwrap();
        assert_eq!(file.envs[&env("prod")]["key"].value, key);
    }
}

#[test]
fn the_file_grows_at_its_end_only() {
    let existing = "# ours\nproject = 'acme' # short\n\n[env.dev]\nregion = \"eu-west-1\"";
    let layer = flags("--region eu-west-1 --tag Team=a");
    let whole = appended(existing, &env("prod"), &layer).unwrap();
    assert_snapshot!(whole, @r#"
    # ours
    project = 'acme' # short

    [env.dev]
    region = "eu-west-1"

    [env.prod]
    region = "eu-west-1"
    tag = ["Team=a"]
    "#);
    assert_eq!(
        SettingsFile::parse(Path::new("x"), &whole)
            .unwrap()
            .envs
            .len(),
        2
    );
    assert_snapshot!(appended(existing, &env("dev"), &layer).unwrap_err(), @"tfbackend.toml:4:1: `[env.dev]` already exists");
    assert_snapshot!(appended("env = { dev = { } }", &env("prod"), &layer).unwrap_err(), @"tfbackend.toml:3:2: cannot extend value of type inline table with a dotted key");
}

#[tokio::test]
async fn an_interrupted_question_leaves_the_answers_before_it() {
    let mut prompt = Scripted::new([("--project", Type("acme")), ("--region", CtrlC)]);
    let merged = sources("", &[], "").unwrap().merged(&env("prod"));
    let (hints, named) = (WizardHints::default(), Named::default());
    let mut answers = SettingsLayer::default();
    assert!(matches!(
        ask_all(&mut prompt, merged, &hints, &named, &mut answers).await,
        Err(PromptError::Interrupted)
    ));
    assert_eq!(answers, flags("--project acme"));
}

#[tokio::test]
async fn without_a_terminal_the_flag_is_named() {
    let merged = sources("", &[], "").unwrap().merged(&env("prod"));
    let (hints, named) = (WizardHints::default(), Named::default());
    let mut answers = SettingsLayer::default();
    let error = ask_all(&mut NoPrompt, merged, &hints, &named, &mut answers)
        .await
        .unwrap_err();
    assert_snapshot!(error, @r#"cannot ask "Project, as part of every name" without a terminal; answer with --project"#);
}

#[test]
fn a_project_out_of_a_folder() {
    let named = |folder| project_from(folder).map(|project| project.to_string());
    assert_eq!(named("terraform").as_deref(), Some("terraform"));
    assert_eq!(named("__My.Shop  (2)__").as_deref(), Some("my-shop-2"));
    assert_eq!(
        named("a-very-long-name-of-a-folder").as_deref(),
        Some("a-very-long-name")
    );
    assert_eq!(
        named("fifteen-chars-x-y").as_deref(),
        Some("fifteen-chars-x")
    );
    assert_eq!(named("日本"), None);
}
