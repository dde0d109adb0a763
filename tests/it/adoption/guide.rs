//! The commands of `docs/guide/adopting.md`, run as they stand there, beside a stack of another team that
//! goes on working.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::{
    readme::shown,
    support::{backend::said, emulator::Emulator, page, user::User},
};

const MAIN: &str = r#"
terraform {
  backend "s3" {
    bucket         = "team-states"
    key            = "shop.tfstate"
    region         = "eu-west-1"
    encrypt        = true
    dynamodb_table = "team-locks"
    use_path_style = true
  }
}
resource "terraform_data" "a" {
  input = timestamp()
}
"#;

fn sh(folder: &Path, command: &str, vars: &BTreeMap<String, String>) -> Output {
    let mut sh = Command::new("sh");
    sh.args(["-c", command])
        .current_dir(folder)
        .env_clear()
        .envs(vars)
        .stdin(Stdio::null());
    sh.envs([
        ("CHECKPOINT_DISABLE", "1"),
        ("TF_IN_AUTOMATION", "1"),
        ("TF_INPUT", "0"),
        ("TF_CLI_ARGS", "-no-color"),
    ]);
    sh.output().expect("sh")
}

#[tokio::test]
async fn the_guide_to_adopting_keeps_every_run_going() {
    let emulator = Emulator::start().await;
    emulator.python(
        "tests/it/adoption/in_use.py",
        &["make", "team-states", "team-locks"],
    );
    let dir = tempfile::tempdir().expect("a folder");
    let (infra, shop) = (dir.path().join("infra"), dir.path().join("shop"));
    [&infra, &shop]
        .into_iter()
        .for_each(|folder| fs::create_dir(folder).expect("a folder"));
    fs::write(shop.join("main.tf"), MAIN).expect("written");
    let page = page::read("docs/guide/adopting.md");
    let toml = page
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("the settings");
    fs::write(infra.join("tfbackend.toml"), toml).expect("written");

    let bin = Path::new(env!("CARGO_BIN_EXE_tfbackend"))
        .parent()
        .expect("a folder");
    let mut admin = emulator.aws_env();
    let path = format!("{}:{}", bin.display(), admin["PATH"]);
    admin.insert("PATH".to_owned(), path);
    let user = User::make(&emulator, "colleague").await;
    user.may_only(&["s3:*", "dynamodb:*"]).await;
    let mut colleague = admin.clone();
    user.works_in(&mut colleague);
    let works = |command: &str, folder: &Path, vars: &BTreeMap<String, String>| {
        let output = sh(folder, command, vars);
        assert!(output.status.success(), "$ {command}\n{}", said(&output));
        output
    };
    works(
        "terraform init && terraform apply -auto-approve",
        &shop,
        &colleague,
    );

    let commands = shown(&page);
    assert_eq!(commands.len(), 7, "all of them are run");
    let mut vars = admin.clone();
    for shown in &commands {
        let command = &*shown.command;
        let moves = command.contains("terraform ");
        if moves {
            // As the page says: those who run the stack may use the key.
            user.may_only(&["s3:*", "dynamodb:*", "kms:Decrypt", "kms:GenerateDataKey"])
                .await;
            let conf = fs::read_to_string(infra.join("backend.conf")).expect("backend.conf");
            let key = conf
                .lines()
                .find(|line| line.trim_start().starts_with("kms_key_id"))
                .and_then(|line| line.split('"').nth(1));
            let key = key.expect("a key").to_owned();
            [&mut vars, &mut colleague]
                .into_iter()
                .for_each(|vars| drop(vars.insert("KEY".to_owned(), key.clone())));
        }
        works(command, &infra, if moves { &colleague } else { &vars });
        // The other team applies after each step, as it is configured by then.
        works("terraform apply -auto-approve", &shop, &colleague);
    }
}
