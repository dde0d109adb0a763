//! What the real Terraform left in a folder is read as it was meant, and what it silently did is
//! found.

use std::{collections::BTreeSet, fs, path::Path};

use tfbackend::{
    checks::{CheckResult, Verdict, files},
    terraform::read::{
        ConfiguredBackend, FolderReadOptions, LocalStateContents, SavedBackend, SourcedArgument,
        TerraformEngine, WorkingDirectory,
        arguments::{self, ArgumentSupport},
    },
};

use super::running::{apply, initialized};
use crate::{
    render::terraform::terraform,
    support::backend::{Backend, said},
};

const RESOURCE: &str = "resource \"terraform_data\" \"a\" {\n  input = \"CANARY\"\n}\n";

fn read(dir: &Path) -> WorkingDirectory {
    WorkingDirectory::read(dir, &FolderReadOptions::default()).expect("a folder")
}

/// Check and file of what does not hold.
fn findings(dir: &Path) -> Vec<String> {
    let all = files::check(&read(dir), None, true);
    let file = |checked: &CheckResult| {
        checked
            .place
            .shown()
            .trim_start_matches(&dir.display().to_string())
            .trim_start_matches('/')
            .to_owned()
    };
    all.iter()
        .filter(|checked| checked.is_finding())
        .map(|checked| format!("{} {}", checked.check.id, file(checked)))
        .collect()
}

#[tokio::test]
async fn what_init_stored_is_read_as_it_was_written() {
    let backend = initialized(&[
        "--lock",
        "both",
        "--key",
        "shop/app.tfstate",
        "--workspace-key-prefix",
        "stages",
    ])
    .await;
    let folder = read(backend.dir());
    let stored = ConfiguredBackend::of_folder(&folder, &[]).expect("a backend");
    assert!(
        stored
            .bucket
            .origin
            .to_string()
            .ends_with(".terraform/terraform.tfstate"),
        "{:?}",
        stored.bucket
    );
    assert_eq!(stored.bucket.value, backend.conf("bucket"));
    let text = |said: &Option<tfbackend::terraform::read::configured::SourcedValue<String>>| {
        said.as_ref().map(|said| said.value.clone())
    };
    for (argument, value) in [
        ("key", text(&stored.key)),
        ("region", text(&stored.region)),
        ("dynamodb_table", text(&stored.dynamodb_table)),
        ("kms_key_id", text(&stored.kms_key_id)),
        ("workspace_key_prefix", text(&stored.workspace_key_prefix)),
        ("custom_ca_bundle", text(&stored.custom_ca_bundle)),
    ] {
        assert_eq!(value, Some(backend.conf(argument)), "{argument}");
    }
    assert!(
        stored.use_lockfile.as_ref().is_some_and(|said| said.value)
            && stored.encrypt.as_ref().is_some_and(|said| said.value)
    );
    assert_eq!(
        stored
            .endpoints
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>(),
        ["dynamodb", "iam", "s3", "sts"]
    );
    assert_eq!(stored.endpoints["s3"].value, backend.emulator.endpoint());
    assert!(stored.role.is_none() && stored.not_followed.is_empty() && stored.profile.is_none());
    assert!(matches!(
        &folder.saved,
        Ok(Some(SavedBackend { hash: Some(_), .. }))
    ));

    // The files alone say the same, by whichever way.
    let given =
        ConfiguredBackend::of_folder(&folder, &["backend.conf".to_owned()]).expect("a backend");
    let alone = ConfiguredBackend::of_file(&backend.dir().join("backend.conf")).expect("a backend");
    for other in [&given, &alone] {
        assert_eq!(
            (&other.bucket.value, text(&other.key), text(&other.region)),
            (
                &stored.bucket.value,
                text(&stored.key),
                text(&stored.region)
            )
        );
        assert_eq!(
            other.object_key("blue").as_deref(),
            Some("stages/blue/shop/app.tfstate")
        );
    }
    // And every check of them holds.
    assert_eq!(findings(backend.dir()), [""; 0]);

    backend.terraform_ok(&["workspace", "new", "blue"]);
    assert_eq!(read(backend.dir()).workspace.as_deref(), Ok("blue"));
    // Changed since, as Terraform itself says.
    let conf = backend.dir().join("backend.conf");
    let changed = fs::read_to_string(&conf)
        .expect("read")
        .replace("stages", "steps");
    fs::write(&conf, changed).expect("written");
    assert_eq!(
        findings(backend.dir()),
        ["files-initialized-as-written .terraform/terraform.tfstate"]
    );
    let output = backend.terraform(&["init", "-backend-config=backend.conf"]);
    assert!(
        !output.status.success() && said(&output).contains("Backend configuration changed"),
        "{}",
        said(&output)
    );
}

#[tokio::test]
async fn credentials_that_init_stored_are_found_and_not_kept() {
    let backend = Backend::make(&["--lock", "s3"]).await;
    let (id, secret) = backend.emulator.credentials();
    let conf = backend.dir().join("backend.conf");
    let with = format!(
        "{}\naccess_key = \"{id}\"\nsecret_key = \"{secret}\"\n",
        fs::read_to_string(&conf).expect("read")
    );
    fs::write(&conf, with).expect("written");
    let output = backend.terraform(&["init", "-backend-config=backend.conf"]);
    assert!(output.status.success(), "{}", said(&output));
    let folder = read(backend.dir());
    let shown = format!("{folder:?}{:?}", files::check(&folder, None, true));
    let stored =
        fs::read_to_string(backend.dir().join(".terraform/terraform.tfstate")).expect("stored");
    assert!(
        stored.contains(&secret),
        "this is about what Terraform stores in clear"
    );
    assert!(!shown.contains(&secret) && !shown.contains(&id), "{shown}");
    assert_eq!(
        findings(backend.dir()),
        [
            "files-no-credentials backend.conf",
            "files-no-credentials .terraform/terraform.tfstate"
        ]
    );
}

#[tokio::test]
async fn a_partial_configuration_without_a_block_stayed_local() {
    let backend = Backend::make(&["--lock", "s3"]).await;
    let dir = backend.dir();
    let stub = fs::read_to_string(dir.join("backend.tf")).expect("read");
    fs::remove_file(dir.join("backend.tf")).expect("removed");
    fs::write(dir.join("main.tf"), RESOURCE).expect("written");
    let output = backend.terraform(&["init", "-backend-config=backend.conf"]);
    assert!(
        output.status.success() && said(&output).contains("Missing backend configuration"),
        "{}",
        said(&output)
    );
    let trap = "files-backend-declared backend.conf";
    assert_eq!(findings(dir), [trap]);

    apply(&backend, &[]);
    let all = files::check(&read(dir), None, true);
    let found = all
        .iter()
        .find(|checked| checked.check.id == "files-backend-declared")
        .expect("checked");
    let local = dir.join("terraform.tfstate");
    assert!(
        matches!(
            &found.verdict,
            Verdict::Fails { found, .. }
                if found.contains(&format!("the state is in {}", local.display()))
        ),
        "{found:?}"
    );
    assert_eq!(
        findings(dir),
        [trap, "files-no-local-state terraform.tfstate"]
    );

    // Mended as it is said: the state moves, and its plain text is left behind.
    fs::write(dir.join("backend.tf"), stub).expect("written");
    backend.terraform_ok(&[
        "init",
        "-migrate-state",
        "-force-copy",
        "-backend-config=backend.conf",
    ]);
    assert_eq!(
        findings(dir),
        ["files-no-local-state terraform.tfstate.backup"]
    );
    let states: Vec<LocalStateContents> = read(dir)
        .local_states
        .into_iter()
        .map(|state| state.holds)
        .collect();
    assert_eq!(
        states,
        [
            LocalStateContents::Nothing,
            LocalStateContents::Resources {
                resources: 1,
                outputs: 0
            }
        ]
    );
    assert!(
        fs::read_to_string(dir.join("terraform.tfstate.backup"))
            .expect("read")
            .contains("CANARY")
    );
}

/// All arguments at once, so that Terraform names those that it does not take.
#[test]
fn terraform_takes_the_arguments_that_it_is_said_to_take() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(
        dir.path().join("backend.tf"),
        "terraform {\n  backend \"s3\" {\n  }\n}\n",
    )
    .expect("written");
    let names: Vec<&str> = arguments::all().chain(["buckte"]).collect();
    let conf: String = names
        .iter()
        .map(|name| format!("{name} = null\n"))
        .collect();
    fs::write(dir.path().join("backend.conf"), conf).expect("written");
    let ran = terraform(
        dir.path(),
        &["init", "-no-color", "-backend-config=backend.conf"],
        "",
    );
    assert!(!ran.ok, "{}", ran.all());
    let all = ran.all();
    let named = all
        .split("An argument named \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let refused: BTreeSet<&str> = named.collect();
    let stops = |name: &str| {
        matches!(
            arguments::taken(name, TerraformEngine::Terraform),
            ArgumentSupport::NoLonger(_) | ArgumentSupport::Never
        )
    };
    assert_eq!(
        refused,
        names.iter().copied().filter(|name| stops(name)).collect()
    );
}

/// Which block is left of several files, by the path that the local backend is told to use.
#[test]
fn terraform_chooses_the_block_that_is_read() {
    let block = |path: &str| {
        format!("terraform {{\n  backend \"local\" {{\n    path = \"{path}\"\n  }}\n}}\n")
    };
    let json = r#"{"terraform": [{"backend": [{"local": {"path": "json", "//": "a comment"}}]}]}"#
        .to_owned();
    let (one, two) = (block("one"), block("two"));
    let nothing = "locals {\n}\n".to_owned();
    for files in [
        vec![("main.tf", &one)],
        vec![("main.tf.json", &json)],
        vec![("main.tf", &one), ("x_override.tf", &two)],
        vec![
            ("a_override.tf", &one),
            ("b_override.tf", &two),
            ("main.tf", &nothing),
        ],
        vec![("main.tf", &one), ("override.tf.json", &json)],
        vec![("main.tf", &one), ("override.tf", &nothing)],
        vec![
            ("main.tf", &one),
            (".hidden.tf", &two),
            ("x.tf~", &two),
            ("#x.tf#", &two),
            ("x.tofu", &two),
        ],
        vec![("main.tf", &one), ("two.tf", &two)],
        vec![("main.tf", &one), ("main.tf.json", &json)],
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, text) in &files {
            fs::write(dir.path().join(name), text).expect("written");
        }
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        let ran = terraform(dir.path(), &["init", "-no-color"], "");
        let look = FolderReadOptions {
            engine: Some(TerraformEngine::Terraform),
            ..FolderReadOptions::default()
        };
        let folder = WorkingDirectory::read(dir.path(), &look).expect("a folder");
        assert_eq!(
            ran.ok,
            folder.configuration.blocks.len() == 1,
            "{names:?}: {}",
            ran.all()
        );
        if !ran.ok {
            // It stores one of them all the same.
            assert!(
                ran.all().contains("Duplicate backend configuration"),
                "{names:?}: {}",
                ran.all()
            );
            continue;
        }
        let said = |arguments: &[SourcedArgument]| {
            arguments
                .iter()
                .map(|argument| (argument.name.clone(), argument.value.clone()))
                .collect::<Vec<_>>()
        };
        let stored = folder
            .saved
            .as_ref()
            .expect("readable")
            .as_ref()
            .map(|saved| said(&saved.arguments));
        let read = folder
            .configuration
            .block()
            .map(|block| said(&block.arguments));
        assert_eq!(stored, read, "{names:?}");
    }
}
