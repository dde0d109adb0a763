//! The questions of `bootstrap`, as a person meets them.

use std::{path::Path, process::Command};

use insta::assert_snapshot;
use tfbackend::{
    cli::{
        prompt::NoPrompt,
        wizard::{
            WizardHints, appended, ask, ask_where, equivalent_command, has_questions, project_from,
            toml_for,
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

fn talk(
    line: &str,
    vars: &[(&str, &str)],
    toml: &str,
    hints: &WizardHints,
    replies: &[(&'static str, Reply)],
) -> (SettingsLayer, String) {
    let mut prompt = Scripted::new(replies.iter().cloned());
    let answers = ask_all(
        &mut prompt,
        sources(line, vars, toml).unwrap().merged(&env("prod")),
        hints,
    )
    .unwrap();
    (answers, prompt.finish())
}

/// First where, then the rest, as `bootstrap` does; what the answers say together.
fn ask_all(
    prompt: &mut dyn Prompt,
    merged: MergedSettings,
    hints: &WizardHints,
) -> Result<SettingsLayer, PromptError> {
    let place = ask_where(prompt, &merged, hints, false)?;
    let merged = merged.with_answers(&place);
    let rest = ask(prompt, &merged)?;
    assert_eq!(has_questions(&merged), rest != SettingsLayer::default());
    Ok(SettingsLayer {
        project: place.project,
        region: place.region,
        ..rest
    })
}

const ALL: [&str; 9] = [
    "--project",
    "--region",
    "--key",
    "--lock",
    "--encryption, --kms-key",
    "--alarm-email",
    "--trail",
    "--attach-to",
    "--ephemeral",
];

#[test]
fn every_question_has_a_default() {
    let hints = WizardHints {
        folder: Some("My Shop_Infra".to_owned()),
        profile_region: Some("us-east-1".to_owned()),
    };
    let (answers, screen) = talk(
        "",
        &[("AWS_REGION", "eu-west-1")],
        "",
        &hints,
        &ALL.map(|flag| (flag, Default)),
    );
    assert_snapshot!(screen, @r#"
    Project, as part of every name (--project)
      > my-shop-infra
    AWS region of the backend (--region)
      > eu-west-1
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
    E-mail addresses for alarms, separated by commas (empty for none) (--alarm-email)
      > 
    CloudTrail audit trail (--trail)
      > new: records each read and write; 0.10 USD per 100,000, and storage
        existing: a trail of the account already does so; this is checked
        off: no record of who read a state
    Attach the policy to role/NAME, user/NAME, group/NAME (empty for none) (--attach-to)
      > 
    Protect against accidental deletion (--ephemeral)
      > yes
    "#);
    assert_snapshot!(equivalent_command(&env("prod"), &answers), @"tfbackend bootstrap --env prod --project my-shop-infra --region eu-west-1 --ephemeral=false --key terraform.tfstate --lock dynamodb --encryption kms --trail new --non-interactive --auto-approve");
    assert_snapshot!(toml_for(&env("prod"), &answers), @r#"
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
    let asked = resolve(&env("prod"), &sources("", &[], "").unwrap(), &answers).unwrap();
    assert_eq!(
        asked,
        prod("--project my-shop-infra --region eu-west-1", &[], "").unwrap()
    );
}

#[test]
fn other_answers() {
    let replies = [
        ("--project", Default),
        ("--project", Type("Acme")),
        ("--project", Type("acme")),
        ("--region", Type("eu-wst-1")),
        ("--region", Type("any:eu-new-1")),
        ("--key", Type("app dir/it's.tfstate")),
        ("--lock", Pick("s3")),
        ("--encryption, --kms-key", Pick("existing KMS key")),
        ("--kms-key", Type("alias/x")),
        ("--kms-key", Type(KEY)),
        ("--alarm-email", Type("a@example.com, b")),
        ("--alarm-email", Type("a@example.com, b@example.com")),
        ("--trail", Pick("off")),
        ("--attach-to", Type("role/ci,")),
        ("--ephemeral", Type("n")),
    ];
    let (answers, screen) = talk("", &[], "", &WizardHints::default(), &replies);
    assert_snapshot!(screen, @r#"
    Project, as part of every name (--project)
      > 
      ! is empty; a project is 1 to 31 lowercase letters, digits and single hyphens, and neither begins nor ends with a hyphen
      > Acme
      ! contains `A`; a project is 1 to 31 lowercase letters, digits and single hyphens, and neither begins nor ends with a hyphen
      > acme
    AWS region of the backend (--region)
      > eu-wst-1
      ! is not a known region (did you mean `eu-west-1`?); a region is written like `eu-west-1`; one newer than this program like `any:eu-new-1`
      > any:eu-new-1
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
    E-mail addresses for alarms, separated by commas (empty for none) (--alarm-email)
      > a@example.com, b
      ! `b` has no `@`; an e-mail address looks like `ops@example.com`
      > a@example.com, b@example.com
    CloudTrail audit trail (--trail)
        new: records each read and write; 0.10 USD per 100,000, and storage
        existing: a trail of the account already does so; this is checked
      > off: no record of who read a state
    Attach the policy to role/NAME, user/NAME, group/NAME (empty for none) (--attach-to)
      > role/ci,
    Protect against accidental deletion (--ephemeral)
      > no
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

#[test]
fn only_missing_settings_are_asked_for() {
    let line = "--project acme --region eu-west-1 --kms-key \
                arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let toml = "lock = \"s3\"\nalarms = false\n[env.prod]\npolicy = false\nattach-to = \
                []\nephemeral = false";
    let (answers, _) = talk(
        line,
        &[("TFBACKEND_TRAIL", "off")],
        toml,
        &WizardHints::default(),
        &[("--key", Default)],
    );
    assert_eq!(answers, flags("--key terraform.tfstate"));
}

#[test]
fn what_was_written_into_the_file_is_not_asked_again() {
    let hints = WizardHints {
        folder: Some("acme".to_owned()),
        profile_region: Some("eu-west-1".to_owned()),
    };
    let (answers, _) = talk("", &[], "", &hints, &ALL.map(|flag| (flag, Default)));
    let file = appended("", &env("prod"), &answers).unwrap();
    let (again, screen) = talk("", &[], &file, &hints, &[]);
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

#[test]
fn an_interrupted_question_leaves_no_answers() {
    let mut prompt = Scripted::new([("--project", Type("acme")), ("--region", CtrlC)]);
    let merged = sources("", &[], "").unwrap().merged(&env("prod"));
    assert!(matches!(
        ask_all(&mut prompt, merged, &WizardHints::default()),
        Err(PromptError::Interrupted)
    ));
}

#[test]
fn without_a_terminal_the_flag_is_named() {
    let merged = sources("", &[], "").unwrap().merged(&env("prod"));
    let error = ask_all(&mut NoPrompt, merged, &WizardHints::default()).unwrap_err();
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
