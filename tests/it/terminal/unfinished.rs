//! Answers of a run that did not come to its end are offered to the next one.

use std::{fs, path::PathBuf};

use super::CTRL_C;
use crate::support::{emulator::Emulator, program::Place, terminal::Terminal};

const OFFER: &str = "Use the answers of the last, unfinished run";

/// The one file of answers, if there is one.
fn kept(place: &Place) -> Option<PathBuf> {
    let dir = PathBuf::from(&place.vars["HOME"]).join(".local/state/tfbackend/answers");
    let mut files = fs::read_dir(dir).ok()?.flatten();
    let file = files.next().map(|entry| entry.path());
    assert!(files.next().is_none(), "one for each folder");
    file
}

#[tokio::test]
async fn answers_outlive_an_interruption_a_no_and_an_error() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let env = [
        "bootstrap",
        "--trail=off",
        "--alarms=false",
        "--access-logs=false",
    ];

    // Ctrl-C in the middle.
    let mut terminal = Terminal::start(&place, &env);
    terminal.answer("Environment", "test\r");
    terminal.answer("Project", "acme\r");
    terminal.answer("AWS region", "eu-west-1\r");
    terminal.answer("Use these?", "edit\r");
    terminal.answer("State key", "app.tfstate\r");
    terminal.answer("State locking", CTRL_C);
    assert_eq!(terminal.end(), 130);
    insta::assert_snapshot!(terminal.screen(), @r#"
    AWS account 000000000000, as arn:aws:iam::000000000000:user/admin
    ✔ Environment, as part of every name · test
    ✔ Project, as part of every name · acme
    ✔ AWS region of the backend · eu-west-1
    acme test in eu-west-1:
      state key      terraform.tfstate
      locking        DynamoDB table (dynamodb); Terraform 1.11.4 also supports s3
      encryption     new KMS key, 1 USD a month
      alarms         off
      audit trail    off
      runner policy  new, not attached
      deletion       protected
    ✔ Use these? · edit
    ✔ State key, the path of the state in the bucket · app.tfstate
    ? State locking mechanism (--lock)
    ❯ s3: recommended: Terraform 1.11.4 on PATH supports it, and it needs no table
      dynamodb: a DynamoDB table, for every version; deprecated since Terraform 1.11
      both: to move from the table to the object: first `both`, then `s3`
    ↑/↓ to move, Enter to choose, Esc to go back
    Your answers are kept: the next `tfbackend bootstrap` here offers them.
    The same answers as a command:
      tfbackend bootstrap --env test --project acme --region eu-west-1 \
        --key app.tfstate --access-logs=false --alarms=false --trail off
    error: interrupted; nothing was changed
    "#);
    let file = kept(&place).expect("kept");
    insta::assert_snapshot!(place.plain(&fs::read_to_string(&file).expect("text")), @r#"
    # Answers to `tfbackend bootstrap` in ~/shop, which did not come to its end.
    [env.test]
    project = "acme"
    region = "eu-west-1"
    key = "app.tfstate"
    "#);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // Another environment is another matter.
    let mut terminal = Terminal::start(&place, &[&env[..], &["--env=prod"]].concat());
    terminal.answer("Project", CTRL_C);
    assert_eq!(terminal.end(), 130);
    assert!(!terminal.screen().contains(OFFER), "{}", terminal.screen());

    // They are taken up, and a no at the end keeps them, too.
    let mut terminal = Terminal::start(&place, &env);
    terminal.answer(OFFER, "\r");
    terminal.wait_for("state key      app.tfstate");
    // What was answered can be edited still.
    terminal.answer("Use these?", "edit\r");
    terminal.answer("[app.tfstate]", "app.tfstate\r");
    terminal.answer("? State locking", "\r");
    terminal.answer("? Encryption", "\r");
    terminal.answer("? Attach", "\r");
    terminal.answer("? Protect", "\r");
    terminal.answer("Use these? (--auto-approve) [", "\r");
    terminal.answer("Save the answers", "n\r");
    terminal.answer("Apply ", "n\r");
    assert_eq!(terminal.end(), 3);
    let screen = terminal.screen();
    assert!(
        screen.ends_with("Cancelled. Nothing was changed."),
        "{screen}"
    );
    let command = terminal.command_after("The same answers as a command:");
    assert!(
        command.contains("--env test") && command.contains("--key app.tfstate"),
        "{command}"
    );
    assert!(kept(&place).is_some());

    // So does an error: a folder where a file is to be.
    fs::create_dir(place.path().join("backend.conf")).expect("a folder");
    let mut terminal = Terminal::start(&place, &env);
    terminal.answer(OFFER, "y\r");
    terminal.answer("Use these?", "\r");
    terminal.answer("Save the answers", "n\r");
    assert_ne!(terminal.end(), 0);
    assert!(kept(&place).is_some(), "{}", terminal.screen());
    fs::remove_dir(place.path().join("backend.conf")).expect("removed");

    // Once it is done, there is nothing to take up.
    let mut terminal = Terminal::start(&place, &env);
    terminal.answer(OFFER, "y\r");
    terminal.answer("Use these?", "\r");
    terminal.answer("Save the answers", "n\r");
    terminal.answer("Apply ", "y\r");
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    assert!(kept(&place).is_none());
    let conf = fs::read_to_string(place.path().join("backend.conf")).expect("written");
    assert!(conf.contains("app.tfstate"), "{conf}");
}

#[tokio::test]
async fn answers_that_are_not_wanted_are_forgotten() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    let mut terminal = Terminal::start(&place, &["bootstrap", "--env=test"]);
    terminal.answer("Project", "acme\r");
    terminal.answer("AWS region", CTRL_C);
    assert_eq!(terminal.end(), 130);
    drop(terminal);
    let file = kept(&place).expect("kept");

    // Without a question there is no offer, and nothing is taken from them.
    let said = place.bootstrap("--env test -y");
    assert!(
        said.code == Some(1) && said.err.contains("project"),
        "{}",
        said.all()
    );

    place.set("TFBACKEND_NON_INTERACTIVE", "true");
    let mut terminal = Terminal::start(&place, &["bootstrap", "--env=test"]);
    assert_eq!(terminal.end(), 1);
    assert!(!terminal.screen().contains(OFFER), "{}", terminal.screen());
    drop(terminal);
    place.vars.remove("TFBACKEND_NON_INTERACTIVE");

    // Another environment that comes to its end does not end this one.
    let line = "bootstrap --env=prod --project=acme --region=eu-west-1 --lock=s3 -y \
                --encryption=sse-s3 --trail=off --alarms=false --policy=false --access-logs=false";
    let args: Vec<&str> = line.split_whitespace().collect();
    let mut terminal = Terminal::start(&place, &args);
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    assert!(file.exists());

    let mut terminal = Terminal::start(&place, &["bootstrap", "--env=test"]);
    terminal.answer(OFFER, "n\r");
    terminal.answer("Project", CTRL_C);
    assert_eq!(terminal.end(), 130);
    assert!(!file.exists());

    // What is no such file is passed over.
    fs::write(&file, "[env.test]\nproject = 7\n").expect("written");
    let mut terminal = Terminal::start(&place, &["bootstrap", "--env=test"]);
    terminal.answer("Project", CTRL_C);
    assert_eq!(terminal.end(), 130);
}

#[cfg(unix)]
#[tokio::test]
async fn each_environment_has_its_answers_and_what_others_could_write_is_no_answer() {
    use std::os::unix::fs::PermissionsExt;
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    for (env, project) in [("--env=test", "acme\r"), ("--env=stage", "shop\r")] {
        let mut terminal = Terminal::start(&place, &["bootstrap", env]);
        terminal.answer("Project", project);
        terminal.answer("AWS region", CTRL_C);
        assert_eq!(terminal.end(), 130);
    }
    let file = kept(&place).expect("kept");
    let text = || fs::read_to_string(&file).expect("text");
    insta::assert_snapshot!(place.plain(&text()), @r#"
    # Answers to `tfbackend bootstrap` in ~/shop, which did not come to its end.
    [env.stage]
    project = "shop"

    [env.test]
    project = "acme"
    "#);

    let mode = |mode| {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("set");
    };
    mode(0o622);
    let mut terminal = Terminal::start(&place, &["bootstrap", "--env=test"]);
    terminal.answer("Project", CTRL_C);
    assert_eq!(terminal.end(), 130);
    assert!(!terminal.screen().contains(OFFER), "{}", terminal.screen());

    mode(0o600);
    let mut terminal = Terminal::start(&place, &["bootstrap", "--env=test"]);
    terminal.answer(OFFER, "n\r");
    terminal.answer("Project", CTRL_C);
    assert_eq!(terminal.end(), 130);
    assert!(
        !text().contains("acme") && text().contains("shop"),
        "{}",
        text()
    );
}
