//! The fields of a state as other programs write them: Terraform and tfbackend find the same
//! resources.

use std::{fs, process::Command};

use tfbackend::state::snapshot::{ResourceAddress, SnapshotDetail, StateFile, StateSnapshot};

/// The addresses that Terraform finds; `None` if it does not read the state.
fn listed(state: &str) -> Option<Vec<String>> {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("s.tfstate"), state).expect("written");
    let mut terraform = Command::new("terraform");
    terraform
        .args(["state", "list", "-state=s.tfstate"])
        .current_dir(dir.path())
        .env("CHECKPOINT_DISABLE", "1");
    let output = terraform
        .output()
        .expect("this test needs `terraform` on PATH");
    let mut lines: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect();
    lines.sort();
    output.status.success().then_some(lines)
}

fn addresses(state: &str) -> Option<Vec<String>> {
    match StateSnapshot::parse(state.as_bytes(), SnapshotDetail::Addresses)
        .ok()?
        .contents
    {
        StateFile::Known(counts) => {
            let mut lines: Vec<String> = counts
                .addresses
                .iter()
                .map(ResourceAddress::to_string)
                .collect();
            lines.sort();
            Some(lines)
        }
        StateFile::Encrypted | StateFile::OtherFormat => None,
    }
}

#[test]
fn names_are_of_any_case_and_what_is_missing_is_empty() {
    let provider = r#"provider[\"terraform.io/builtin/terraform\"]"#;
    let plain = format!(
        r#"{{"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "l", "outputs": {{}}, "resources": [
            {{"mode": "managed", "type": "terraform_data", "name": "one", "provider": "{provider}", "instances": [{{"attributes": {{"id": "x"}}}}]}},
            {{"mode": "managed", "type": "terraform_data", "name": "two", "provider": "{provider}", "each": "list",
              "instances": [{{"index_key": 7, "attributes": {{"id": "y"}}}}]}}]}}"#
    );
    assert_eq!(
        listed(&plain),
        Some(vec![
            "terraform_data.one".to_owned(),
            "terraform_data.two[7]".to_owned()
        ])
    );
    for (from, to) in [
        ("", ""),
        ("\"resources\"", "\"Resources\""),
        ("\"resources\"", "\"RESOURCES\""),
        ("\"resources\"", "\"re\u{17f}ources\""),
        ("\"resources\"", "\"resource\""),
        ("\"instances\"", "\"Instances\""),
        ("\"mode\"", "\"Mode\""),
        ("\"managed\"", "\"Managed\""),
        ("\"type\"", "\"TYPE\""),
        ("\"version\"", "\"Version\""),
        ("\"index_key\"", "\"Index_\u{212a}ey\""),
        ("\"index_key\": 7", "\"index_key\": 7.0"),
        ("\"index_key\": 7", "\"index_key\": 7.9"),
        ("\"index_key\": 7", "\"index_key\": 7e1"),
        ("\"index_key\": 7", "\"index_key\": 1e400"),
        ("\"index_key\": 7", "\"index_key\": null"),
        ("\"index_key\": 7", "\"index_key\": {}"),
        ("[{\"attributes\": {\"id\": \"x\"}}]", "null"),
        ("[{\"attributes\": {\"id\": \"x\"}}]", "{}"),
        ("\"id\": \"x\"", "\"id\": \"x\", \"n\": 1e400"),
    ] {
        let state = plain.replace(from, to);
        assert_eq!(addresses(&state), listed(&state), "{from} {to}");
    }
}
