//! Documents of ten megabytes and more where a few kilobytes belong: a clear word, in time, and in
//! little memory.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use crate::support::{
    emulator::Emulator,
    program::{Place, Said},
    proxy::{Proxy, Reply},
};

const SIZE: usize = 10 << 20;
const LINE: &str = "--env dev --project acme --region eu-west-1 --lock s3 --encryption sse-s3 \
                    --trail off --alarms=false --policy=false";
/// Far below what it takes to hold such a document a few dozen times, and far above what the
/// program takes by itself.
const KIBIBYTES: usize = 1_500_000;

/// Runs with so much memory and no more.
fn run(place: &Place, line: &str) -> Said {
    let args: Vec<&str> = line.split(' ').collect();
    let program = place.command(&args);
    let mut limited = std::process::Command::new("sh");
    limited
        .args(["-c", &format!("ulimit -v {KIBIBYTES}; exec \"$0\" \"$@\"")])
        .arg(program.get_program())
        .args(&args);
    limited
        .current_dir(place.path())
        .env_clear()
        .envs(&place.vars)
        .stdin(std::process::Stdio::null());
    let started = Instant::now();
    let said = place.said(&limited.output().expect("a shell"));
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{line}: {:?}",
        started.elapsed()
    );
    assert!(
        matches!(said.code, Some(0..=4)) && !said.err.contains("panicked"),
        "{line}: {:?} {}",
        said.code,
        short(&said)
    );
    assert!(
        said.out.len() + said.err.len() < 100_000,
        "{line}: {} bytes are said",
        said.out.len() + said.err.len()
    );
    said
}

fn short(said: &Said) -> String {
    said.all().chars().take(2000).collect()
}

/// What was given is said again, and no more of it than tells what it was.
#[test]
fn arguments_are_repeated_up_to_a_length() {
    let place = Place::at("http://127.0.0.1:1");
    let long = "a".repeat(100_000);
    let words = "a ".repeat(50_000);
    for text in [long.as_str(), words.trim()] {
        let joined = format!("--env={text}");
        for args in [
            vec!["plan", "--env", text],
            vec!["plan", &joined],
            vec!["plan", "--env", "dev", "--config", text],
            vec!["plan", "--env", "dev", "--bucket", text],
            vec!["plan", "--env", "dev", "--lock", text],
            vec!["lock", "list", "--bucket", "b", "--region", text],
            vec!["state", "list", "--backend-config", text],
            vec!["bootstrap", text],
            vec![text],
        ] {
            for output in [&[][..], &["--output", "json"]] {
                let said = place.run(&[&args[..], output].concat());
                let (all, args) = (
                    said.all(),
                    args.iter()
                        .filter(|arg| arg.len() < 100)
                        .collect::<Vec<_>>(),
                );
                assert!(
                    said.code == Some(1) && all.len() < 3_000,
                    "{args:?} {output:?}: {} bytes: {}",
                    all.len(),
                    short(&said)
                );
                assert!(
                    all.contains(" characters"),
                    "{args:?} {output:?}: {}",
                    short(&said)
                );
            }
        }
    }
}

#[test]
fn files_are_read_up_to_a_size() {
    let place = Place::at("http://127.0.0.1:1");
    let dir = place.path();
    let long = "# a comment that has no end\n".repeat(SIZE / 28);
    for (name, line) in [
        ("tfbackend.toml", format!("plan {LINE}")),
        ("own.toml", format!("plan {LINE} --config own.toml")),
        ("plan.json", "bootstrap plan.json -y".to_owned()),
        ("ca.pem", format!("plan {LINE}")),
        (
            "backend.conf",
            "state list --backend-config backend.conf".to_owned(),
        ),
    ] {
        let mut place = Place::at("http://127.0.0.1:1");
        if name == "ca.pem" {
            place.set("AWS_CA_BUNDLE", name);
        }
        let path = place.path().join(name);
        fs::write(&path, &long).expect("written");
        let said = run(&place, &line).refusal();
        assert!(
            said.contains("larger than") || said.contains("too large"),
            "{name}: {said}"
        );
        // What has no end at all.
        fs::remove_file(&path).expect("removed");
        symlink("/dev/zero", &path).expect("a link");
        let said = run(&place, &line).refusal();
        assert!(
            ["larger than", "not a regular file"]
                .iter()
                .any(|why| said.contains(why)),
            "{name}: {said}"
        );
    }
    File::create(dir.join("backend.tf"))
        .and_then(|file| file.set_len(1 << 33))
        .expect("a file with holes");
    let said = run(&place, "state list");
    assert!(said.refusal().contains("larger than"), "{}", short(&said));
}

/// A file of ours is small: one that is not was made by somebody else, and is left alone.
#[test]
fn a_large_file_in_the_way_stays() {
    let proxy = Proxy::start(None, |_, _| Reply::caller_identity());
    let place = Place::at(proxy.endpoint());
    let path = place.path().join("backend.conf");
    for text in [
        "# x\n".repeat(SIZE / 4),
        "x".repeat(SIZE),
        "# x\n".repeat((1 << 20) / 4),
    ] {
        fs::write(&path, &text).expect("written");
        let said = run(&place, &format!("bootstrap {LINE} -y"));
        let refused = said.refusal();
        assert!(
            text.len() < SIZE || refused.contains("backend.conf is larger than"),
            "{refused}"
        );
        assert!(
            fs::read_to_string(&path).expect("there") == text,
            "it stays as it is"
        );
    }
}

/// What is in the bucket, and what is said of it.
#[tokio::test]
async fn what_comes_over_the_wire_is_bounded() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    let settings = "[env.dev]\nproject = \"acme\"\nregion = \"eu-west-1\"\nlock = \
                    \"both\"\nephemeral = true\nencryption = \"sse-s3\"\ntrail = \"off\"\nalarms \
                    = false\n";
    fs::write(place.path().join("tfbackend.toml"), settings).expect("written");
    let made = place.bootstrap("--env dev -y");
    assert_eq!(made.code, Some(0), "{}", made.all());
    emulator.python("tests/it/hostile/long.py", &[]);
    let listed = run(&place, "lock list --env dev");
    assert!(
        listed.all().contains("is longer than 65536 bytes"),
        "{}",
        short(&listed)
    );
    for line in [
        "lock show",
        "state list",
        "state check",
        "verify --read-states",
        "teardown --plan",
    ] {
        run(&place, &format!("{line} --env dev"));
    }
    let shown = run(&place, "state show --env dev");
    assert!(
        shown.code == Some(0) && shown.out.contains("t.n"),
        "{}",
        short(&shown)
    );

    // A policy that no bucket can have, of whoever answers in place of S3.
    let statement = serde_json::json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "x".repeat(1000) });
    let document =
        serde_json::json!({ "Version": "2012-10-17", "Statement": vec![statement; SIZE / 1000] })
            .to_string();
    let proxy = Proxy::start(Some(&emulator), move |call, _| match &*call.operation {
        "GetBucketPolicy" => Reply::Answer {
            status: 200,
            headers: &[("content-type", "application/json")],
            body: document.clone(),
        },
        _ => Reply::Forward,
    });
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    for line in ["plan", "verify"] {
        run(&place, &format!("{line} --env dev"));
    }
}
