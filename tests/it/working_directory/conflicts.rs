//! What else is in the folder: a second backend, and state that is still local.

use std::fs;

use tempfile::{TempDir, tempdir};
use tfbackend::terraform::{
    read::{
        DATA_DIR,
        conflicts::{BackendConflict, BackendConflicts, conflicts},
        local::local_state,
    },
    write::files::write,
};

use crate::render::{config, rendered, terraform::terraform};

fn with(files: &[(&str, &str)]) -> TempDir {
    let dir = tempdir().expect("a folder");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder");
        fs::write(path, text).expect("it is written");
    }
    dir
}

fn found(files: &[(&str, &str)]) -> Vec<String> {
    let dir = with(files);
    let BackendConflicts { all, .. } =
        conflicts(dir.path(), &dir.path().join(DATA_DIR), &["backend.tf"])
            .expect("it can be listed");
    let said = |conflict: &BackendConflict| {
        conflict
            .to_string()
            .replace(&format!("{}/", dir.path().display()), "")
    };
    all.iter().map(said).collect()
}

#[test]
fn a_second_backend_is_found() {
    let said = found(&[
        ("backend.tf", "terraform {\n  backend \"s3\" {}\n}\n"),
        (
            "versions.tf",
            "terraform {\n  required_version = \">= 1.5\"\n  backend \"gcs\" {\n    bucket = \
             \"b\"\n  }\n}\n",
        ),
        (
            "cloud.tofu",
            "\u{feff}terraform {\r\n  cloud {\r\n    organization = \"o\"\r\n  }\r\n}\r\n",
        ),
        (
            "old.tf.json",
            r#"{"terraform": [{"backend": {"local": {}}}, {"cloud": {}}]}"#,
        ),
        (
            "store.tf",
            "terraform {\n  state_store \"aws_s3\" {\n    provider \"aws\" {}\n  }\n}\n",
        ),
        (
            "store.tf.json",
            r#"{"terraform": {"state_store": {"aws_s3": {"provider": {"aws": {}}}}}}"#,
        ),
        ("broken.tf", "terraform { backend \"s3\" {"),
    ]);
    let expected = [
        "broken.tf may also have a backend block: it cannot be read",
        "cloud.tofu has a cloud block too, and Terraform allows only one",
        "old.tf.json has a backend \"local\" block too, and Terraform allows only one",
        "old.tf.json has a cloud block too, and Terraform allows only one",
        "store.tf has a state_store \"aws_s3\" block too, and Terraform allows only one",
        "store.tf.json has a state_store \"aws_s3\" block too, and Terraform allows only one",
        "versions.tf has a backend \"gcs\" block too, and Terraform allows only one",
    ];
    assert_eq!(said, expected);
}

#[test]
fn file_that_cannot_be_parsed_may_look_like_a_block() {
    for (text, looks) in [
        ("terraform { backend \"s3\" {", true),
        ("terraform {\n  backend s3 {\n", true),
        ("terraform {\n  cloud {\n", true),
        ("terraform {\n  state_store \"x\" {\n", true),
        ("# terraform backend \"s3\" {\nlocals {\n", false),
        (
            "# terraform\nlocals {\n  x = aws_lb.backend\n  my_backend {\n",
            false,
        ),
    ] {
        let dir = with(&[("main.tf", text)]);
        let BackendConflicts { all, .. } =
            conflicts(dir.path(), &dir.path().join(DATA_DIR), &[]).expect("it can be listed");
        let found = all
            .iter()
            .map(|conflict| {
                matches!(
                    conflict,
                    BackendConflict::Unclear {
                        looks_like_one: true,
                        ..
                    }
                )
            })
            .collect::<Vec<_>>();
        assert_eq!(found, [looks], "{text}");
    }
}

#[test]
fn what_terraform_does_not_take_for_a_backend_is_none() {
    let said = found(&[
        (
            "main.tf",
            "# terraform { backend \"s3\" {} }\nlocals {\n  x = \"backend\"\n  y = \
             <<EOT\nterraform { cloud {} }\nEOT\n}\n",
        ),
        (
            "lb.tf",
            "resource \"x\" \"backend\" {\n  backend \"s3\" {}\n  cloud {}\n}\n",
        ),
        ("broken.tf", "resource {"),
        (".hidden.tf", "terraform {\n  backend \"s3\" {}\n}\n"),
        ("backup.tf~", "terraform {\n  backend \"s3\" {}\n}\n"),
        ("backend.tf.bak", "terraform {\n  backend \"s3\" {}\n}\n"),
        ("modules/m/main.tf", "terraform {\n  backend \"s3\" {}\n}\n"),
        ("empty.tf.json", "{}"),
    ]);
    assert_eq!(said, Vec::<String>::new());
    let nowhere = tempdir().expect("a folder").path().join("nowhere");
    assert_eq!(
        conflicts(&nowhere, &nowhere.join(DATA_DIR), &[]).ok(),
        Some(BackendConflicts::default())
    );
}

/// With a block, the next `init` would leave the states of a state store behind.
#[test]
fn what_init_stored_may_forbid_a_block() {
    let backend = |text: &'static str| (".terraform/terraform.tfstate", text);
    for (stored, said) in [
        (
            backend(r#"{"version": 3, "state_store": {"type": "aws_s3", "config": {}}}"#),
            &[".terraform/terraform.tfstate has `state_store \"aws_s3\"`"][..],
        ),
        (
            backend("{"),
            &[".terraform/terraform.tfstate is not valid JSON at line 1, column 1"],
        ),
        (
            backend(r#"{"version": 3, "backend": {"type": "s3", "config": {}}}"#),
            &[],
        ),
        (("main.tf", ""), &[]),
    ] {
        assert_eq!(found(&[stored]), said);
        let dir = with(&[stored]);
        let all = conflicts(dir.path(), &dir.path().join(DATA_DIR), &[])
            .expect("it can be listed")
            .all;
        assert!(
            all.iter()
                .all(|one| one.forbids_a_block() && one.is_stored())
        );
    }
}

#[test]
fn a_required_version_is_seen_where_terraform_sees_one() {
    for (text, has) in [
        ("terraform {\n  required_version = \">= 1.10\"\n}\n", true),
        (
            "# required_version = \">= 1.10\"\nterraform {\n  backend \"s3\" {}\n}\n",
            false,
        ),
        ("locals {\n  required_version = 1\n}\n", false),
    ] {
        let dir = with(&[("main.tf", text)]);
        let found =
            conflicts(dir.path(), &dir.path().join(DATA_DIR), &[]).expect("it can be listed");
        assert_eq!(found.has_required_version, has, "{text}");
    }
}

#[test]
fn terraform_agrees_that_two_are_one_too_many() {
    let dir = with(&[("versions.tf", "terraform {\n  backend \"local\" {}\n}\n")]);
    let _ = write(dir.path(), &rendered(&config()), false).expect("they are written");
    let ran = terraform(
        dir.path(),
        &[
            "init",
            "-no-color",
            "-input=false",
            "-backend-config=backend.conf",
        ],
        "",
    );
    assert!(
        !ran.ok && ran.stderr.contains("Duplicate backend configuration"),
        "{}",
        ran.all()
    );
}

const EMPTY: &str = r#"{"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {}, "resources": []}"#;

#[test]
fn state_that_would_be_left_behind_is_found() {
    let state = EMPTY.replace(
        "[]",
        r#"[{"mode": "managed", "type": "t", "name": "n", "instances": [{}]}]"#,
    );
    let outputs = EMPTY.replace(
        "\"outputs\": {}",
        r#""outputs": {"x": {"value": "secret", "type": "string"}}"#,
    );
    for text in [
        state.as_str(),
        &outputs,
        r#"{"serial": 1, "lineage": "l", "encrypted_data": "x"}"#,
        r#"{"version": 3, "modules": []}"#,
        "{",
    ] {
        assert!(
            local_state(with(&[("terraform.tfstate", text)]).path()),
            "{text}"
        );
    }
    assert!(
        local_state(with(&[("terraform.tfstate.d/dev/terraform.tfstate", &state)]).path()),
        "of another workspace"
    );
}

#[test]
fn what_a_migration_leaves_is_no_state() {
    assert!(!local_state(with(&[]).path()));
    for text in ["", "\n", EMPTY] {
        assert!(
            !local_state(
                with(&[
                    ("terraform.tfstate", text),
                    ("terraform.tfstate.d/dev/terraform.tfstate", text)
                ])
                .path()
            ),
            "{text:?}"
        );
    }
    assert!(!local_state(
        with(&[
            ("terraform.tfstate.backup", "{}"),
            ("terraform.tfstate.d/x", "")
        ])
        .path()
    ));
}

#[test]
fn terraforms_own_local_state_is_seen() {
    let dir = with(&[("main.tf", "output \"x\" {\n  value = 1\n}\n")]);
    assert!(terraform(dir.path(), &["apply", "-auto-approve"], "").ok);
    assert!(local_state(dir.path()));
    fs::write(dir.path().join("main.tf"), "").expect("it is written");
    assert!(terraform(dir.path(), &["apply", "-auto-approve"], "").ok);
    assert!(!local_state(dir.path()), "its outputs are gone");
}
