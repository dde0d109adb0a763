//! What `install.sh` refuses. Nothing is left behind then, and the program that is there stays.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
};

use super::releases::{Answer, Machine, Releases, packed, path, sha256};
use crate::support::page;

const TARGET: &str = "x86_64-unknown-linux-gnu";
const ARCHIVE: &str = "tfbackend-0.2.0-x86_64-unknown-linux-gnu.tar.gz";

/// Fails with these words, in an empty home and beside a program that is there.
#[track_caller]
fn refuses(machine: &Machine, args: &[&str], words: &str) {
    let program = machine.path("home/.local/bin/tfbackend");
    for is_there in [false, true] {
        if is_there {
            fs::create_dir_all(program.parent().expect("a folder")).expect("made");
            fs::write(&program, "the old one").expect("written");
        }
        let before = machine.files();
        let (code, said) = machine.install(args);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(words), "no {words:?}: {said}");
        assert_eq!(machine.files(), before, "{said}");
        if is_there {
            let text = fs::read_to_string(&program).expect("a program");
            assert_eq!(text, "the old one", "{said}");
        }
    }
    fs::remove_dir_all(machine.path("home/.local")).expect("removed");
}

#[test]
fn threat_28_install_script_refuses_what_was_not_released() {
    let archive = path("0.2.0", ARCHIVE);
    let sums = path("0.2.0", "SHA256SUMS");
    let bytes = Releases::of(&["0.2.0"]).bytes(&archive);
    let other = packed("0.2.0", TARGET, "#!/bin/sh\necho tfbackend 6.6.6\n");
    let broken = packed("0.2.0", TARGET, "#!/bin/sh\nexit 126\n");
    let listed = |bytes: &[u8]| format!("{}  {ARCHIVE}\n", sha256(bytes)).into_bytes();
    let wrong = format!("{}  {ARCHIVE}\n", "0".repeat(64)).into_bytes();
    let whole = Answer::Whole;
    for (what, answers, words) in [
        (
            "another archive",
            vec![(&archive, whole(other.clone()))],
            "has the wrong checksum: ",
        ),
        (
            "another checksum",
            vec![(&sums, whole(wrong))],
            "has the wrong checksum: ",
        ),
        (
            "a part, with its length",
            vec![(&archive, Answer::CutOff(bytes.clone()))],
            "cannot download ",
        ),
        (
            "a part, as if it were all",
            vec![(&archive, whole(bytes[..bytes.len() / 2].to_vec()))],
            "has the wrong checksum: ",
        ),
        (
            "a part of the checksums",
            vec![(&sums, Answer::CutOff(listed(&bytes)))],
            "cannot download ",
        ),
        (
            "no entry",
            vec![(
                &sums,
                whole(format!("{}  other\n", sha256(&bytes)).into_bytes()),
            )],
            "SHA256SUMS of the release has no archive for x86_64-unknown-linux-gnu",
        ),
        (
            "nothing in the list",
            vec![(&sums, whole(vec![]))],
            "SHA256SUMS of the release has no archive for x86_64-unknown-linux-gnu",
        ),
        (
            "no checksum",
            vec![(&sums, whole(format!("none  {ARCHIVE}\n").into_bytes()))],
            "SHA256SUMS has no valid SHA-256 for x86_64-unknown-linux-gnu",
        ),
        (
            "a page instead of the list",
            vec![(&sums, whole(b"<html>sign in</html>\n".to_vec()))],
            "SHA256SUMS of the release has no archive for x86_64-unknown-linux-gnu",
        ),
        (
            "no archive",
            vec![(&archive, Answer::Elsewhere("/nothing".to_owned()))],
            "cannot download ",
        ),
        (
            "what is not an archive",
            vec![
                (&archive, whole(b"text".to_vec())),
                (&sums, whole(listed(b"text"))),
            ],
            "cannot unpack tfbackend-0.2.0-x86_64-unknown-linux-gnu.tar.gz",
        ),
        (
            "a program of another version",
            vec![
                (&archive, whole(other.clone())),
                (&sums, whole(listed(&other))),
            ],
            "the archive has another program: tfbackend 6.6.6 (expected: tfbackend 0.2.0)",
        ),
        (
            "a program that does not start",
            vec![
                (&archive, whole(broken.clone())),
                (&sums, whole(listed(&broken))),
            ],
            "the program for x86_64-unknown-linux-gnu does not start on this machine",
        ),
    ] {
        let releases = Releases::of(&["0.2.0"]);
        for (path, answer) in answers {
            releases.put(path, answer);
        }
        println!("{what}");
        let machine = Machine::new(&releases);
        refuses(&machine, &[], words);
        refuses(&machine, &["--version", "0.2.0"], words);
    }
}

#[test]
fn install_script_compares_the_checksum_that_is_given() {
    let releases = Releases::of(&["0.2.0"]);
    let machine = Machine::new(&releases);
    let sum = sha256(&releases.bytes(&path("0.2.0", ARCHIVE)));
    let args = ["--version", "0.2.0", "--sha256"];
    refuses(
        &machine,
        &[&args[..], &[&"0".repeat(64)]].concat(),
        &format!("SHA256SUMS has {sum} for {ARCHIVE}, expected 000"),
    );
    assert!(!releases.asked().contains(&path("0.2.0", ARCHIVE)));
    let (code, said) = machine.install(&[&args[..], &[&sum]].concat());
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn install_script_names_the_version_that_is_not_released() {
    let machine = Machine::new(&Releases::of(&["0.2.0"]));
    refuses(
        &machine,
        &["--version", "9.9.9"],
        "hint: is 9.9.9 a release? see https://github.com/tfbackend/tfbackend/releases",
    );
}

/// Before anything is downloaded.
#[test]
fn install_script_refuses_what_cannot_work() {
    let releases = Releases::of(&["0.2.0"]);
    let machine = || Machine::new(&releases);
    let without = |tools: &[&str]| {
        let machine = machine();
        for tool in tools {
            machine.without(tool);
        }
        machine
    };
    let of = |system, processor| {
        let machine = machine();
        machine.is(system, processor, None);
        machine
    };
    let with = |name: &str, value: &str| {
        let mut machine = machine();
        machine.vars.insert(name.to_owned(), value.to_owned());
        machine
    };
    let sum = if super::releases::found("sha256sum").is_some() {
        "sha256sum"
    } else {
        "shasum"
    };
    let rows: [(Machine, &[&str], &str); 15] = [
        (
            of("SunOS", "sun4v"),
            &[],
            "there is no release for SunOS on sun4v",
        ),
        (
            of("Linux", "riscv64"),
            &[],
            "cargo install --locked --git https://github.com/",
        ),
        (
            of("FreeBSD", "amd64"),
            &[],
            "there is no release for FreeBSD on amd64",
        ),
        (
            of("MINGW64_NT-10.0", "x86_64"),
            &[],
            "this script does not install on Windows",
        ),
        (without(&["curl"]), &[], "neither curl nor wget is on PATH"),
        (without(&[sum]), &[], "sha256sum is not on PATH"),
        (
            machine(),
            &["--to", "/dev/null/bin"],
            "/dev/null is not a folder",
        ),
        (machine(), &["--to"], "--to needs a value"),
        (machine(), &["--version", ""], "--version needs a value"),
        (
            machine(),
            &["--version", "../../x"],
            "../../x is not a valid version",
        ),
        (
            machine(),
            &["--version", "1/2"],
            "1/2 is not a valid version",
        ),
        (machine(), &["--force"], "unknown argument --force"),
        (with("HOME", ""), &[], "HOME is not set"),
        (
            with("TFBACKEND_DOWNLOAD_URL", "http://example.com"),
            &[],
            "http://example.com/latest/download/SHA256SUMS is not an https address",
        ),
        (
            with("TFBACKEND_DOWNLOAD_URL", "file:///etc"),
            &["--version", "0.2.0"],
            "is not an https address",
        ),
    ];
    for (machine, args, words) in rows {
        refuses(&machine, args, words);
        assert_eq!(releases.asked(), [""; 0], "{words}");
    }

    let machine = Machine::new(&releases);
    fs::create_dir_all(machine.path("home/bin/tfbackend")).expect("made");
    let (code, said) = machine.install(&["--to", "home/bin"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("~/home/bin/tfbackend is a folder"), "{said}");
    assert_eq!(machine.files(), ["home/bin", "home/bin/tfbackend"]);
    assert_eq!(releases.asked(), [""; 0]);
}

/// As another user, if the tests run as root, who may write everywhere.
#[test]
fn install_script_refuses_a_folder_that_is_not_writable() {
    let releases = Releases::of(&["0.2.0"]);
    let machine = Machine::new(&releases);
    let script = machine.path("install.sh");
    fs::copy(page::path("install.sh"), &script).expect("copied");
    let mode = |name, mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(machine.path(name), permissions).expect("changed");
    };
    mode("", 0o755);
    mode("tmp", 0o777);
    mode("home", 0o555);
    let mut command = machine.command("/bin/sh", &script, &[]);
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    let (code, said) = machine.told(&command.output().expect("sh"));
    mode("home", 0o755);
    assert_eq!(code, Some(1), "{said}");
    insta::assert_snapshot!(said, @r"
    error: ~/home is not writable
      hint: pass another folder with --to DIR
    ");
    assert_eq!(machine.files(), [""; 0]);
    assert_eq!(releases.asked(), [""; 0]);
}

/// Root may write everywhere, and so the tools of the system refuse it.
#[test]
fn install_script_leaves_nothing_where_it_may_not_write() {
    for (tool, words) in [
        ("mkdir", "cannot create ~/home/.local/bin"),
        ("cp", "cannot write to ~/home/.local/bin"),
        ("chmod", "cannot write to ~/home/.local/bin"),
        ("mv", "cannot replace ~/home/.local/bin/tfbackend"),
    ] {
        let machine = Machine::new(&Releases::of(&["0.2.0"]));
        machine.tool(tool, "echo denied >&2; exit 1");
        let (code, said) = machine.install(&[]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(words), "no {words:?}: {said}");
        assert_eq!(machine.files(), [""; 0], "{tool}");
    }
}
