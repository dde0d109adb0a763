//! A backend in which every text that others can write is hostile: nothing of it acts on a
//! terminal, leads anywhere, or is run.

use std::{collections::BTreeSet, fs};
use tfbackend::text::invisible::is_invisible;

use crate::support::{
    emulator::Emulator,
    program::{Place, Said},
    proxy::{Proxy, Reply},
    terminal::Terminal,
};

const LINE: &str = "--env dev --project acme --region eu-west-1";
const SETTINGS: &str =
    "[env.dev]\nlock = \"both\"\nephemeral = true\nalarm-email = [\"ops@example.com\"]\n";
const KEY: &str = "\u{202e}gpj\u{2066}\u{200b}\u{2028}\"'`$(touch pwned)${x}%{y}<b>&|*_#[](x)@";

/// Nothing that a terminal would act on, or that a reader would not see, and no command to a CI
/// system.
#[track_caller]
fn is_plain(what: &str, said: &Said) {
    for text in [&said.out, &said.err] {
        let line = text
            .lines()
            .find(|line| line.contains(is_invisible) || commands_ci(line));
        assert_eq!(line, None, "{what}");
    }
    assert!(
        matches!(said.code, Some(0..=4)) && !said.err.contains("panicked"),
        "{what}: {}",
        said.all()
    );
}

/// As GitHub Actions (`ActionCommand.cs`), Azure Pipelines and TeamCity read a line.
fn commands_ci(line: &str) -> bool {
    let anywhere = ["##[", "##vso[", "##teamcity["]
        .iter()
        .any(|command| line.contains(command));
    anywhere || line.trim_start().starts_with("::")
}

#[test]
fn lines_that_a_ci_system_acts_on() {
    for line in [
        "::add-mask::x",
        "   ::error::x",
        "{\"key\": \"##[add-mask]x\"}",
        "a ##vso[task.complete]",
        "##teamcity[x]",
    ] {
        assert!(commands_ci(line), "{line}");
    }
    for line in [
        "a ::add-mask::x",
        r"\u{3a}:add-mask::x",
        "## [x]",
        "\"::add-mask::\"",
    ] {
        assert!(!commands_ci(line), "{line}");
    }
}

#[tokio::test]
async fn threat_08_nothing_of_it_is_raw_or_run() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    fs::write(place.path().join("tfbackend.toml"), SETTINGS).expect("written");
    let made = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(made.code, Some(0), "{}", made.all());
    emulator.python("tests/it/hostile/poison.py", &[]);
    let files = || -> BTreeSet<_> {
        let folder = fs::read_dir(place.path()).expect("a folder");
        folder
            .map(|entry| entry.expect("an entry").file_name())
            .collect()
    };
    let before = files();

    let workspace = format!("env:/{KEY}/terraform.tfstate");
    let up = format!("../{KEY}/../../a.tfstate");
    // What is said, and whether something hostile is to be seen in it, as text.
    let commands: [(&[&str], bool); 29] = [
        (&["lock", "list"], true),
        (&["lock", "list", "--output", "json"], true),
        (&["lock", "show", "terraform.tfstate"], true),
        (&["lock", "show", &workspace], false),
        (&["lock", "release", "--id", KEY, "-y"], true),
        (&["lock", "release", "--older-than", "1h"], true),
        (&["lock", "migrate", "--to", "s3", "--check"], true),
        (&["state", "list"], true),
        (&["state", "list", "--output", "json"], true),
        (&["state", "show"], true),
        (&["state", "show", &workspace], true),
        (&["state", "show", &up], true),
        (&["state", "versions", &workspace], true),
        (&["state", "diff", "previous", "current"], true),
        (&["state", "check"], true),
        (&["state", "restore", "--serial", "1"], true),
        (&["verify", "-v", "--read-states"], true),
        (&["verify", "--output", "markdown"], true),
        (&["verify", "--output", "json"], true),
        (&["plan", "-v"], false),
        (&["teardown", "--plan"], true),
        (&["teardown", "--confirm", KEY], true),
        (&["lock", "show", "::add-mask::x.tfstate"], false),
        (&["lock", "release", "--id", "::add-mask::ID", "-y"], true),
        (
            &[
                "state",
                "show",
                "##vso[task.setvariable variable=A]x.tfstate",
            ],
            false,
        ),
        (&["state", "versions", "::add-mask::x.tfstate"], false),
        (&["state", "check", "--output", "json"], true),
        (&["verify", "--output", "junit"], true),
        (&["verify", "--output", "html"], true),
    ];
    for (command, shows) in commands {
        let args = [command, &LINE.split(' ').collect::<Vec<_>>()].concat();
        let said = place.run(&args);
        is_plain(&format!("{command:?}"), &said);
        let all = said.all();
        let seen = ["\\u{202e}", "\\u202e", "U+202E"]
            .iter()
            .any(|escape| all.contains(escape));
        assert!(seen || !shows, "{command:?} shows what is there: {all}");
    }
    assert_eq!(files(), before, "nothing was written, and nothing run");

    // What is pulled is written to the file that was named, and to no other.
    let said = place.run(
        &[
            &["state", "pull", &up, "--out", "pulled"],
            &LINE.split(' ').collect::<Vec<_>>()[..],
        ]
        .concat(),
    );
    is_plain("state pull", &said);
    let more: Vec<_> = files().difference(&before).cloned().collect();
    assert_eq!(
        (said.code, more),
        (Some(0), vec!["pulled".into()]),
        "{}",
        said.all()
    );

    // And on a terminal, of which nothing is left that was not meant.
    let mut terminal = Terminal::start(
        &place,
        &[&["lock", "list"], &LINE.split(' ').collect::<Vec<_>>()[..]].concat(),
    );
    terminal.end();
    assert!(terminal.screen().contains("\\u{"), "{}", terminal.screen());
}

/// What AWS, or who answers in its place, says of an error.
#[test]
fn errors_are_text_as_well() {
    let text = "no\u{9b}31m\u{202e}gpj\u{2066}&#10;error: all is well&#13;\u{200b} ::add-mask::x \
                ##vso[x] ##[x] ##teamcity[x]";
    let caller = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:\
                  iam::111122223333:user/me</Arn><UserId>ME</UserId><Account>111122223333</\
                  Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    let proxy = Proxy::start(None, move |call, _| {
        match &*call.service {
        "sts" => Reply::Answer { status: 200, headers: &[("content-type", "text/xml")], body: caller.to_owned() },
        "s3" => Reply::s3(403, "Access\u{202e}Denied", text),
        _ => Reply::Answer {
            status: 400,
            headers: &[("content-type", "application/x-amz-json-1.1"), ("x-amzn-requestid", "<b>&|")],
            body: serde_json::json!({ "__type": "Access\u{1b}[2JDenied\u{202e}", "message": "::add-mask::x ##vso[x] ##[x] no\u{1b}]52;c;aGk=\u{7}\r\n\u{202e}" })
                .to_string(),
        },
    }
    });
    let place = Place::at(proxy.endpoint());
    for command in [
        "bootstrap -y",
        "plan",
        "verify",
        "verify --output json",
        "state list",
        "lock list",
        "teardown --plan",
    ] {
        let args: Vec<&str> = command.split(' ').chain(LINE.split(' ')).collect();
        let said = place.run(&args);
        is_plain(command, &said);
        assert!(
            said.all().contains("\\u{202e}") || said.out.contains("\\u202e"),
            "{command}: {}",
            said.all()
        );
        assert!(
            !said.err.lines().any(|line| line == "error: all is well"),
            "{}",
            said.all()
        );
    }
}
