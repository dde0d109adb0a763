//! What lies in a folder and should not: states, and working data that Git commits.

use std::fs;

use insta::assert_snapshot;

use super::{SAVED_AT, checked, folder, found};

#[test]
fn no_state_lies_in_the_folder() {
    let state = r#"{"version": 4, "resources": [{"x": "CANARY"}], "outputs": {"a": {}, "b": {}}}"#;
    let found = found(&[
        ("errored.tfstate", state),
        ("terraform.tfstate.backup", state),
        ("terraform.tfstate.d/blue/terraform.tfstate", state),
        ("unclear.tfstate", "{"),
        ("encrypted.tfstate", r#"{"encrypted_data": "x"}"#),
        (
            "empty.tfstate",
            r#"{"version": 4, "resources": [], "outputs": {}}"#,
        ),
    ]);
    assert!(!found.contains("CANARY"), "{found}");
    assert_snapshot!(found, @"
    files-no-local-state errored.tfstate
      it contains 1 resource and 2 outputs in plain text
      -> `terraform state push errored.tfstate`, because it was not written to the backend; then `rm errored.tfstate`
    files-no-local-state terraform.tfstate.backup
      it contains 1 resource and 2 outputs in plain text
      -> check that `terraform state pull` shows all of its content; then `rm terraform.tfstate.backup`
    files-no-local-state unclear.tfstate
      ? the file has an unknown state file format
    files-no-local-state terraform.tfstate.d/blue/terraform.tfstate
      it contains 1 resource and 2 outputs in plain text
      -> `terraform workspace select blue`, and check that `terraform state pull` shows all of its content; then `rm terraform.tfstate.d/blue/terraform.tfstate`
    ");
    // Where there is no remote backend, a local state is where it should be.
    let local = folder(&[
        ("backend.tf", "locals {\n}\n"),
        ("backend.conf", ""),
        (SAVED_AT, ""),
        ("terraform.tfstate", state),
    ]);
    assert_eq!(super::said(local.path(), &checked(local.path(), None)), "");
}

#[test]
fn git_commits_neither_working_data_nor_states() {
    // Of what `init` stores, the state is ignored and another file is not.
    let modules = (".terraform/modules/modules.json", "{}");
    assert_snapshot!(found(&[(".gitignore", "*.tfstate\n"), modules, ("pulled.tfstate.1.backup", r#"{"resources": []}"#)]), @"
    files-ignored-by-git .terraform
      git does not ignore it
      -> `echo .terraform/ >> .gitignore`; `git rm -r --cached .terraform`, if it was committed
    files-ignored-by-git terraform.tfstate.backup
      git does not ignore it
      -> `echo '*.tfstate.*' >> .gitignore`; `git rm -r --cached terraform.tfstate.backup`, if it was committed
    files-ignored-by-git pulled.tfstate.1.backup
      git does not ignore it
      -> `echo '*.tfstate.*' >> .gitignore`; `git rm -r --cached pulled.tfstate.1.backup`, if it was committed
    ");
    assert_eq!(
        found(&[
            (".gitignore", "**/.terraform/*\n*.tfstate\n*.tfstate.*\n"),
            modules
        ]),
        "",
        "as the template that GitHub offers has it"
    );
    let dir = folder(&[(".gitignore", "")]);
    fs::remove_dir(dir.path().join(".git")).expect("removed");
    assert_eq!(
        super::said(dir.path(), &checked(dir.path(), None)),
        "",
        "outside of a repository, nothing is committed"
    );
}
