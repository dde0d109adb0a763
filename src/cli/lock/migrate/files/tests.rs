//! Which files are edited: those of a folder, or all below it; no hidden one, no link, no other
//! backend.

use std::fs;

use super::*;

const WANTED: WantedArguments<'_> = WantedArguments {
    bucket: "states",
    table: Some("locks"),
    use_table: true,
    use_file: true,
};
const BLOCK: &str = "terraform {\n  backend \"s3\" {\n    bucket         = \"states\"\n    \
                     dynamodb_table = \"locks\"\n  }\n}\n";
const PARTIAL: &str = "bucket = \"states\"\ndynamodb_table = \"locks\"\n";

fn read_of(places: &FolderPaths<'_>) -> FolderReadings {
    FolderReadings::read(places, false).expect("looked at")
}

fn looked(root: &Path, below: bool, named: &[PathBuf]) -> BackendEdits {
    read_of(&FolderPaths {
        root,
        below,
        named,
        data_dir: None,
        out: None,
    })
    .plan(&WANTED)
}

fn put(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, text).expect("written");
}

fn names(root: &Path, paths: impl Iterator<Item = PathBuf>) -> Vec<String> {
    paths
        .map(|path| {
            path.strip_prefix(root)
                .expect("below")
                .display()
                .to_string()
        })
        .collect()
}

#[test]
fn a_folder_or_all_below_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    put(root, "backend.tf", "terraform {\n  backend \"s3\" {}\n}\n");
    put(root, "main.tf", "resource \"a\" \"b\" {}\n");
    put(root, "prod.s3.tfbackend", PARTIAL);
    put(root, "app/main.tf", BLOCK);
    put(
        root,
        "app/module/main.tf",
        &BLOCK.replace("states", "others"),
    );
    put(root, "app/deep/er/x.tf", BLOCK);
    put(root, "tofu/main.tofu", BLOCK);
    put(
        root,
        "json/backend.tf.json",
        "{\"terraform\":{\"backend\":{\"s3\":{\"bucket\":\"states\",\"dynamodb_table\":\"locks\"\
         }}}}",
    );
    put(
        root,
        "odd/main.tf",
        &BLOCK.replace("\"locks\"", "var.table"),
    );
    put(root, "broken/main.tf", "terraform {\n  backend \"s3\" {\n");
    put(root, ".terraform/modules/x/main.tf", BLOCK);
    put(root, ".git/main.tf", BLOCK);
    #[cfg(unix)]
    std::os::unix::fs::symlink(root.join("app"), root.join("link")).expect("a link");

    let here = looked(root, false, &[]);
    assert_eq!(
        names(root, here.edits.iter().map(|(read, _)| read.path.clone())),
        ["prod.s3.tfbackend"]
    );
    assert_eq!(
        here.init,
        ["terraform init -reconfigure -backend-config=prod.s3.tfbackend"]
    );
    let all = looked(root, true, &[]);
    let edited = names(root, all.edits.iter().map(|(read, _)| read.path.clone()));
    assert_eq!(
        edited,
        [
            "prod.s3.tfbackend",
            "app/main.tf",
            "tofu/main.tofu",
            "app/deep/er/x.tf"
        ]
    );
    assert_eq!(
        all.init,
        [
            "terraform init -reconfigure -backend-config=prod.s3.tfbackend",
            "terraform -chdir=app init -reconfigure",
            "tofu -chdir=tofu init -reconfigure",
            "terraform -chdir=app/deep/er init -reconfigure",
        ]
    );
    let by_hand = all.by_hand.iter().map(|(path, why)| {
        format!(
            "{}: {why}",
            path.strip_prefix(root).expect("below").display()
        )
    });
    assert_eq!(
        by_hand.collect::<Vec<_>>(),
        [
            "broken/main.tf: is not valid HCL at line 2, column 16",
            "json/backend.tf.json: it is JSON: set `use_lockfile` to true",
            "odd/main.tf: `dynamodb_table` is not a literal value there",
        ]
    );
    for (read, text) in &all.edits {
        read.replace(text).expect("written");
    }
    let again = looked(root, true, &[]);
    assert_eq!(
        (again.edits.len(), again.current.len()),
        (0, 4),
        "{again:?}"
    );
    assert_eq!(
        fs::read_to_string(root.join(".terraform/modules/x/main.tf")).expect("there"),
        BLOCK
    );
}

#[test]
fn a_partial_configuration_of_any_name() {
    let dir = tempfile::tempdir().expect("a folder");
    put(
        dir.path(),
        "main.tf",
        "terraform {\n  backend \"s3\" {}\n}\n",
    );
    put(dir.path(), "conf/state.hcl", PARTIAL);
    let named = [PathBuf::from("conf/state.hcl")];
    let files = looked(dir.path(), false, &named);
    assert_eq!(files.edits.len(), 1, "{files:?}");
    assert_eq!(looked(dir.path(), false, &[]).edits.len(), 0);
}

/// What is in use is what block and partial configuration say together, of this bucket and no
/// other.
#[test]
fn the_lock_that_files_choose() {
    use LockMechanism::{Both, Dynamodb, S3};
    let now = |files: &[(&str, &str)]| {
        let dir = tempfile::tempdir().expect("a folder");
        files
            .iter()
            .for_each(|(name, text)| put(dir.path(), name, text));
        read_of(&FolderPaths {
            root: dir.path(),
            below: false,
            named: &[],
            data_dir: None,
            out: None,
        })
        .now("states")
    };
    let stub = ("backend.tf", "terraform {\n  backend \"s3\" {}\n}\n");
    let file = (
        "backend.tf",
        "terraform {\n  backend \"s3\" {\n    use_lockfile = true\n  }\n}\n",
    );
    let (bare, table) = (
        ("a.s3.tfbackend", "bucket = \"states\"\n"),
        ("a.s3.tfbackend", PARTIAL),
    );
    assert_eq!(now(&[]), None);
    assert_eq!(now(&[stub]), None);
    assert_eq!(now(&[stub, bare]), None, "no lock at all");
    assert_eq!(now(&[stub, table]), Some(Dynamodb));
    assert_eq!(now(&[file, table]), Some(Both));
    assert_eq!(now(&[file, bare]), Some(S3));
    assert_eq!(now(&[("main.tf", BLOCK)]), Some(Dynamodb));
    assert_eq!(
        now(&[("main.tf", &BLOCK.replace("states", "others"))]),
        None
    );
    // Of two that differ, the one that the other does not see.
    assert_eq!(
        now(&[
            stub,
            table,
            (
                "b.s3.tfbackend",
                "bucket = \"states\"\nuse_lockfile = true\n"
            )
        ]),
        Some(Dynamodb)
    );
}

/// An environment's own files are edited where its settings put them, whatever they are called.
#[test]
fn the_files_of_an_environment_are_looked_at_where_they_are() {
    let dir = tempfile::tempdir().expect("a folder");
    put(
        dir.path(),
        "infra/backend.tf",
        "terraform {\n  backend \"s3\" {}\n}\n",
    );
    put(dir.path(), "infra/our backend", PARTIAL);
    let out = Some((dir.path().join("infra"), PathBuf::from("our backend")));
    let folders = read_of(&FolderPaths {
        root: dir.path(),
        below: false,
        named: &[],
        data_dir: None,
        out,
    });
    let files = folders.plan(&WANTED);
    assert_eq!(
        names(
            dir.path(),
            files.edits.iter().map(|(read, _)| read.path.clone())
        ),
        ["infra/our backend"]
    );
    assert_eq!(
        (folders.now("states"), files.init.len()),
        (Some(LockMechanism::Dynamodb), 1)
    );
    assert!(files.are_here());
}

const FILES_ONLY: WantedArguments<'_> = WantedArguments {
    use_table: false,
    ..WANTED
};
const STUB: &str =
    "terraform {\n  backend \"s3\" {\n    bucket = \"states\"\n    use_lockfile = true\n  }\n}\n";

/// What a stage that gives up the table finds: by hand, and stored, each with its reason.
fn found(root: &Path, below: bool) -> (Vec<String>, Vec<String>) {
    let files = read_of(&FolderPaths {
        root,
        below,
        named: &[],
        data_dir: None,
        out: None,
    })
    .plan(&FILES_ONLY);
    let shown = |all: &[(PathBuf, String)]| {
        all.iter()
            .map(|(path, why)| {
                format!(
                    "{}: {why}",
                    path.strip_prefix(root).expect("below").display()
                )
            })
            .collect::<Vec<_>>()
    };
    let stored: Vec<_> = files
        .stored
        .iter()
        .map(|record| (record.path.clone(), record.why.clone()))
        .collect();
    (shown(&files.by_hand), shown(&stored))
}

/// JSON cannot be edited: only the required changes are reported.
#[test]
fn json_is_judged_whether_or_not_it_names_the_bucket() {
    for (name, text, expected) in [
        (
            "prod.tfbackend.json",
            r#"{"dynamodb_table": "locks"}"#,
            Some("it is JSON: remove `dynamodb_table`"),
        ),
        (
            "prod.tfbackend.json",
            r#"{"dynamodb_table": "others"}"#,
            None,
        ),
        ("prod.tfbackend.json", r#"{"key": "a"}"#, None),
        (
            "prod.tfbackend.json",
            r#"{"dynamodb_table": "#,
            Some("is not valid JSON at line 1, column 19"),
        ),
        (
            "more.tf.json",
            r#"{"terraform": [{"backend": [{"s3": {"bucket": "states", "use_lockfile": true}}]}]}"#,
            None,
        ),
        (
            "more.tf.json",
            r#"{"terraform": {"back\u0065nd": {"s3": {"bucket": "states", "dynamodb_table": "locks"}}}}"#,
            Some("it is JSON: set `use_lockfile` to true, and remove `dynamodb_table`"),
        ),
        (
            "more.tf.json",
            r#"{"terraform": {"backend": {"s3": {"bucket": "others", "dynamodb_table": "locks"}}}}"#,
            None,
        ),
        (
            "more.tf.json",
            r#"{"locals": {"a": "\"states\" is the backend"}}"#,
            None,
        ),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        put(
            dir.path(),
            "main.tf",
            "terraform {\n  backend \"s3\" {\n    bucket       = \"states\"\n    use_lockfile = \
             true\n  }\n}\n",
        );
        if name.ends_with(".tf.json") {
            fs::remove_file(dir.path().join("main.tf")).expect("removed");
        }
        put(dir.path(), name, text);
        let expected: Vec<String> = expected
            .iter()
            .map(|why| format!("{name}: {why}"))
            .collect();
        assert_eq!(found(dir.path(), false).0, expected, "{text}");
    }
}

/// A file that Terraform reads and tfbackend does not is named if it may have the block.
#[test]
fn what_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    let latin = |text: &str| [b"# f\xfcr alle\n", text.as_bytes()].concat();
    fs::write(root.join("main.tf"), latin(BLOCK)).expect("written");
    fs::write(root.join("vars.tf"), latin("variable \"x\" {}\n")).expect("written");
    fs::write(root.join("a.s3.tfbackend"), latin(PARTIAL)).expect("written");
    let large = |text: &str| format!("{text}# {}\n", "x".repeat(5 << 20));
    put(root, "large.tf", &large(BLOCK));
    put(root, "larger.tf", &large("locals {}\n"));
    let outside = tempfile::tempdir().expect("a folder");
    put(outside.path(), "block", BLOCK);
    put(outside.path(), "other", "locals {}\n");
    #[cfg(unix)]
    for name in ["block", "other"] {
        std::os::unix::fs::symlink(outside.path().join(name), root.join(format!("{name}.tf")))
            .expect("a link");
    }
    let (by_hand, _) = found(root, false);
    let names: Vec<&str> = by_hand
        .iter()
        .filter_map(|line| line.split(':').next())
        .collect();
    // What a link out of the repository leads to is not opened, not even to see that it has no
    // block.
    let linked = if cfg!(unix) {
        ("block.tf", "other.tf")
    } else {
        ("", "")
    };
    let expected = [linked.0, "large.tf", "main.tf", linked.1, "a.s3.tfbackend"];
    assert_eq!(
        names,
        expected
            .into_iter()
            .filter(|name| !name.is_empty())
            .collect::<Vec<_>>()
    );
}

/// The record of `init` says what runs in the folder use, whatever file that came from.
#[test]
fn what_init_stored_is_to_be_explained_by_the_files() {
    let record = |table: &str| {
        format!(
            r#"{{"version": 3, "backend": {{"type": "s3", "config": {{"bucket": "states", "dynamodb_table": {table}}}, "hash": 1}}}}"#
        )
    };
    let unexplained =
        "`init` was run with `dynamodb_table` = \"locks\", which no file of the folder sets";
    for (main, partial, stored, expected) in [
        (STUB, "", record("\"locks\""), Some(unexplained)),
        (STUB, "", record("null"), None),
        (STUB, "", record("\"others\""), None),
        (
            STUB,
            "",
            record("\"locks\"").replace("states", "others"),
            None,
        ),
        (
            STUB,
            "",
            record("\"locks\"").replace("\"s3\"", "\"gcs\""),
            None,
        ),
        (
            STUB,
            "",
            "{".to_owned(),
            Some("is not valid JSON at line 1, column 1"),
        ),
        (BLOCK, "", record("\"locks\""), None),
        (STUB, PARTIAL, record("\"locks\""), None),
        (
            STUB,
            "dynamodb_table = \"locks\"\n",
            record("\"locks\""),
            None,
        ),
        (
            STUB,
            "bucket = \"others\"\ndynamodb_table = \"locks\"\n",
            record("\"locks\""),
            Some(unexplained),
        ),
        // Another table, and what is none to Terraform.
        (
            STUB,
            "dynamodb_table = \"others\"\n",
            record("\"locks\""),
            Some(unexplained),
        ),
        (
            STUB,
            "dynamodb_table = null\n",
            record("\"locks\""),
            Some(unexplained),
        ),
        (
            STUB,
            "dynamodb_table = \"\"\n",
            record("\"locks\""),
            Some(unexplained),
        ),
        (
            STUB,
            "dynamodb_table = \"arn:aws:dynamodb:eu-west-1:111122223333:table/locks\"\n",
            record("\"locks\""),
            None,
        ),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        put(dir.path(), "app/main.tf", main);
        if !partial.is_empty() {
            put(dir.path(), "app/a.s3.tfbackend", partial);
        }
        put(dir.path(), "app/.terraform/terraform.tfstate", &stored);
        let expected: Vec<String> = expected
            .iter()
            .map(|why| format!("app/.terraform/terraform.tfstate: {why}"))
            .collect();
        assert_eq!(
            found(dir.path(), true).1,
            expected,
            "{main}{partial}{stored}"
        );
        assert_eq!(found(dir.path(), false).1, [] as [String; 0]);
    }
}

/// With an absolute `TF_DATA_DIR`, every folder has the same record: that of the one that was
/// initialized last.
#[test]
fn a_record_that_folders_share_is_explained_by_any_of_them() {
    let stored = r#"{"version": 3, "backend": {"type": "s3", "config": {"bucket": "states", "dynamodb_table": "locks"}, "hash": 1}}"#;
    let data = tempfile::tempdir().expect("a folder");
    put(data.path(), "terraform.tfstate", stored);
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    put(root, "main.tf", STUB);
    put(root, "a/main.tf", STUB);
    let stored = || {
        let places = FolderPaths {
            root,
            below: true,
            named: &[],
            data_dir: Some(data.path()),
            out: None,
        };
        read_of(&places).plan(&FILES_ONLY).stored
    };
    assert_eq!(stored().len(), 1, "no file explains it, which is said once");
    put(root, "b/main.tf", BLOCK);
    put(root, "c/main.tf", STUB);
    assert_eq!(stored().len(), 0);
}

/// An override file may be in one checkout only: what it takes the place of is what others use.
#[test]
fn blocks_that_are_overridden_are_edited_as_well() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    put(root, "main.tf", BLOCK);
    put(
        root,
        "more.tf.json",
        r#"{"terraform": {"backend": {"s3": {"bucket": "states", "dynamodb_table": "locks"}}}}"#,
    );
    put(
        root,
        "local_override.tf",
        "terraform {\n  backend \"local\" {}\n}\n",
    );
    let folders = read_of(&FolderPaths {
        root,
        below: false,
        named: &[],
        data_dir: None,
        out: None,
    });
    let files = folders.plan(&WANTED);
    assert_eq!(folders.now("states"), Some(LockMechanism::Dynamodb));
    assert_eq!(
        names(root, files.edits.into_iter().map(|(read, _)| read.path)),
        ["main.tf"]
    );
    assert_eq!(
        names(root, files.by_hand.into_iter().map(|(path, _)| path)),
        ["more.tf.json"]
    );
}

#[test]
fn files_below_that_name_the_table_are_left_out_unless_they_are_edited() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    put(root, "main.tf", STUB);
    put(
        root,
        "config/prod.s3.tfbackend",
        "dynamodb_table = \"locks\"\n",
    );
    put(
        root,
        "config/dev.s3.tfbackend",
        "dynamodb_table = \"others\"\n",
    );
    put(
        root,
        "more/x.tfbackend.json",
        r#"{"dynamodb_table": "locks"}"#,
    );
    put(root, "block/main.tf", BLOCK);
    put(
        root,
        "new/main.tf",
        "terraform {\n  backend \"s3\" {\n    bucket = \"states\"\n  }\n}\n",
    );
    let folders = FolderReadings::read(
        &FolderPaths {
            root,
            below: false,
            named: &[],
            data_dir: None,
            out: None,
        },
        true,
    )
    .expect("looked at");
    let (here, wider) = (folders.plan(&FILES_ONLY), folders.plan_all(&FILES_ONLY));
    assert_eq!(
        here.edits.len() + here.by_hand.len(),
        0,
        "those below are looked at only"
    );
    let left = here.left_out(&wider);
    assert_eq!(
        names(root, left.into_iter().map(|(path, _)| path)),
        [
            "block/main.tf",
            "config/prod.s3.tfbackend",
            "more/x.tfbackend.json"
        ]
    );
    assert_eq!(wider.left_out(&wider), []);
}

/// The command that is printed has what the folder needs.
#[test]
fn init_is_given_the_partial_configuration_that_is_not_edited() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    put(root, "main.tf", BLOCK);
    put(root, "prod.tfbackend.json", r#"{"key": "a"}"#);
    assert_eq!(
        looked(root, false, &[]).init,
        ["terraform init -reconfigure -backend-config=prod.tfbackend.json"]
    );
    put(root, "dev.tfbackend.json", r#"{"key": "b"}"#);
    assert_eq!(
        looked(root, false, &[]).init,
        ["terraform init -reconfigure -backend-config=FILE"]
    );
    put(root, "conf/state.hcl", PARTIAL);
    let named = [PathBuf::from("conf/state.hcl")];
    assert_eq!(
        looked(root, false, &named).init,
        ["terraform init -reconfigure -backend-config=conf/state.hcl"]
    );
}
