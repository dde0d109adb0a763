//! The command that is named at the end: it is the right one, and it works.

use std::{fs, path::Path};

use tempfile::tempdir;
use tfbackend::{
    kind::BackendKind,
    terraform::{
        read::next::{NextCommand, next_command},
        write::{files::write, s3::S3BackendConfig},
    },
};

use crate::render::{emulated, endpoint, rendered, terraform::terraform};

fn render(dir: &Path, config: &S3BackendConfig) -> NextCommand {
    let _ = write(dir, &rendered(config), false).expect("they are written");
    next_command(dir, "backend.conf", BackendKind::S3)
}

/// Runs the first command line that `next` names.
#[track_caller]
fn assert_runs(dir: &Path, next: &NextCommand) {
    let line = next
        .command_lines("terraform", "", "backend.conf")
        .remove(0);
    let mut args: Vec<&str> = line.split(' ').skip(1).collect();
    args.extend(["-no-color", "-input=false", "-lock=false"]);
    let ran = terraform(dir, &args, "");
    assert!(ran.ok, "{line}: {}", ran.all());
}

#[test]
fn a_folder_is_led_from_one_backend_to_the_next() {
    let dir = tempdir().expect("a folder");
    let dir = dir.path();
    let config = emulated(&endpoint::start("000000000000"));

    let next = render(dir, &config);
    assert_eq!(next, NextCommand::Init);
    assert_runs(dir, &next);

    let next = render(dir, &config);
    assert_eq!(next, NextCommand::Ready);
    assert_runs(dir, &next);

    let config = S3BackendConfig {
        use_lockfile: true,
        ..config
    };
    let next = render(dir, &config);
    assert_eq!(next, NextCommand::Reconfigure);
    assert_runs(dir, &next);
    assert_eq!(render(dir, &config), NextCommand::Ready);

    let config = S3BackendConfig {
        key: "net/terraform.tfstate".into(),
        ..config
    };
    let next = render(dir, &config);
    let from = "backend \"s3\", bucket \"acme-tfstate-prod-111122223333-eu-west-1\", key \
                \"app/terraform.tfstate\"";
    assert_eq!(next, NextCommand::Choose { from: from.into() });
    assert_runs(dir, &next);
    assert_eq!(render(dir, &config), NextCommand::Ready);

    let prefixed = S3BackendConfig {
        workspace_key_prefix: "workspaces".into(),
        ..config.clone()
    };
    assert!(
        matches!(render(dir, &prefixed), NextCommand::Choose { .. }),
        "other workspaces are elsewhere"
    );
    let elsewhere = S3BackendConfig {
        emulator: None,
        ..config
    };
    assert!(
        matches!(render(dir, &elsewhere), NextCommand::Choose { .. }),
        "the same names on AWS are another place"
    );
}

#[test]
fn local_state_is_brought_along() {
    let dir = tempdir().expect("a folder");
    fs::write(
        dir.path().join("main.tf"),
        "output \"x\" {\n  value = 1\n}\n",
    )
    .expect("it is written");
    assert!(terraform(dir.path(), &["apply", "-auto-approve"], "").ok);
    let config = emulated("http://127.0.0.1:1");
    assert_eq!(render(dir.path(), &config), NextCommand::Migrate);
    fs::write(dir.path().join("terraform.tfstate"), "").expect("it is written");
    assert_eq!(render(dir.path(), &config), NextCommand::Init);
}

#[test]
fn an_explicit_local_backend_is_migrated_from() {
    let dir = tempdir().expect("a folder");
    fs::write(
        dir.path().join("main.tf"),
        "terraform {\n  backend \"local\" {}\n}\noutput \"x\" {\n  value = 1\n}\n",
    )
    .expect("it is written");
    assert!(terraform(dir.path(), &["init"], "").ok);
    assert!(terraform(dir.path(), &["apply", "-auto-approve"], "").ok);
    assert_eq!(
        next_command(dir.path(), "backend.conf", BackendKind::S3),
        NextCommand::Migrate
    );
}

#[test]
fn what_is_not_understood_is_left_to_a_person() {
    let dir = tempdir().expect("a folder");
    fs::create_dir(dir.path().join(".terraform")).expect("a folder");
    for (data, from) in [
        ("{", "a backend that cannot be read"),
        (
            r#"{"version": 3, "backend": {"type": "gcs", "config": {"bucket": "b", "credentials": "CANARY"}}}"#,
            "backend \"gcs\"",
        ),
        (
            r#"{"version": 3, "backend": {"type": "local", "config": {"path": "elsewhere"}}}"#,
            "backend \"local\", path \"elsewhere\"",
        ),
        (
            r#"{"version": 3, "backend": {"type": "s3", "config": {"bucket": "b\u001b[2J", "key": "k", "secret_key": "CANARY"}}}"#,
            "backend \"s3\", bucket \"b\\u001b[2J\", key \"k\"",
        ),
    ] {
        fs::write(dir.path().join(".terraform/terraform.tfstate"), data).expect("it is written");
        assert_eq!(
            render(dir.path(), &emulated("http://127.0.0.1:1")),
            NextCommand::Choose { from: from.into() }
        );
    }
    fs::write(
        dir.path().join(".terraform/terraform.tfstate"),
        r#"{"version": 3}"#,
    )
    .expect("it is written");
    assert_eq!(
        render(dir.path(), &emulated("http://127.0.0.1:1")),
        NextCommand::Init
    );
}

/// Two credentials are told apart, though neither is kept.
#[test]
fn another_credential_is_another_backend() {
    let dir = tempdir().expect("a folder");
    let dir = dir.path();
    fs::create_dir(dir.join(".terraform")).expect("a folder");
    let stored = r#"{"version": 3, "backend": {"type": "s3", "config": {"bucket": "b", "key": "k", "secret_key": "CANARY"}}}"#;
    fs::write(dir.join(".terraform/terraform.tfstate"), stored).expect("it is written");
    for (secret, next) in [
        ("CANARY", NextCommand::Ready),
        ("OTHER", NextCommand::Reconfigure),
    ] {
        fs::write(
            dir.join("x.conf"),
            format!("bucket = \"b\"\nkey = \"k\"\nsecret_key = \"{secret}\"\n"),
        )
        .expect("it is written");
        assert_eq!(next_command(dir, "x.conf", BackendKind::S3), next);
    }
}

#[test]
fn command_lines_can_be_pasted() {
    let lines = |next: NextCommand, conf| next.command_lines("tofu", " --sandbox", conf);
    assert_eq!(
        lines(NextCommand::Init, "backend.conf"),
        ["tofu init -backend-config=backend.conf"]
    );
    assert_eq!(
        lines(NextCommand::Migrate, "prod.s3.tfbackend"),
        ["tfbackend migrate --from . --to prod.s3.tfbackend --sandbox"]
    );
    assert_eq!(
        lines(NextCommand::Reconfigure, "it's $x"),
        [r"tofu init -reconfigure -backend-config='it'\''s $x'"]
    );
    let either = NextCommand::Choose {
        from: String::new(),
    };
    assert_eq!(
        lines(either, "b"),
        [
            "tofu init -reconfigure -backend-config=b",
            "tofu init -migrate-state -backend-config=b"
        ]
    );
    assert_eq!(lines(NextCommand::Ready, "b"), ["tofu plan"]);
}
