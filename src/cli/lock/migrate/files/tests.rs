//! Which files are edited: those of a folder, or all below it; no hidden one, no link, no other backend.

use std::fs;

use super::*;

const WANTED: Wanted<'_> = Wanted { bucket: "states", table: Some("locks"), use_table: true, use_file: true };
const BLOCK: &str = "terraform {\n  backend \"s3\" {\n    bucket         = \"states\"\n    dynamodb_table = \"locks\"\n  }\n}\n";
const PARTIAL: &str = "bucket = \"states\"\ndynamodb_table = \"locks\"\n";

fn looked(root: &Path, below: bool, named: &[PathBuf]) -> Files {
    plan(&Places { root, below, named, out: None }, &WANTED).expect("looked at")
}

fn put(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, text).expect("written");
}

fn names(root: &Path, paths: impl Iterator<Item = PathBuf>) -> Vec<String> {
    paths.map(|path| path.strip_prefix(root).expect("below").display().to_string()).collect()
}

#[test]
fn a_folder_or_all_below_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    put(root, "backend.tf", "terraform {\n  backend \"s3\" {}\n}\n");
    put(root, "main.tf", "resource \"a\" \"b\" {}\n");
    put(root, "prod.s3.tfbackend", PARTIAL);
    put(root, "app/main.tf", BLOCK);
    put(root, "app/module/main.tf", &BLOCK.replace("states", "others"));
    put(root, "app/deep/er/x.tf", BLOCK);
    put(root, "tofu/main.tofu", BLOCK);
    put(root, "json/backend.tf.json", "{\"terraform\":{\"backend\":{\"s3\":{\"bucket\":\"states\",\"dynamodb_table\":\"locks\"}}}}");
    put(root, "odd/main.tf", &BLOCK.replace("\"locks\"", "var.table"));
    put(root, "broken/main.tf", "terraform {\n  backend \"s3\" {\n");
    put(root, ".terraform/modules/x/main.tf", BLOCK);
    put(root, ".git/main.tf", BLOCK);
    #[cfg(unix)]
    std::os::unix::fs::symlink(root.join("app"), root.join("link")).expect("a link");

    let here = looked(root, false, &[]);
    assert_eq!(names(root, here.edits.iter().map(|(read, _)| read.path.clone())), ["prod.s3.tfbackend"]);
    assert_eq!(here.init, ["terraform init -reconfigure -backend-config=prod.s3.tfbackend"]);
    let all = looked(root, true, &[]);
    let edited = names(root, all.edits.iter().map(|(read, _)| read.path.clone()));
    assert_eq!(edited, ["prod.s3.tfbackend", "app/main.tf", "tofu/main.tofu", "app/deep/er/x.tf"]);
    assert_eq!(
        all.init,
        [
            "terraform init -reconfigure -backend-config=prod.s3.tfbackend",
            "terraform -chdir=app init -reconfigure",
            "tofu -chdir=tofu init -reconfigure",
            "terraform -chdir=app/deep/er init -reconfigure",
        ]
    );
    let by_hand = all.by_hand.iter().map(|(path, why)| format!("{}: {why}", path.strip_prefix(root).expect("below").display()));
    assert_eq!(
        by_hand.collect::<Vec<_>>(),
        [
            "broken/main.tf: is not valid HCL at line 2, column 18",
            "json/backend.tf.json: it is JSON",
            "odd/main.tf: `dynamodb_table` is not a plain value there",
        ]
    );
    for (read, text) in &all.edits {
        read.replace(text).expect("written");
    }
    let again = looked(root, true, &[]);
    assert_eq!((again.edits.len(), again.current.len()), (0, 4), "{again:?}");
    assert_eq!(fs::read_to_string(root.join(".terraform/modules/x/main.tf")).expect("there"), BLOCK);
}

#[test]
fn a_partial_configuration_of_any_name() {
    let dir = tempfile::tempdir().expect("a folder");
    put(dir.path(), "main.tf", "terraform {\n  backend \"s3\" {}\n}\n");
    put(dir.path(), "conf/state.hcl", PARTIAL);
    let named = [PathBuf::from("conf/state.hcl")];
    let files = looked(dir.path(), false, &named);
    assert_eq!(files.edits.len(), 1, "{files:?}");
    assert_eq!(looked(dir.path(), false, &[]).edits.len(), 0);
}

/// What is in use is what block and partial configuration say together, of this bucket and no other.
#[test]
fn the_lock_that_files_choose() {
    use LockMechanism::{Both, Dynamodb, S3};
    let now = |files: &[(&str, &str)]| {
        let dir = tempfile::tempdir().expect("a folder");
        files.iter().for_each(|(name, text)| put(dir.path(), name, text));
        looked(dir.path(), false, &[]).now
    };
    let stub = ("backend.tf", "terraform {\n  backend \"s3\" {}\n}\n");
    let file = ("backend.tf", "terraform {\n  backend \"s3\" {\n    use_lockfile = true\n  }\n}\n");
    let (bare, table) = (("a.s3.tfbackend", "bucket = \"states\"\n"), ("a.s3.tfbackend", PARTIAL));
    assert_eq!(now(&[]), None);
    assert_eq!(now(&[stub]), None);
    assert_eq!(now(&[stub, bare]), None, "no lock at all");
    assert_eq!(now(&[stub, table]), Some(Dynamodb));
    assert_eq!(now(&[file, table]), Some(Both));
    assert_eq!(now(&[file, bare]), Some(S3));
    assert_eq!(now(&[("main.tf", BLOCK)]), Some(Dynamodb));
    assert_eq!(now(&[("main.tf", &BLOCK.replace("states", "others"))]), None);
    // Of two that differ, the one that the other does not see.
    assert_eq!(now(&[stub, table, ("b.s3.tfbackend", "bucket = \"states\"\nuse_lockfile = true\n")]), Some(Dynamodb));
}

/// An environment's own files are edited where its settings put them, whatever they are called.
#[test]
fn the_files_of_an_environment_are_looked_at_where_they_are() {
    let dir = tempfile::tempdir().expect("a folder");
    put(dir.path(), "infra/backend.tf", "terraform {\n  backend \"s3\" {}\n}\n");
    put(dir.path(), "infra/our backend", PARTIAL);
    let out = Some((dir.path().join("infra"), PathBuf::from("our backend")));
    let files = plan(&Places { root: dir.path(), below: false, named: &[], out }, &WANTED).expect("looked at");
    assert_eq!(names(dir.path(), files.edits.iter().map(|(read, _)| read.path.clone())), ["infra/our backend"]);
    assert_eq!((files.now, files.init.len()), (Some(LockMechanism::Dynamodb), 1));
    assert!(files.are_here());
}
