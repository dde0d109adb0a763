//! What the process does not do where nothing needs it: no threads, no roots of trust, no AWS
//! configuration.
//!
//! Files that would be read are named pipes that nobody writes to: whoever opens one waits for
//! ever, and is found out. What is printed goes into a pipe that is full, so that the process
//! stands still and can be counted.

use std::{
    fs,
    io::{PipeReader, PipeWriter, Write, pipe},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::io::ioctl_fionbio;

use crate::support::program::Place;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// What an AWS client reads before its first call, and where it finds whom to trust.
const FILES: [&str; 4] = [
    "SSL_CERT_FILE",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
];
/// What needs no AWS, and nothing that goes on at the same time.
const ALONE: [&[&str]; 11] = [
    &["--help"],
    &["-h"],
    &["--version"],
    &["version"],
    &["version", "--output", "json"],
    &["bootstrap", "--help"],
    &["completions", "bash"],
    &["man"],
    &["bootstrap", "--no-such-option"],
    &[
        "config",
        "show",
        "--env",
        "prod",
        "--project",
        "acme",
        "--region",
        "eu-west-1",
    ],
    &["config", "show", "--env", "prod", "--project", "Not A Name"],
];
/// What is wrong is found before anything is connected to.
const WRONG: [&[&str]; 2] = [
    &["bootstrap", "--env", "prod", "--region", "eu-west-1"],
    &[
        "plan",
        "--env",
        "prod",
        "--project",
        "acme",
        "--region",
        "eu-west-1",
        "--lock",
        "s3",
        "--table",
        "t",
    ],
];

fn fifo(place: &Place, variable: &str) -> PathBuf {
    let path = place.path().join(variable);
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .expect("mkfifo")
            .success()
    );
    path
}

/// Ends it, whatever it does.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ended {
    fn wait_for<T>(&mut self, what: &str, mut look: impl FnMut(&mut Child) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(seen) = look(&mut self.0) {
                return seen;
            }
            assert!(begun.elapsed() < PATIENCE, "{what}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether its first thread waits for something.
    fn sleeps(pid: u32) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is there");
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('S'))
    }
}

/// Whoever writes to it waits for ever.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().expect("a pipe");
    ioctl_fionbio(&writer, true).expect("a pipe that does not wait");
    while writer.write(&[b'.'; 4096]).is_ok() {}
    while writer.write(b".").is_ok() {}
    ioctl_fionbio(&writer, false).expect("one that does");
    (reader, writer)
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn nothing_is_opened_that_is_not_needed() {
    let mut place = Place::bare();
    for variable in FILES {
        let path = fifo(&place, variable);
        place.set(variable, &path.display().to_string());
    }
    for args in ALONE.iter().chain(&WRONG) {
        let mut command = place.command(args);
        let mut child = Ended(
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program"),
        );
        let what = format!("{args:?} waits for a file that it does not need");
        child.wait_for(&what, |child| child.try_wait().expect("a status"));
    }
}

/// So that the test above would see it.
#[test]
fn what_calls_aws_opens_all_of_it() {
    let opened = |variable: &str| {
        let mut place = Place::at("https://localhost:9");
        let path = fifo(&place, variable);
        place.set(variable, &path.display().to_string());
        let args = [
            "plan",
            "--env",
            "prod",
            "--project",
            "acme",
            "--region",
            "eu-west-1",
        ];
        let _child = Ended(
            place
                .command(&args)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program"),
        );
        let (sender, opened) = mpsc::channel();
        // Waits until somebody reads.
        thread::spawn(move || sender.send(fs::OpenOptions::new().write(true).open(path).is_ok()));
        opened.recv_timeout(PATIENCE)
    };
    for variable in FILES
        .into_iter()
        .filter(|variable| *variable != "AWS_CA_BUNDLE")
    {
        assert_eq!(opened(variable), Ok(true), "{variable}");
    }
    // What is no regular file is not opened: that is said.
    let mut place = Place::at("https://localhost:9");
    let path = fifo(&place, "AWS_CA_BUNDLE");
    place.set("AWS_CA_BUNDLE", &path.display().to_string());
    let said = place.run(&[
        "plan",
        "--env",
        "prod",
        "--project",
        "acme",
        "--region",
        "eu-west-1",
    ]);
    assert!(
        said.code == Some(1) && said.err.contains("not a regular file"),
        "{}",
        said.all()
    );
}

#[test]
#[cfg(target_os = "linux")]
fn help_is_printed_by_one_thread_that_has_nothing_open() {
    let place = Place::bare();
    for args in ALONE {
        let (_reader, writer) = full_pipe();
        let mut command = place.command(args);
        let errors = writer.try_clone().expect("the pipe");
        let mut child = Ended(
            command
                .stdout(writer)
                .stderr(errors)
                .spawn()
                .expect("the program"),
        );
        let pid = child.0.id();
        child.wait_for(&format!("{args:?} never prints anything"), |child| {
            assert_eq!(
                child.try_wait().expect("a status"),
                None,
                "{args:?} prints nothing"
            );
            Ended::sleeps(pid).then_some(())
        });
        let process = PathBuf::from(format!("/proc/{pid}"));
        assert_eq!(names(&process.join("task")).len(), 1, "threads of {args:?}");
        for fd in names(&process.join("fd"))
            .iter()
            .filter(|fd| !["0", "1", "2"].contains(&&***fd))
        {
            let of = |process: &Path| fs::read_link(process.join("fd").join(fd)).ok();
            assert_eq!(
                of(&process),
                of(Path::new("/proc/self")),
                "{args:?} has opened {fd}, which was not handed to it"
            );
        }
    }
}
