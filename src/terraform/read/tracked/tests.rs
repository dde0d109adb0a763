//! What Git tracks, asked of Git itself; and damaged indexes.

use std::{fs, process::Command};

use proptest::prelude::*;

use super::*;

fn git(dir: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    let ran = command.output().expect("this test needs `git` on PATH");
    assert!(
        ran.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).expect("text")
}

#[test]
fn git_says_the_same_of_every_version_of_the_index() {
    for (version, format) in [
        ("2", "sha1"),
        ("3", "sha1"),
        ("4", "sha1"),
        ("2", "sha256"),
        ("4", "sha256"),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        git(
            dir.path(),
            &["init", "-q", &format!("--object-format={format}")],
        );
        assert_eq!(
            tracked(&dir.path().join(".git"), |_| true),
            Ok(vec![]),
            "there is no index yet"
        );
        let long = format!("{}/terraform.tfstate", "x".repeat(200));
        for name in [
            "a",
            "ab",
            "abc.tfstate",
            "b/terraform.tfstate",
            "b/terraform.tfvars",
            "\u{e9}.tf",
            "with space",
            &long,
        ] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, name).expect("written");
        }
        git(dir.path(), &["add", "."]);
        // Which makes an entry with more flags, for version 3.
        fs::write(dir.path().join("later"), "").expect("written");
        git(dir.path(), &["add", "-N", "later"]);
        git(
            dir.path(),
            &["update-index", &format!("--index-version={version}")],
        );
        let listed = git(dir.path(), &["ls-files", "-z"]);
        let listed: Vec<&str> = listed.split_terminator('\0').collect();
        let found = tracked(&dir.path().join(".git"), |_| true).expect("an index");
        assert_eq!(found, listed, "{version} {format}");
        assert_eq!(
            tracked(&dir.path().join(".git"), |path| path.ends_with(".tfstate"))
                .expect("an index")
                .len(),
            3
        );
    }
}

#[test]
fn what_is_split_is_not_taken_for_all() {
    let dir = tempfile::tempdir().expect("a folder");
    git(dir.path(), &["init", "-q"]);
    fs::write(dir.path().join("a"), "").expect("written");
    git(dir.path(), &["add", "a"]);
    git(dir.path(), &["update-index", "--split-index"]);
    let error = tracked(&dir.path().join(".git"), |_| true).expect_err("split");
    assert_eq!(error.error, "has an unknown index format");
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(version in 0_u32..6, count in any::<u32>(), bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let bytes = [&b"DIRC"[..], &version.to_be_bytes(), &count.to_be_bytes(), &bytes].concat();
        for hash in [20, 32] {
            prop_assert!(paths(&bytes, hash, &|_| true).is_none_or(|found| found.len() <= MOST));
        }
    }
}
