//! What git would say, for each place that a pattern can stand in.

use super::*;

/// A repository with these files and, below it, the folder `a/b`; whether its `.terraform` and its
/// `terraform.tfstate` are ignored.
fn ignored(files: &[(&str, &str)]) -> (bool, bool) {
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path().join("a/b");
    fs::create_dir_all(&dir).expect("made");
    fs::create_dir_all(dir.join(".terraform/providers/x")).expect("made");
    fs::write(dir.join(".terraform/providers/x/y"), "").expect("written");
    fs::create_dir_all(root.path().join(".git/info")).expect("made");
    for (name, text) in files {
        fs::write(root.path().join(name), text).expect("written");
    }
    let ignored = IgnoreStatus::of(&dir, &dir.join(".terraform"), &[], &[]).expect("a repository");
    (
        ignored.data_dir.expect("inside").ignored == Ok(true),
        ignored.states[0].ignored == Ok(true),
    )
}

#[test]
fn patterns_count_wherever_they_stand() {
    assert_eq!(ignored(&[]), (false, false));
    for (place, patterns, expected) in [
        (
            ".gitignore",
            ".terraform/\n*.tfstate\n*.tfstate.*\n",
            (true, true),
        ),
        // As the template that GitHub offers has it.
        (
            ".gitignore",
            "**/.terraform/*\n*.tfstate\n*.tfstate.*\n",
            (true, true),
        ),
        (".gitignore", "**/.terraform/**\n", (true, false)),
        (
            ".gitignore",
            ".terraform/*\n!.terraform/terraform.tfstate\n",
            (false, false),
        ),
        (".gitignore", "# .terraform\n\n.terraform", (true, false)),
        ("a/.gitignore", "b/*.tfstate\n", (false, true)),
        ("a/.gitignore", "/.terraform\n", (false, false)),
        ("a/b/.gitignore", "/.terraform\n", (true, false)),
        (".git/info/exclude", ".terraform\n*.tfstate\n", (true, true)),
        (".gitignore", "a/\n", (true, true)),
        (
            ".gitignore",
            "*.tfstate\n!terraform.tfstate\n",
            (false, false),
        ),
        (".gitignore", "terraform.tfstate/\n", (false, false)),
        (".gitignore", "[\n.terraform\n", (true, false)),
    ] {
        assert_eq!(
            ignored(&[(place, patterns)]),
            expected,
            "{place}: {patterns:?}"
        );
    }
}

#[test]
fn the_nearest_word_counts_but_not_inside_of_what_is_ignored() {
    assert_eq!(
        ignored(&[
            (".gitignore", "*.tfstate\n"),
            ("a/b/.gitignore", "!*.tfstate\n")
        ]),
        (false, false)
    );
    assert_eq!(
        ignored(&[(".gitignore", "b/\n"), ("a/b/.gitignore", "!*.tfstate\n")]),
        (true, true)
    );
    assert_eq!(
        ignored(&[
            (".git/info/exclude", "*.tfstate\n"),
            (".gitignore", "!*.tfstate\n")
        ]),
        (false, false)
    );
}

/// What counts of a folder are the files that git would commit from it.
#[test]
fn a_folder_is_ignored_if_every_file_in_it_is() {
    let git = |root: &Path, args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command
            .args(args)
            .current_dir(root)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        let ran = command.output().expect("this test needs `git` on PATH");
        assert!(ran.status.success(), "{args:?}");
        String::from_utf8(ran.stdout).expect("text")
    };
    for (place, patterns) in [
        (".gitignore", "**/.terraform/*\n"),
        (".gitignore", "**/.terraform/**\n"),
        (".gitignore", "*\n!*/\n!.gitignore\n"),
        ("infra/.terraform/.gitignore", "*\n"),
        (".gitignore", ".terraform/*\n!.terraform/environment\n"),
        (".gitignore", ".terraform/*\n!.terraform/modules/\n"),
        (".gitignore", ".terraform/terraform.tfstate\n"),
        (".gitignore", "*.tfstate\n"),
        (
            ".gitignore",
            "infra/.terraform/*.tfstate\ninfra/.terraform/environment\ninfra/.terraform/modules\n",
        ),
        (".gitignore", "environment\nmodules\n"),
    ] {
        let root = tempfile::tempdir().expect("a folder");
        let dir = root.path().join("infra");
        let data = dir.join(".terraform");
        fs::create_dir_all(data.join("modules/a")).expect("made");
        for name in [
            "terraform.tfstate",
            "environment",
            "modules/modules.json",
            "modules/a/main.tf",
        ] {
            fs::write(data.join(name), "").expect("written");
        }
        fs::write(root.path().join(place), patterns).expect("written");
        git(root.path(), &["init", "-q"]);
        let ignored = IgnoreStatus::of(&dir, &data, &[], &[]).expect("a repository");
        git(root.path(), &["add", "-A"]);
        let committed = git(root.path(), &["ls-files", "infra/.terraform"]);
        let left = committed
            .lines()
            .filter(|name| !name.ends_with(".gitignore"))
            .count();
        assert_eq!(
            ignored.data_dir.expect("inside").ignored,
            Ok(left == 0),
            "{patterns:?}: {committed}"
        );
    }
}

#[test]
fn what_was_not_looked_at_is_unknown() {
    let root = tempfile::tempdir().expect("a folder");
    let data = root.path().join(".terraform");
    fs::create_dir_all(data.join("modules")).expect("made");
    fs::create_dir(root.path().join(".git")).expect("made");
    fs::write(root.path().join(".gitignore"), "*.tfstate\nb*\n").expect("written");
    let of = || {
        IgnoreStatus::of(root.path(), &data, &[], &[])
            .expect("a repository")
            .data_dir
            .expect("inside")
            .ignored
    };
    assert_eq!(of(), Ok(true));
    for number in 0..=MOST {
        fs::write(data.join(format!("modules/b{number}")), "").expect("written");
    }
    assert_eq!(
        of(),
        Err(UnreadableFile::new(&data, "has more than 2000 entries"))
    );
    // What is found is known, however much more there is.
    fs::write(data.join("modules/a"), "").expect("written");
    fs::write(root.path().join(".gitignore"), "*.tfstate\n").expect("written");
    assert_eq!(of(), Ok(false));
    // Nothing of it is looked at where all of it is ignored.
    fs::write(root.path().join(".gitignore"), ".terraform/\n").expect("written");
    assert_eq!(of(), Ok(true));
}

#[test]
fn outside_of_a_repository_nothing_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    assert_eq!(
        IgnoreStatus::of(dir.path(), &dir.path().join(".terraform"), &[], &[]),
        None
    );
}

#[test]
fn working_data_elsewhere_is_none_of_gits_business() {
    let root = tempfile::tempdir().expect("a folder");
    fs::create_dir(root.path().join(".git")).expect("made");
    let ignored = IgnoreStatus::of(root.path(), Path::new("/elsewhere/data"), &[], &[])
        .expect("a repository");
    assert_eq!(ignored.data_dir, None);
    assert_eq!(ignored.states.len(), 2);
    // In the repository all the same, beside the folder.
    let dir = root.path().join("a");
    fs::create_dir(&dir).expect("made");
    fs::create_dir(root.path().join("data")).expect("made");
    let data = |patterns: &str| {
        fs::write(root.path().join(".gitignore"), patterns).expect("written");
        IgnoreStatus::of(&dir, &dir.join("../data"), &[], &[])
            .expect("a repository")
            .data_dir
            .map(|standing| standing.ignored == Ok(true))
    };
    assert_eq!(
        (data("/data\n"), data("/data/*\n"), data("/a\n")),
        (Some(true), Some(true), Some(false))
    );
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
    fs::write(
        at("w/.git"),
        format!("gitdir: {}\n", at("main/.git/worktrees/w").display()),
    )
    .expect("written");
    let ignored = IgnoreStatus::of(&at("w"), &at("w/.terraform"), &[], &[]).expect("a repository");
    assert_eq!(
        (
            ignored.data_dir.expect("inside").ignored,
            &ignored.states[0].ignored
        ),
        (Ok(true), &Ok(false))
    );
}

#[test]
fn copies_of_states_are_to_be_ignored_too() {
    let root = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(root.path().join(".git")).expect("made");
    let names = [
        "main.tf",
        "tfbackend-backup-prod-20261128T225339Z.tar.zst",
        "tfbackend-digest-before-repair-x.json",
    ]
    .map(str::to_owned);
    let of = || {
        let ignored = IgnoreStatus::of(root.path(), &root.path().join(".terraform"), &names, &[])
            .expect("a repository");
        let name = |standing: &IgnoreState| {
            standing
                .path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        };
        ignored
            .states
            .iter()
            .skip(2)
            .map(|standing| (name(standing), standing.ignored == Ok(true)))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(), [(names[1].clone(), false), (names[2].clone(), false)]);
    fs::create_dir(root.path().join(".tfbackend")).expect("made");
    assert_eq!(of()[2], (".tfbackend".to_owned(), false));
    fs::write(root.path().join(".gitignore"), "**/.tfbackend/*\n").expect("written");
    assert_eq!(of()[2], (".tfbackend".to_owned(), true));
    fs::write(root.path().join(".tfbackend/.gitignore"), "*\n").expect("written");
    fs::write(root.path().join(".gitignore"), "tfbackend-*\n").expect("written");
    assert!(of().iter().all(|(_, ignored)| *ignored), "{:?}", of());
}

#[test]
fn what_is_tracked_is_named_though_it_is_ignored() {
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path().join("infra");
    let git = |args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command
            .args(args)
            .current_dir(root.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        assert!(
            command
                .status()
                .expect("this test needs `git` on PATH")
                .success()
        );
    };
    git(&["init", "-q"]);
    let secret = [
        ".terraform/terraform.tfstate",
        ".tfbackend/tfbackend-backup-prod-20261128T225339Z.tar.zst",
        "terraform.tfstate",
        "terraform.tfstate.d/blue/terraform.tfstate",
        "tfbackend-before-restore-20261128T225339Z.tfstate",
        "tfbackend-digest-before-repair-20261128T225339Z.json",
    ];
    for name in secret.iter().chain(&[
        "main.tf",
        ".tfbackend/.gitignore",
        ".terraform/environment",
        "other/terraform.tfstate",
    ]) {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, name).expect("written");
    }
    fs::write(root.path().join("terraform.tfstate"), "of another folder").expect("written");
    git(&["add", "."]);
    fs::write(root.path().join(".gitignore"), "*\n").expect("written");
    let of = |dir: &Path| {
        IgnoreStatus::of(dir, &dir.join(".terraform"), &[], &[])
            .expect("a repository")
            .tracked
            .expect("an index")
    };
    let names: Vec<String> = of(&dir)
        .iter()
        .map(|path| {
            path.strip_prefix(&dir)
                .expect("inside")
                .display()
                .to_string()
        })
        .collect();
    assert_eq!(names, secret);
    // What `init` stored elsewhere in the repository.
    let (other, data_dir) = (dir.join("other"), dir.join("other/../.terraform"));
    let beside = IgnoreStatus::of(&other, &data_dir, &[], &[]).expect("a repository");
    assert_eq!(
        beside.tracked,
        Ok(vec![
            data_dir.join("terraform.tfstate"),
            other.join("terraform.tfstate")
        ])
    );
    // Other users have theirs in the folder.
    let outside = tempfile::tempdir().expect("a folder");
    let beside = IgnoreStatus::of(&dir, outside.path(), &[], &[])
        .expect("a repository")
        .tracked
        .expect("an index");
    assert!(
        beside.contains(&dir.join(".terraform/terraform.tfstate")),
        "{beside:?}"
    );
    git(&["rm", "-r", "-q", "--cached", "infra"]);
    assert_eq!(of(&dir), [] as [PathBuf; 0]);
    assert_eq!(of(root.path()), [root.path().join("terraform.tfstate")]);
}

/// The same patterns, asked of git itself.
#[test]
fn git_says_the_same() {
    let git = |dir: &Path, args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command
            .args(args)
            .current_dir(dir)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        command
            .output()
            .expect("this test needs `git` on PATH")
            .status
            .code()
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
        let ignored =
            IgnoreStatus::of(&dir, &dir.join(".terraform"), &[], &[]).expect("a repository");
        let asked = |name: &str| git(&dir, &["check-ignore", "-q", name]) == Some(0);
        let stored = asked(".terraform/terraform.tfstate");
        assert_eq!(
            ignored.data_dir.expect("inside").ignored,
            Ok(stored),
            "{patterns:?}"
        );
        assert_eq!(
            ignored.states[0].ignored,
            Ok(asked("terraform.tfstate")),
            "{patterns:?}"
        );
    }
}
