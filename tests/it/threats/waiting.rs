//! Files that never end, never begin, or are as large as they may be: an error in time, and Ctrl-C
//! ends whatever only reads.

use std::{
    fs,
    os::unix::fs::symlink,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::checkout::{BLOCK, answers, write};
use crate::support::program::{Place, Said};

/// A program that is still at work after this is ended, and the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn within_time(place: &Place, line: &str) -> (Said, Duration) {
    let begun = Instant::now();
    let mut command = place.command(&line.split_whitespace().collect::<Vec<_>>());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    while child.try_wait().expect("a child").is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill().expect("ended");
            panic!("{line} is still at work");
        }
        thread::sleep(Duration::from_millis(20));
    }
    (
        place.said(&child.wait_with_output().expect("it ended")),
        begun.elapsed(),
    )
}

#[test]
fn nothing_in_a_folder_is_waited_for() {
    let proxy = answers();
    let place = Place::at(proxy.endpoint());
    let fifo = |name: &str| {
        let path = place.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        assert!(
            Command::new("mkfifo")
                .arg(path)
                .status()
                .expect("mkfifo")
                .success()
        );
    };
    let zero = |name: &str| symlink("/dev/zero", place.path().join(name)).expect("a link");
    for kind in ["pipe", "zero"] {
        let make = |name: &str| {
            if kind == "pipe" {
                fifo(name);
            } else {
                zero(name);
            }
        };
        for name in [
            "tfbackend.toml",
            "main.tf",
            "x.tfbackend",
            "backend.conf",
            ".gitignore",
            ".git",
            "terraform.tfstate",
            ".terraform",
            "ca.pem",
            "bomb.tar.zst",
        ] {
            let _ = fs::remove_dir_all(place.path());
            fs::create_dir(place.path()).expect("made");
            if name != "main.tf" {
                write(
                    &place,
                    "main.tf",
                    &BLOCK.replace(
                        "    region",
                        "    custom_ca_bundle = \"ca.pem\"\n    region",
                    ),
                );
            }
            make(name);
            for line in [
                "state list",
                "verify --bucket states --region eu-west-1",
                "config show --env dev --project acme --region eu-west-1",
                "plan --env dev --project acme --region eu-west-1",
                "state restore --from-backup bomb.tar.zst -y",
            ] {
                let (said, _) = within_time(&place, line);
                assert!(
                    matches!(said.code, Some(0..=3)),
                    "{kind} {name}, {line}: {}",
                    said.all()
                );
            }
        }
    }
    // A work tree whose repository is elsewhere.
    let _ = fs::remove_dir_all(place.path());
    write(&place, "main.tf", BLOCK);
    write(&place, "git/x", "");
    write(&place, ".git", "gitdir: git\n");
    zero("git/commondir");
    zero("git/index");
    within_time(&place, "verify --bucket states --region eu-west-1");
}

/// Each file is as large as one may be.
#[test]
fn four_mebibytes_take_no_time() {
    const MOST: usize = 4 << 20;
    let proxy = answers();
    let place = Place::at(proxy.endpoint());
    let lines = |line: &dyn Fn(usize) -> String| {
        let mut text = String::with_capacity(MOST);
        for number in 0.. {
            let next = line(number);
            if text.len() + next.len() + 20 > MOST {
                return text;
            }
            text.push_str(&next);
        }
        text
    };
    let arguments = lines(&|number| format!("a{number} = 1\n"));
    let block = format!("terraform {{\nbackend \"s3\" {{\n{arguments}}}\n}}\n")
        .chars()
        .take(MOST)
        .collect::<String>();
    let environments = lines(&|number| format!("[env.x{number}]\nkey = \"k\"\n"));
    let blocks = lines(&|_| "terraform {\nbackend \"s3\" {}\n}\n".to_owned());
    let json = format!(
        "{{\"terraform\": {{\"backend\": {{\"s3\": {{{}\"z\": 1}}}}}}}}",
        lines(&|number| format!("\"a{number}\": 1,"))
            .get(..MOST - 80)
            .and_then(|text| text.rsplit_once(','))
            .map_or(String::new(), |(text, _)| format!("{text},"))
    );
    for (name, text, line, says) in [
        ("main.tf", &block, "state list", "more than 1000 arguments"),
        ("main.tf", &blocks, "state list", "both configure a backend"),
        (
            "main.tf.json",
            &json,
            "state list",
            "has more than 4194304 bytes of backend configuration",
        ),
        (
            "x.tfbackend",
            &arguments,
            "verify --bucket states --region eu-west-1",
            "",
        ),
        (
            "x.tfbackend",
            &arguments,
            "state list --backend-config x.tfbackend",
            "is larger than 262144 bytes",
        ),
        (
            "tfbackend.toml",
            &environments,
            "config show --env x1",
            "is larger than 262144 bytes",
        ),
    ] {
        let _ = fs::remove_dir_all(place.path());
        write(&place, name, text);
        let (said, took) = within_time(&place, line);
        assert!(
            said.all().contains(says),
            "{name}: {}",
            said.all().chars().take(2000).collect::<String>()
        );
        println!("{name}, {line}: {took:?}");
    }
    // As many as the file may have.
    let _ = fs::remove_dir_all(place.path());
    let half: String = environments
        .split_inclusive('\n')
        .scan(0, |len, line| {
            *len += line.len();
            (*len < 256 << 10).then_some(line)
        })
        .collect();
    write(&place, "tfbackend.toml", &format!("{half}\n"));
    let (said, took) = within_time(
        &place,
        "config show --env x1 --project acme --region eu-west-1",
    );
    assert_eq!(said.code, Some(0), "{}", said.all());
    println!("256 KiB of environments: {took:?}");
}

#[test]
fn a_pipe_that_was_named_ends_with_the_first_signal() {
    let place = Place::at("http://127.0.0.1:1");
    assert!(
        Command::new("mkfifo")
            .arg(place.path().join("pipe"))
            .status()
            .expect("mkfifo")
            .success()
    );
    for (name, line) in [
        ("-TERM", "plan --env dev --config pipe"),
        ("-INT", "bootstrap --env dev --config pipe"),
    ] {
        let mut command = place.command(&line.split(' ').collect::<Vec<_>>());
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        // It waits for a writer.
        thread::sleep(Duration::from_secs(1));
        let begun = Instant::now();
        assert!(
            Command::new("kill")
                .args([name, &child.id().to_string()])
                .status()
                .expect("kill")
                .success()
        );
        let said = place.said(&child.wait_with_output().expect("it ends"));
        assert!(
            said.code == Some(130) && said.err.contains("interrupted"),
            "{line}: {}",
            said.all()
        );
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            begun.elapsed()
        );
    }
}

/// All of a backup is read before anything in it is believed, and that may be much.
#[test]
fn a_backup_that_is_read_ends_with_the_first_signal() {
    const SIZE: u64 = 1 << 30;
    let proxy = answers();
    let place = Place::at(proxy.endpoint());
    fs::create_dir_all(place.path().join("backup/states")).expect("made");
    fs::File::create(place.path().join("backup/states/000001.tfstate"))
        .and_then(|file| file.set_len(SIZE))
        .expect("zeros");
    let header = r#"{"format_version":1,"made":"2026-11-21T15:45:00Z","env":"dev","account":"111122223333","region":"eu-west-1","bucket":"states","table":null,"extent":"current","entries":["#;
    let entry = format!(
        r#"{{"file":"states/000001.tfstate","size":{SIZE},"sha256":"{}","path":"k","workspace":"default","version":null,"current":true,"modified":null,"serial":1,"lineage":"l","terraform_version":null,"digest":null}}"#,
        "0".repeat(64)
    );
    write(
        &place,
        "backup/manifest.json",
        &format!("{header}\n{entry}\n]}}\n"),
    );
    let line = "state restore --bucket states --key k --region eu-west-1 --from-backup backup -y";
    let mut command = place.command(&line.split(' ').collect::<Vec<_>>());
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut calls = vec![];
    while !calls.iter().any(|call: &String| call.starts_with("s3:")) {
        thread::sleep(Duration::from_millis(10));
        calls.extend(proxy.take());
    }
    thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .expect("kill")
            .success()
    );
    let said = place.said(&child.wait_with_output().expect("it ends"));
    assert!(
        said.code == Some(130) && said.err.contains("interrupted"),
        "{}",
        said.all()
    );
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
}
