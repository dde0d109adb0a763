//! `install.sh` installs what the machine needs, with the tools that it has.

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{
    is_windows,
    releases::{Answer, Machine, Releases, found, path, script},
    targets,
};
use crate::support::page;

const GNU: &str = "x86_64-unknown-linux-gnu";

fn archive(version: &str, target: &str) -> String {
    format!("tfbackend-{version}-{target}.tar.gz")
}

#[test]
fn install_script_installs_the_latest_release_or_the_one_that_is_named() {
    let releases = Releases::of(&["0.2.0", "0.3.0-rc.1"]);
    let machine = Machine::new(&releases);
    let program = machine.path("home/.local/bin/tfbackend");
    let installed = [
        "home/.local",
        "home/.local/bin",
        "home/.local/bin/tfbackend",
    ];

    let (code, said) = machine.install(&[]);
    assert_eq!(code, Some(0), "{said}");
    insta::assert_snapshot!(said, @r#"
    Installed tfbackend 0.3.0-rc.1: ~/home/.local/bin/tfbackend
    ~/home/.local/bin is not on PATH. Add this line to ~/.profile:
      export PATH="~/home/.local/bin:$PATH"
    "#);
    assert_eq!(machine.files(), installed);
    let mode = fs::metadata(&program).expect("installed").permissions();
    assert_eq!(mode.mode() & 0o7777, 0o755);
    assert_eq!(
        releases.asked(),
        [
            "/latest/download/SHA256SUMS".to_owned(),
            path("0.3.0-rc.1", "SHA256SUMS"),
            path("0.3.0-rc.1", &archive("0.3.0-rc.1", GNU)),
        ]
    );

    // Over the other version.
    for named in ["0.2.0", "v0.2.0"] {
        let (code, said) = machine.install(&["--version", named]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(
            fs::read_to_string(&program).expect("a program"),
            script("0.2.0")
        );
        assert_eq!(machine.files(), installed);
        assert_eq!(
            releases.asked(),
            [
                path("0.2.0", "SHA256SUMS"),
                path("0.2.0", &archive("0.2.0", GNU))
            ]
        );
    }

    // In a folder with a blank, below the folder that it runs in.
    let (code, said) = machine.install(&["--to", "home/my tools/", "--version", "0.2.0"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(machine.path("home/my tools/tfbackend").is_file());
}

#[test]
fn install_script_takes_the_archive_for_the_machine() {
    let releases = Releases::of(&["0.2.0"]);
    let machine = Machine::new(&releases);
    let mut taken = BTreeSet::new();
    for (system, processor, libc, target) in [
        ("Linux", "x86_64", Some("glibc 2.39"), GNU),
        ("Linux", "amd64", Some("glibc 3.0"), GNU),
        (
            "Linux",
            "x86_64",
            Some("glibc 2.38"),
            "x86_64-unknown-linux-musl",
        ),
        (
            "Linux",
            "x86_64",
            Some("glibc 2.4"),
            "x86_64-unknown-linux-musl",
        ),
        (
            "Linux",
            "x86_64",
            Some("unknown"),
            "x86_64-unknown-linux-musl",
        ),
        ("Linux", "x86_64", None, "x86_64-unknown-linux-musl"),
        (
            "Linux",
            "aarch64",
            Some("glibc 2.41"),
            "aarch64-unknown-linux-gnu",
        ),
        ("Linux", "arm64", None, "aarch64-unknown-linux-musl"),
        ("Darwin", "x86_64", None, "x86_64-apple-darwin"),
        ("Darwin", "arm64", None, "aarch64-apple-darwin"),
    ] {
        machine.is(system, processor, libc);
        let (code, said) = machine.install(&["--version", "0.2.0"]);
        assert_eq!(code, Some(0), "{system} {processor} {libc:?}: {said}");
        let asked = releases.asked();
        assert_eq!(
            asked.last(),
            Some(&path("0.2.0", &archive("0.2.0", target))),
            "{system} {processor} {libc:?}"
        );
        taken.insert(target.to_owned());
    }
    let released: BTreeSet<String> = targets()
        .into_iter()
        .filter(|target| !is_windows(target))
        .collect();
    assert_eq!(taken, released, "every target is one that is installed");

    // Under Rosetta, `uname` reports the other processor.
    machine.is("Darwin", "x86_64", None);
    machine.tool(
        "sysctl",
        "[ \"$*\" = '-n sysctl.proc_translated' ] && echo 1",
    );
    let (code, said) = machine.install(&["--version", "0.2.0"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        releases.asked().last(),
        Some(&path("0.2.0", &archive("0.2.0", "aarch64-apple-darwin")))
    );
}

/// The script has the number, because it is one file that is downloaded.
#[test]
fn install_script_knows_the_glibc_of_the_builders() {
    let glibc = super::data()["glibc"]
        .as_str()
        .expect("a version")
        .to_owned();
    let line = format!("\nglibc={glibc}\n");
    assert!(page::read("install.sh").contains(&line), "{line}");
}

#[test]
fn install_script_works_with_each_shell_and_downloader() {
    let releases = Releases::of(&["0.2.0"]);
    let curl = found("curl").expect("curl");
    // As small as that of BusyBox: it knows these two options.
    let small = format!(
        "[ \"$1 $2\" = '-q -O' ] && [ $# -eq 4 ] || exit 1\nexec {} -fsSL -o \"$3\" \"$4\"",
        curl.display()
    );
    let mut pairs = 0;
    for shell in ["sh", "dash", "bash", "busybox"] {
        let Some(shell) = found(shell) else { continue };
        for downloader in ["curl", "small wget", "wget"] {
            let machine = Machine::new(&releases);
            if downloader != "curl" {
                machine.without("curl");
                machine.tool("wget", &small);
            }
            if downloader == "wget" {
                let Some(wget) = found("wget") else { continue };
                machine.tool("wget", &format!("exec {} \"$@\"", wget.display()));
            }
            let mut args = vec![];
            if shell.ends_with("busybox") {
                args.push("sh".to_owned());
            }
            args.push(page::path("install.sh").display().to_string());
            let (first, rest) = args.split_first().expect("the script");
            let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
            let output = machine
                .command(shell.to_str().expect("a path"), first.as_ref(), &rest)
                .output()
                .expect("a shell");
            let (code, said) = machine.told(&output);
            assert_eq!(code, Some(0), "{shell:?} {downloader}: {said}");
            assert!(machine.path("home/.local/bin/tfbackend").is_file());
            pairs += 1;
        }
    }
    assert!(pairs >= 4, "{pairs} pairs of a shell and a downloader");
}

#[test]
fn install_script_says_what_is_missing_on_path() {
    let releases = Releases::of(&["0.2.0"]);
    let mut machine = Machine::new(&releases);
    let folder = machine.path("home/.local/bin").display().to_string();
    let path = machine.vars["PATH"].clone();
    let mut hint = |shell: &str, path: String| {
        machine.vars.insert("SHELL".to_owned(), shell.to_owned());
        machine.vars.insert("PATH".to_owned(), path);
        let (code, said) = machine.install(&[]);
        assert_eq!(code, Some(0), "{said}");
        said.split_once('\n').expect("lines").1.to_owned()
    };
    insta::assert_snapshot!(hint("/bin/zsh", path.clone()), @r#"
    ~/home/.local/bin is not on PATH. Add this line to ~/.zshrc:
      export PATH="~/home/.local/bin:$PATH"
    "#);
    insta::assert_snapshot!(hint("/usr/bin/bash", path.clone()), @r#"
    ~/home/.local/bin is not on PATH. Add this line to ~/.bashrc:
      export PATH="~/home/.local/bin:$PATH"
    "#);
    insta::assert_snapshot!(hint("/usr/bin/fish", path.clone()), @r#"
    ~/home/.local/bin is not on PATH. Run:
      fish_add_path "~/home/.local/bin"
    "#);
    assert_eq!(hint("/bin/bash", format!("{path}:{folder}")), "");
    machine.tool("tfbackend", "echo tfbackend 0.0.1");
    machine
        .vars
        .insert("PATH".to_owned(), format!("{path}:{folder}"));
    let (code, said) = machine.install(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.ends_with("~/bin/tfbackend comes first on PATH.\n"),
        "{said}"
    );
}

#[test]
fn install_script_names_a_folder_for_temporary_files_that_is_not_there() {
    let releases = Releases::of(&["0.2.0"]);
    let mut machine = Machine::new(&releases);
    let missing = machine.path("missing").display().to_string();
    machine.vars.insert("TMPDIR".to_owned(), missing);
    let (code, said) = machine.install(&[]);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(
        said,
        "error: cannot make a temporary folder in ~/missing\n  hint: set TMPDIR to another folder\n"
    );
    assert!(machine.files().is_empty(), "{:?}", machine.files());
}

/// A program that runs is not written to, and there is no moment without one.
#[test]
fn install_script_puts_a_new_file_in_the_place_of_the_old_one() {
    let releases = Releases::of(&["0.2.0"]);
    let machine = Machine::new(&releases);
    let program = machine.path("home/.local/bin/tfbackend");
    fs::create_dir_all(program.parent().expect("a folder")).expect("made");
    fs::write(&program, "the old one").expect("written");
    let mut open = fs::File::open(&program).expect("open");
    let before = open.metadata().expect("there").ino();
    let (code, said) = machine.install(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert_ne!(fs::metadata(&program).expect("there").ino(), before);
    let mut old = String::new();
    open.read_to_string(&mut old).expect("read");
    assert_eq!(old, "the old one");
}

/// Of `curl … | sh`, only a part may arrive.
#[test]
fn install_script_that_was_cut_off_does_nothing() {
    let releases = Releases::of(&["0.2.0"]);
    let machine = Machine::new(&releases);
    let whole = page::read("install.sh");
    assert!(whole.is_ascii());
    let lines = whole.match_indices('\n').map(|(at, _)| at + 1);
    let end = whole.len() - 40..whole.len() - 2;
    let cut: BTreeSet<usize> = lines
        .chain(end)
        .filter(|at| *at < whole.len() - 2)
        .collect();
    assert!(cut.len() > 100);
    let part = machine.path("part.sh");
    for at in cut {
        fs::write(&part, &whole[..at]).expect("written");
        let output = machine.command("/bin/sh", &part, &[]).output().expect("sh");
        assert_eq!(machine.files(), [""; 0], "{at}: {output:?}");
        assert_eq!(releases.asked(), [""; 0], "{at}");
    }
}

#[test]
fn install_script_that_is_interrupted_leaves_nothing() {
    let releases = Releases::of(&["0.2.0"]);
    releases.put(&path("0.2.0", &archive("0.2.0", GNU)), Answer::Stalled);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let machine = Machine::new(&releases);
        let script = page::path("install.sh");
        let mut child = machine
            .command("/bin/sh", &script, &[])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("sh");
        let start = Instant::now();
        while releases.asked().last() != Some(&path("0.2.0", &archive("0.2.0", GNU))) {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "nothing is asked for"
            );
            thread::sleep(Duration::from_millis(20));
        }
        kill_process_group(Pid::from_child(&child), signal).expect("a signal");
        let status = child.wait().expect("an end");
        assert_eq!(status.code(), Some(code), "{status}");
        assert_eq!(machine.files(), [""; 0]);
    }
}
