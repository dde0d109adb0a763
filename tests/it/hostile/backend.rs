//! A backend in which every text that others can write is hostile: nothing of it acts on a terminal, leads anywhere, or is run.

use std::{collections::BTreeSet, fs};

use tfbackend::report::safe::is_unsafe;

use crate::support::{
    emulator::Emulator,
    program::{Place, Said},
    proxy::{Proxy, Reply},
    terminal::Terminal,
};

const LINE: &str = "--env dev --project acme --region eu-west-1";
const SETTINGS: &str = "[env.dev]\nlock = \"both\"\nephemeral = true\nalarm-email = [\"ops@example.com\"]\n";
const KEY: &str = "\u{202e}gpj\u{2066}\u{200b}\u{2028}\"'`$(touch pwned)${x}%{y}<b>&|*_#[](x)@";

/// Nothing that a terminal would act on, or that a reader would not see.
#[track_caller]
fn is_plain(what: &str, said: &Said) {
    for text in [&said.out, &said.err] {
        let line = text.lines().find(|line| line.contains(is_unsafe));
        assert_eq!(line, None, "{what}");
    }
    assert!(matches!(said.code, Some(0..=4)) && !said.err.contains("panicked"), "{what}: {}", said.all());
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
        folder.map(|entry| entry.expect("an entry").file_name()).collect()
    };
    let before = files();

    let workspace = format!("env:/{KEY}/terraform.tfstate");
    let up = format!("../{KEY}/../../a.tfstate");
    // What is said, and whether something hostile is to be seen in it, as text.
    let commands: [(&[&str], bool); 22] = [
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
    ];
    for (command, shows) in commands {
        let args = [command, &LINE.split(' ').collect::<Vec<_>>()].concat();
        let said = place.run(&args);
        is_plain(&format!("{command:?}"), &said);
        let all = said.all();
        let seen = ["\\u{202e}", "\\u202e", "U+202E"].iter().any(|escape| all.contains(escape));
        assert!(seen || !shows, "{command:?} shows what is there: {all}");
    }
    assert_eq!(files(), before, "nothing was written, and nothing run");

    // What is pulled is written to the file that was named, and to no other.
    let said = place.run(&[&["state", "pull", &up, "--out", "pulled"], &LINE.split(' ').collect::<Vec<_>>()[..]].concat());
    is_plain("state pull", &said);
    let more: Vec<_> = files().difference(&before).cloned().collect();
    assert_eq!((said.code, more), (Some(0), vec!["pulled".into()]), "{}", said.all());

    // And on a terminal, of which nothing is left that was not meant.
    let mut terminal = Terminal::start(&place, &[&["lock", "list"], &LINE.split(' ').collect::<Vec<_>>()[..]].concat());
    terminal.end();
    assert!(terminal.screen().contains("\\u{"), "{}", terminal.screen());
}

/// What AWS, or who answers in its place, says of an error.
#[test]
fn errors_are_text_as_well() {
    let text = "no\u{9b}31m\u{202e}gpj\u{2066}&#10;error: all is well&#13;\u{200b}";
    let caller = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/me</Arn>\
                  <UserId>ME</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    let proxy = Proxy::start(None, move |call, _| match &*call.service {
        "sts" => Reply::Answer { status: 200, headers: &[("content-type", "text/xml")], body: caller.to_owned() },
        "s3" => Reply::s3(403, "Access\u{202e}Denied", text),
        _ => Reply::Answer {
            status: 400,
            headers: &[("content-type", "application/x-amz-json-1.1"), ("x-amzn-requestid", "<b>&|")],
            body: serde_json::json!({ "__type": "Access\u{1b}[2JDenied\u{202e}", "message": "no\u{1b}]52;c;aGk=\u{7}\r\n\u{202e}" })
                .to_string(),
        },
    });
    let place = Place::at(proxy.endpoint());
    for command in ["bootstrap -y", "plan", "verify", "verify --output json", "state list", "lock list", "teardown --plan"] {
        let args: Vec<&str> = command.split(' ').chain(LINE.split(' ')).collect();
        let said = place.run(&args);
        is_plain(command, &said);
        assert!(said.all().contains("\\u{202e}") || said.out.contains("\\u202e"), "{command}: {}", said.all());
        assert!(!said.err.lines().any(|line| line == "error: all is well"), "{}", said.all());
    }
}
