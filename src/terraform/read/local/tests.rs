//! Each form of a state that may lie in a folder.

use super::*;

fn found(files: &[(&str, &str)]) -> Vec<(String, LocalStateContents)> {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
    let names: Vec<String> = files
        .iter()
        .filter(|(name, _)| !name.contains('/'))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let relative = |path: PathBuf| {
        path.strip_prefix(dir.path())
            .expect("inside")
            .display()
            .to_string()
    };
    read(dir.path(), &LinkBoundary::of(dir.path()), &names)
        .into_iter()
        .map(|state| (relative(state.path), state.holds))
        .collect()
}

fn holds(text: &str) -> LocalStateContents {
    found(&[("terraform.tfstate", text)]).remove(0).1
}

#[test]
fn a_state_is_empty_full_encrypted_or_unclear() {
    let resources = |resources, outputs| LocalStateContents::Resources { resources, outputs };
    assert_eq!(holds(""), LocalStateContents::Nothing);
    assert_eq!(
        holds(r#"{"version": 4, "resources": [], "outputs": {}}"#),
        LocalStateContents::Nothing
    );
    assert_eq!(
        holds(r#"{"version": 4, "resources": [{"x": 1}, {}]}"#),
        resources(2, 0)
    );
    assert_eq!(
        holds(r#"{"version": 4, "resources": [], "outputs": {"a": {"value": "CANARY"}}}"#),
        resources(0, 1)
    );
    assert_eq!(holds(r#"{"version": 3, "modules": [{}]}"#), resources(1, 0));
    assert_eq!(
        holds(r#"{"Version": 4, "Resources": [{}], "OUTPUTS": {"a": {}}}"#),
        resources(1, 1),
        "as Terraform reads it"
    );
    assert_eq!(
        holds(r#"{"Encrypted_Data": "aaaa"}"#),
        LocalStateContents::Encrypted
    );
    assert_eq!(
        holds(
            r#"{"serial": 1, "lineage": "x", "encrypted_data": "aaaa", "encryption_version": "v0"}"#
        ),
        LocalStateContents::Encrypted
    );
    for unclear in [
        "{",
        "[]",
        "{}",
        "CANARY",
        r#"{"resources": "CANARY"}"#,
        r#"{"resources": []} x"#,
        "\u{1b}[2J",
        "   ",
    ] {
        let holds = holds(unclear);
        assert!(
            matches!(holds, LocalStateContents::Unclear(_))
                && !format!("{holds:?}").contains("CANARY"),
            "{unclear}: {holds:?}"
        );
    }
}

#[test]
fn a_damaged_copy_of_ours_is_no_state_of_the_folder() {
    let name = "tfbackend-before-restore-20261128T225339Z.tfstate";
    assert_eq!(found(&[(name, "{\"serial\": 1, \"reso")]), []);
    assert_eq!(
        found(&[(name, r#"{"version": 4, "resources": [{}]}"#)]),
        [(
            name.to_owned(),
            LocalStateContents::Resources {
                resources: 1,
                outputs: 0
            }
        )]
    );
}

#[test]
fn all_places_are_looked_at() {
    let files = [
        ("errored.tfstate", ""),
        ("main.tf", ""),
        ("pulled.tfstate", ""),
        ("terraform.tfstate", ""),
        ("terraform.tfstate.1761000000.backup", ""),
        ("terraform.tfstate.backup", ""),
        ("tfstate.md", ""),
        ("terraform.tfstate.d/blue/terraform.tfstate", ""),
        ("terraform.tfstate.d/blue/terraform.tfstate.backup", ""),
        ("terraform.tfstate.d/blue/other", ""),
        ("x.tfstate/a", ""),
    ];
    let names: Vec<String> = found(&files).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "errored.tfstate",
            "pulled.tfstate",
            "terraform.tfstate",
            "terraform.tfstate.1761000000.backup",
            "terraform.tfstate.backup",
            "terraform.tfstate.d/blue/terraform.tfstate",
            "terraform.tfstate.d/blue/terraform.tfstate.backup"
        ]
    );
}

#[cfg(unix)]
#[test]
fn what_cannot_be_listed_is_unclear() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("terraform.tfstate.d");
    // Also for root, who may look into every folder.
    std::os::unix::fs::symlink(&path, &path).expect("a link to itself");
    let states = read(dir.path(), &LinkBoundary::of(dir.path()), &[]);
    assert!(
        matches!(&states[..], [LocalState { path: at, holds: LocalStateContents::Unclear(_), .. }] if *at == path),
        "{states:?}"
    );
}

#[test]
fn a_large_state_is_counted_without_being_kept() {
    let resource = format!("{{\"a\": \"{}\"}}", "x".repeat(1000));
    let text = format!(
        "{{\"version\": 4, \"resources\": [{}]}}",
        vec![resource; 10_000].join(",")
    );
    assert_eq!(
        holds(&text),
        LocalStateContents::Resources {
            resources: 10_000,
            outputs: 0
        }
    );
}

/// What a migration leaves in its place is no state; the copy beside it is one.
#[test]
fn state_that_moved_is_not_left_behind() {
    let note = r#"{"tfbackend":{"Info":"moved to s3://acme/app"},"version":4}"#;
    let full = r#"{"version": 4, "resources": [{}]}"#;
    let left = found(&[
        ("terraform.tfstate", note),
        ("terraform.tfstate.backup", full),
    ]);
    let names: Vec<&str> = left.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["terraform.tfstate.backup"]);
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("terraform.tfstate");
    fs::write(&path, full).expect("written");
    assert!(local_state(dir.path()));
    fs::write(&path, note).expect("written");
    assert!(!local_state(dir.path()));
    #[cfg(unix)]
    {
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink("moved-to-s3:/acme", &path).expect("linked");
        assert!(!local_state(dir.path()));
    }
}
