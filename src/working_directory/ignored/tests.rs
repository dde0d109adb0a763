//! What git would say, for each place that a pattern can stand in.

use super::*;

/// A repository with these files and, below it, the folder `a/b`; whether its `.terraform` and its
/// `terraform.tfstate` are ignored.
fn ignored(files: &[(&str, &str)]) -> (bool, bool) {
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path().join("a/b");
    fs::create_dir_all(&dir).expect("made");
    fs::create_dir_all(root.path().join(".git/info")).expect("made");
    for (name, text) in files {
        fs::write(root.path().join(name), text).expect("written");
    }
    let ignored = Ignored::of(&dir, &dir.join(".terraform"), &[]).expect("a repository");
    (ignored.data_dir.expect("inside").ignored, ignored.states[0].ignored)
}

#[test]
fn patterns_count_wherever_they_stand() {
    assert_eq!(ignored(&[]), (false, false));
    for (place, patterns, expected) in [
        (".gitignore", ".terraform/\n*.tfstate\n*.tfstate.*\n", (true, true)),
        (".gitignore", "**/.terraform/*\n", (false, false)),
        (".gitignore", "# .terraform\n\n.terraform", (true, false)),
        ("a/.gitignore", "b/*.tfstate\n", (false, true)),
        ("a/.gitignore", "/.terraform\n", (false, false)),
        ("a/b/.gitignore", "/.terraform\n", (true, false)),
        (".git/info/exclude", ".terraform\n*.tfstate\n", (true, true)),
        (".gitignore", "a/\n", (true, true)),
        (".gitignore", "*.tfstate\n!terraform.tfstate\n", (false, false)),
        (".gitignore", "terraform.tfstate/\n", (false, false)),
        (".gitignore", "[\n.terraform\n", (true, false)),
    ] {
        assert_eq!(ignored(&[(place, patterns)]), expected, "{place}: {patterns:?}");
    }
}

#[test]
fn the_nearest_word_counts_but_not_inside_of_what_is_ignored() {
    assert_eq!(ignored(&[(".gitignore", "*.tfstate\n"), ("a/b/.gitignore", "!*.tfstate\n")]), (false, false));
    assert_eq!(ignored(&[(".gitignore", "b/\n"), ("a/b/.gitignore", "!*.tfstate\n")]), (true, true));
    assert_eq!(ignored(&[(".git/info/exclude", "*.tfstate\n"), (".gitignore", "!*.tfstate\n")]), (false, false));
}

#[test]
fn outside_of_a_repository_nothing_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    assert_eq!(Ignored::of(dir.path(), &dir.path().join(".terraform"), &[]), None);
}

#[test]
fn working_data_elsewhere_is_none_of_gits_business() {
    let root = tempfile::tempdir().expect("a folder");
    fs::create_dir(root.path().join(".git")).expect("made");
    let ignored = Ignored::of(root.path(), Path::new("/elsewhere/data"), &[]).expect("a repository");
    assert_eq!(ignored.data_dir, None);
    assert_eq!(ignored.states.len(), 2);
    // In the repository all the same, beside the folder.
    let dir = root.path().join("a");
    fs::create_dir(&dir).expect("made");
    fs::create_dir(root.path().join("data")).expect("made");
    let data = |patterns: &str| {
        fs::write(root.path().join(".gitignore"), patterns).expect("written");
        Ignored::of(&dir, &dir.join("../data"), &[]).expect("a repository").data_dir.map(|standing| standing.ignored)
    };
    assert_eq!((data("/data\n"), data("/a\n")), (Some(true), Some(false)));
}

#[test]
fn a_linked_work_tree_has_the_excludes_of_its_repository() {
    let root = tempfile::tempdir().expect("a folder");
    let at = |name: &str| root.path().join(name);
    fs::create_dir_all(at("main/.git/info")).expect("made");
    fs::create_dir_all(at("main/.git/worktrees/w")).expect("made");
    fs::create_dir(at("w")).expect("made");
    fs::write(at("main/.git/info/exclude"), ".terraform\n").expect("written");
    fs::write(at("main/.git/worktrees/w/commondir"), "../..\n").expect("written");
    fs::write(at("w/.git"), format!("gitdir: {}\n", at("main/.git/worktrees/w").display())).expect("written");
    let ignored = Ignored::of(&at("w"), &at("w/.terraform"), &[]).expect("a repository");
    assert!(ignored.data_dir.expect("inside").ignored && !ignored.states[0].ignored);
}

/// The same patterns, asked of git itself.
#[test]
fn git_says_the_same() {
    let git = |dir: &Path, args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(args).current_dir(dir).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.output().expect("this test needs `git` on PATH").status.code()
    };
    for patterns in [
        "*.tfstate",
        "**/.terraform/*",
        ".terraform/",
        "/.terraform",
        "a",
        "a/b",
        "/b",
        "a/**",
        "**/b",
        "!b",
        "*\n!a/",
        "*\n!*/\n!*.tfstate",
        "a/*\n!a/b",
        "[",
        "\\.terraform",
        ".terraform ",
        "t?rraform.tfstate",
        "terraform.tfstate\\ ",
        "*.TFSTATE",
    ] {
        let root = tempfile::tempdir().expect("a folder");
        let dir = root.path().join("a/b");
        fs::create_dir_all(dir.join(".terraform")).expect("made");
        assert_eq!(git(root.path(), &["init", "-q"]), Some(0));
        fs::write(root.path().join(".gitignore"), format!("{patterns}\n")).expect("written");
        let ignored = Ignored::of(&dir, &dir.join(".terraform"), &[]).expect("a repository");
        let asked = |name: &str| git(&dir, &["check-ignore", "-q", name]) == Some(0);
        assert_eq!(ignored.data_dir.expect("inside").ignored, asked(".terraform"), "{patterns:?}");
        assert_eq!(ignored.states[0].ignored, asked("terraform.tfstate"), "{patterns:?}");
    }
}
