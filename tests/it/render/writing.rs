//! Writing the files: over nothing that is not ours, and never a part.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use insta::assert_snapshot;
use tempfile::{TempDir, tempdir};
use tfbackend::{
    engine::spec::Address,
    terraform::write::{
        RenderError,
        file_status::{FileStatus, NotReplaced, Unwritable},
        files::{FileOutcome, check, preview, write},
        s3::S3BackendConfig,
    },
};

use super::{config, emulated, rendered};

fn folder() -> TempDir {
    tempdir().expect("a folder")
}

fn read(dir: &TempDir, name: &str) -> String {
    fs::read_to_string(dir.path().join(name)).expect("it can be read")
}

fn put(dir: &TempDir, name: &str, text: impl AsRef<[u8]>) {
    fs::write(dir.path().join(name), text).expect("it is written");
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// Names of all that is in the folder, sorted.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("it is there");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("it is there")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

/// What becomes of `backend.tf` and of `backend.conf`.
fn outcomes(dir: &TempDir, config: &S3BackendConfig, overwrite: bool) -> [FileOutcome; 2] {
    let files = rendered(config);
    let foreseen = preview(dir.path(), &files, overwrite).expect("nothing hinders a look");
    let written = write(dir.path(), &files, overwrite).expect("nothing hinders a write");
    let kinds = |outcomes: &[tfbackend::terraform::write::files::WrittenFile]| -> Vec<_> {
        outcomes
            .iter()
            .map(|one| (one.path.clone(), std::mem::discriminant(&one.outcome)))
            .collect()
    };
    assert_eq!(
        kinds(&foreseen),
        kinds(&written),
        "a preview says what happens"
    );
    written
        .into_iter()
        .map(|one| one.outcome)
        .collect::<Vec<_>>()
        .try_into()
        .expect("two files")
}

fn standings(dir: &TempDir, config: &S3BackendConfig) -> [FileStatus; 2] {
    let standings = check(dir.path(), &rendered(config)).expect("nothing hinders a look");
    standings
        .into_iter()
        .map(|(_, standing)| standing)
        .collect::<Vec<_>>()
        .try_into()
        .expect("two files")
}

const NEW: FileOutcome = FileOutcome::Written { backup: None };

fn kept(dir: &TempDir, name: &str) -> FileOutcome {
    FileOutcome::Written {
        backup: Some(dir.path().join(name)),
    }
}

#[test]
fn missing_files_are_written_and_their_folder_is_made() {
    let parent = folder();
    let dir = parent.path().join("infra").join("prod");
    let files = rendered(&config());
    let standings = check(&dir, &files).expect("nothing hinders a look");
    assert!(
        standings
            .iter()
            .all(|(_, standing)| *standing == FileStatus::Missing)
    );
    assert!(!dir.exists(), "a look makes nothing");

    let written = write(&dir, &files, false).expect("nothing hinders a write");
    assert!(written.iter().all(|one| one.outcome == NEW), "{written:?}");
    assert_eq!(names(&dir), ["backend.conf", "backend.tf"]);
    for file in &files {
        assert_eq!(
            fs::read_to_string(dir.join(&file.name)).expect("it can be read"),
            file.text
        );
    }
    // As any new file, whatever the umask is.
    let ordinary = parent.path().join("ordinary");
    fs::write(&ordinary, "").expect("it is written");
    assert_eq!(mode(&dir.join("backend.conf")), mode(&ordinary) & 0o644);
}

#[test]
fn current_files_are_not_touched() {
    let dir = folder();
    assert_eq!(outcomes(&dir, &config(), false), [NEW, NEW]);
    let path = dir.path().join("backend.conf");
    let long_ago = SystemTime::now() - Duration::from_secs(86_400);
    fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(long_ago))
        .expect("it is ours");
    let before = fs::metadata(&path).expect("it is there");
    for overwrite in [false, true] {
        assert_eq!(
            outcomes(&dir, &config(), overwrite),
            [FileOutcome::Unchanged, FileOutcome::Unchanged]
        );
    }
    let after = fs::metadata(&path).expect("it is there");
    assert_eq!(
        (before.modified().ok(), before.ino()),
        (after.modified().ok(), after.ino())
    );
    assert_eq!(
        standings(&dir, &config()),
        [FileStatus::Current, FileStatus::Current]
    );

    // Nothing has to be written, so nothing has to be writable.
    set_mode(&path, 0o444);
    set_mode(dir.path(), 0o555);
    assert_eq!(
        outcomes(&dir, &config(), false),
        [FileOutcome::Unchanged, FileOutcome::Unchanged]
    );
    set_mode(dir.path(), 0o755);
}

#[test]
fn a_checkout_that_turned_the_ends_of_lines_is_current() {
    let dir = folder();
    for file in rendered(&config()) {
        put(&dir, &file.name, file.text.replace('\n', "\r\n"));
    }
    assert_eq!(
        outcomes(&dir, &config(), false),
        [FileOutcome::Unchanged, FileOutcome::Unchanged]
    );
    let other_key = S3BackendConfig {
        key: "net/terraform.tfstate".into(),
        ..config()
    };
    assert_eq!(
        outcomes(&dir, &other_key, false),
        [FileOutcome::Unchanged, NEW]
    );
}

#[test]
fn what_we_wrote_is_replaced_when_settings_change() {
    let dir = folder();
    assert_eq!(outcomes(&dir, &config(), false), [NEW, NEW]);
    set_mode(&dir.path().join("backend.conf"), 0o600);
    let both = S3BackendConfig {
        use_lockfile: true,
        ..config()
    };
    let [tf, conf] = standings(&dir, &both);
    let (FileStatus::Stale { diff: tf }, FileStatus::Stale { diff: conf }) = (tf, conf) else {
        panic!("both are stale")
    };
    assert!(tf.contains("\n+  required_version = \">= 1.10\"\n"), "{tf}");
    assert!(conf.contains("\n+use_lockfile   = true\n"), "{conf}");

    assert_eq!(outcomes(&dir, &both, false), [NEW, NEW]);
    assert_eq!(read(&dir, "backend.conf"), rendered(&both)[1].text);
    assert_eq!(
        mode(&dir.path().join("backend.conf")),
        0o600,
        "who may read it stays"
    );
    assert_eq!(
        names(dir.path()),
        ["backend.conf", "backend.tf"],
        "what can be made again is not kept"
    );
}

#[test]
fn environments_with_different_locks_agree_on_the_block() {
    let dir = folder();
    let lockfile = S3BackendConfig {
        env: "dev".into(),
        dynamodb_table: None,
        use_lockfile: true,
        ..config()
    };
    let of = |config: &S3BackendConfig| {
        tfbackend::terraform::write::files(config, "backend.tf", "{env}.s3.tfbackend")
            .expect("the settings make sense")
    };
    let all: Vec<_> = [of(&config()), of(&lockfile), of(&config()), of(&lockfile)]
        .iter()
        .map(|files| {
            write(dir.path(), files, false)
                .expect("nothing hinders a write")
                .remove(0)
                .outcome
        })
        .collect();
    assert_eq!(
        all,
        [NEW, NEW, FileOutcome::Unchanged, FileOutcome::Unchanged]
    );
    assert_eq!(
        names(dir.path()),
        ["backend.tf", "dev.s3.tfbackend", "prod.s3.tfbackend"]
    );
}

#[test]
fn what_was_changed_by_hand_is_refused_and_nothing_else_written() {
    let dir = folder();
    assert_eq!(outcomes(&dir, &config(), false), [NEW, NEW]);
    let by_hand = read(&dir, "backend.conf").replace("app/", "web/");
    put(&dir, "backend.conf", &by_hand);
    fs::remove_file(dir.path().join("backend.tf")).expect("it was there");

    let [tf, conf] = outcomes(&dir, &config(), false);
    assert_eq!(tf, FileOutcome::HeldBack);
    let FileOutcome::Refused(refusal @ NotReplaced::ChangedByHand { .. }) = conf else {
        panic!("{conf:?}")
    };
    assert_eq!(names(dir.path()), ["backend.conf"]);
    assert_eq!(read(&dir, "backend.conf"), by_hand);
    assert_snapshot!(refusal, @"was changed by hand");
    assert_snapshot!(refusal.hint(), @"move your own arguments to a second file (`init` accepts several `-backend-config`), and replace this one with `--overwrite` (a copy is kept as .bak)");
    assert_snapshot!(refusal.diff().expect("there is one"), @"
    --- backend.conf (content of 19 lines not shown)
    +++ backend.conf (tfbackend)
    ~key
    ");

    assert_eq!(
        outcomes(&dir, &config(), true),
        [NEW, kept(&dir, "backend.conf.bak")]
    );
    assert_eq!(read(&dir, "backend.conf"), rendered(&config())[1].text);
    assert_eq!(read(&dir, "backend.conf.bak"), by_hand);
}

#[test]
fn what_is_not_ours_is_refused_and_its_secrets_are_not_shown() {
    let dir = folder();
    put(
        &dir,
        "backend.conf",
        "bucket     = \"theirs\"\nsecret_key = \"CANARY\"\n",
    );
    let [tf, conf] = outcomes(&dir, &config(), false);
    assert_eq!(tf, FileOutcome::HeldBack);
    let FileOutcome::Refused(refusal @ NotReplaced::NotOurs { .. }) = conf else {
        panic!("{conf:?}")
    };
    let diff = refusal.diff().expect("there is one");
    assert!(
        diff.contains("\n~bucket\n") && diff.ends_with("\n-secret_key\n"),
        "{diff}"
    );
    assert!(
        !format!("{refusal:?}").contains("CANARY") && !diff.contains("theirs"),
        "{refusal:?}"
    );
    assert_snapshot!(refusal, @"was not written by tfbackend");
    assert!(matches!(
        standings(&dir, &config()),
        [
            FileStatus::Missing,
            FileStatus::Refused(NotReplaced::NotOurs { .. })
        ]
    ));
}

#[test]
fn no_copy_is_lost_to_another() {
    let dir = folder();
    let copies = [
        "backend.conf.bak",
        "backend.conf.bak.2",
        "backend.conf.bak.3",
        "backend.conf.bak",
    ];
    let outside = dir.path().join("outside");
    symlink(&outside, dir.path().join("backend.conf.bak.1")).expect("a link");
    for (theirs, copy) in ["one", "two", "three", "one"].into_iter().zip(copies) {
        put(&dir, "backend.conf", theirs);
        set_mode(&dir.path().join("backend.conf"), 0o640);
        assert_eq!(outcomes(&dir, &config(), true)[1], kept(&dir, copy));
        assert_eq!(read(&dir, copy), theirs);
        assert_eq!(mode(&dir.path().join(copy)), 0o640);
    }
    assert!(!outside.exists(), "a link is not followed");
}

#[test]
fn another_environments_file_is_refused() {
    let dir = folder();
    assert_eq!(outcomes(&dir, &config(), false), [NEW, NEW]);
    let dev = S3BackendConfig {
        env: "dev".into(),
        bucket: "acme-dev".into(),
        ..config()
    };
    let [tf, conf] = outcomes(&dir, &dev, false);
    assert_eq!(tf, FileOutcome::Unchanged, "the block is everyone's");
    let FileOutcome::Refused(refusal @ NotReplaced::AnotherEnvironment { .. }) = conf else {
        panic!("{conf:?}")
    };
    assert_snapshot!(refusal, @"belongs to the environment prod of project acme in account 111122223333");
    assert_snapshot!(refusal.hint(), @"`--conf-file '{env}.s3.tfbackend'` keeps one file per environment; `--overwrite` replaces this one (a copy is kept as .bak)");
    assert_eq!(read(&dir, "backend.conf"), rendered(&config())[1].text);
    assert_eq!(
        outcomes(&dir, &dev, true),
        [FileOutcome::Unchanged, kept(&dir, "backend.conf.bak")]
    );
    assert_eq!(read(&dir, "backend.conf.bak"), rendered(&config())[1].text);
}

#[test]
fn an_emulator_takes_no_real_environments_place() {
    let dir = folder();
    let sandbox = emulated("http://127.0.0.1:4566");
    assert_eq!(outcomes(&dir, &sandbox, false), [NEW, NEW]);
    assert_eq!(
        outcomes(&dir, &config(), false),
        [FileOutcome::Unchanged, NEW]
    );
    let [_, conf] = outcomes(&dir, &sandbox, false);
    assert!(
        matches!(
            conf,
            FileOutcome::Refused(NotReplaced::AnotherEnvironment { .. })
        ),
        "{conf:?}"
    );
    let [_, conf] = standings(
        &dir,
        &S3BackendConfig {
            account: "444455556666".into(),
            ..config()
        },
    );
    assert!(
        matches!(
            conf,
            FileStatus::Refused(NotReplaced::AnotherEnvironment { .. })
        ),
        "{conf:?}"
    );
}

/// Whatever stands in the way of `backend.conf` stays, with and without `overwrite`.
#[track_caller]
fn assert_in_the_way(dir: &TempDir, obstacle: Unwritable) {
    let before = names(dir.path());
    for overwrite in [false, true] {
        let refused = FileOutcome::Refused(NotReplaced::Obstacle(obstacle));
        assert_eq!(
            outcomes(dir, &config(), overwrite),
            [FileOutcome::HeldBack, refused]
        );
    }
    assert_eq!(
        standings(dir, &config()),
        [
            FileStatus::Missing,
            FileStatus::Refused(NotReplaced::Obstacle(obstacle))
        ]
    );
    assert_eq!(names(dir.path()), before);
}

#[test]
fn threat_09_a_link_is_not_followed() {
    let dir = folder();
    put(&dir, "profile", "precious\n");
    symlink(dir.path().join("profile"), dir.path().join("backend.conf")).expect("a link");
    assert_in_the_way(&dir, Unwritable::SymbolicLink);
    assert_eq!(read(&dir, "profile"), "precious\n");

    let dangling = folder();
    symlink(
        dangling.path().join("nowhere"),
        dangling.path().join("backend.conf"),
    )
    .expect("a link");
    assert_in_the_way(&dangling, Unwritable::SymbolicLink);

    let current = folder();
    put(&current, "elsewhere", &rendered(&config())[1].text);
    symlink(
        current.path().join("elsewhere"),
        current.path().join("backend.conf"),
    )
    .expect("a link");
    assert_in_the_way(&current, Unwritable::SymbolicLink);
}

#[test]
fn what_is_no_file_stays() {
    let with_folder = folder();
    fs::create_dir(with_folder.path().join("backend.conf")).expect("a folder");
    assert_in_the_way(&with_folder, Unwritable::Folder);

    let with_pipe = folder();
    let made = Command::new("mkfifo")
        .arg(with_pipe.path().join("backend.conf"))
        .status()
        .expect("mkfifo is part of every Unix");
    assert!(made.success());
    assert_in_the_way(&with_pipe, Unwritable::Special);
}

#[test]
fn what_is_read_only_or_no_text_stays() {
    let read_only = folder();
    put(&read_only, "backend.conf", "theirs");
    set_mode(&read_only.path().join("backend.conf"), 0o444);
    assert_in_the_way(&read_only, Unwritable::ReadOnly);
    assert_eq!(read(&read_only, "backend.conf"), "theirs");

    let binary = folder();
    put(&binary, "backend.conf", b"\xff\xfe");
    assert_in_the_way(&binary, Unwritable::NotText);
    assert_eq!(
        fs::read(binary.path().join("backend.conf")).ok().as_deref(),
        Some(&b"\xff\xfe"[..])
    );
}

#[test]
fn a_folder_that_is_none_or_read_only_is_an_error() {
    let dir = folder();
    put(&dir, "out", "");
    let error = write(&dir.path().join("out"), &rendered(&config()), true);
    assert!(
        matches!(error, Err(RenderError::NotAFolder { .. })),
        "{error:?}"
    );
    let error = write(
        &dir.path().join("out").join("deeper"),
        &rendered(&config()),
        true,
    );
    assert!(matches!(error, Err(RenderError::Io { .. })), "{error:?}");

    let read_only = dir.path().join("read-only");
    fs::create_dir(&read_only).expect("a folder");
    set_mode(&read_only, 0o555);
    let error = write(&read_only, &rendered(&config()), true);
    assert!(
        matches!(error, Err(RenderError::ReadOnlyFolder { .. })),
        "{error:?}"
    );
    assert!(names(&read_only).is_empty());
    set_mode(&read_only, 0o755);
}

#[test]
fn a_value_that_is_not_known_is_never_written() {
    let dir = folder();
    let planned = S3BackendConfig {
        kms_key_arn: Some(Address::new("key").output()),
        ..config()
    };
    let foreseen = preview(dir.path(), &rendered(&planned), false)
        .expect("it can be asked for before the key is there");
    assert!(foreseen.iter().all(|one| one.outcome == NEW));
    let error = write(dir.path(), &rendered(&planned), true);
    assert!(
        matches!(error, Err(RenderError::NotKnownYet { .. })),
        "{error:?}"
    );
    assert!(names(dir.path()).is_empty());
}
