//! The history of a state that the real Terraform wrote: versions, what is in them, what differs,
//! and the bytes.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::{Value, json};

use super::{document, run};
use crate::{
    support::{
        backend::{Backend, said},
        page,
    },
    terraform::running::{apply, initialized},
};

/// Secrets in every place that a state has for one.
const SECRETS: &str = r#"
resource "terraform_data" "secret" {
  for_each         = toset(["a", "b"])
  input            = { "CANARY-key" = { nested = ["CANARY-nested", { deep = "CANARY-deep" }] } }
  triggers_replace = "CANARY-trigger"
}
resource "terraform_data" "going" { input = sensitive("CANARY-sensitive") }
output "plain" { value = "CANARY-plain" }
output "hidden" {
  value     = { "CANARY-map" = "CANARY-in-map" }
  sensitive = true
}
output "gone" { value = 1 }
"#;
/// The same with one value changed, one resource and one output gone, and one of each new.
const CHANGED: &str = r#"
resource "terraform_data" "secret" {
  for_each         = toset(["a", "c"])
  input            = { "CANARY-other" = each.key == "a" ? "CANARY-changed" : "CANARY-new" }
  triggers_replace = "CANARY-trigger"
}
output "plain" { value = "CANARY-plainer" }
output "hidden" {
  value     = { "CANARY-map" = "CANARY-in-map" }
  sensitive = true
}
output "come" { value = 1 }
"#;

/// Runs commands, and keeps all that they say.
struct Shell<'a> {
    backend: &'a Backend,
    all: String,
}

impl Shell<'_> {
    /// In text, as JSON, and with everything that can be logged; the document.
    #[track_caller]
    fn ok(&mut self, args: &[&str]) -> Value {
        let [_, output] = [&["-vvv"][..], &["-vvv", "--output", "json"]].map(|more| {
            let output = super::logged(self.backend, &[args, more].concat());
            assert!(output.status.success(), "{args:?}: {}", said(&output));
            self.all.push_str(&said(&output));
            output
        });
        document(&output)
    }

    /// What is said, without line breaks.
    #[track_caller]
    fn fails(&mut self, args: &[&str]) -> String {
        let output = super::logged(self.backend, &[args, &["-vvv"]].concat());
        assert!(!output.status.success(), "{args:?}: {}", said(&output));
        self.all.push_str(&said(&output));
        let text = said(&output);
        text[text.find("error:").unwrap_or(0)..]
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }
}

fn list(value: &Value, name: &str) -> Vec<String> {
    let items = value.as_array().unwrap_or_else(|| panic!("{value}"));
    items
        .iter()
        .map(|item| {
            item[name]
                .as_str()
                .or(item.as_str())
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("written").permissions().mode() & 0o777
}

#[tokio::test]
async fn versions_names_differences_and_bytes() {
    let backend = initialized(&["--lock", "s3"]).await;
    let secrets = backend.dir().join("secrets.tf");
    fs::write(&secrets, SECRETS).expect("written");
    apply(&backend, &[]);
    fs::write(&secrets, CHANGED).expect("written");
    apply(&backend, &[]);
    apply(&backend, &["-var", "blocks=2"]);
    backend.terraform_ok(&["workspace", "new", "gone"]);
    backend.terraform_ok(&["workspace", "select", "default"]);
    backend.terraform_ok(&["workspace", "delete", "gone"]);
    backend
        .emulator
        .python("tests/it/state/odd.py", &[&backend.conf("bucket")]);
    let mut shell = Shell {
        backend: &backend,
        all: String::new(),
    };

    versions(&mut shell);
    names(&mut shell);
    bytes(&mut shell);
    odd(&mut shell);
    the_page(&mut shell);
    // More than 5 MB, which Terraform uploads in parts.
    backend.terraform_ok(&["workspace", "new", "big"]);
    apply(&backend, &["-var", "blocks=320"]);
    large(&mut shell);

    assert!(
        shell.all.contains("s3:GetObject") && shell.all.contains("terraform_data.secret"),
        "calls are logged, and names shown"
    );
    let found = shell
        .all
        .find("CANARY")
        .map(|at| &shell.all[at.saturating_sub(300)..at + 100]);
    assert_eq!(found, None, "no value is shown");
}

fn versions(shell: &mut Shell<'_>) {
    let history = shell.ok(&["versions"]);
    let all = history["versions"].as_array().expect("versions");
    let row = |version: &Value| {
        [
            &version["serial"],
            &version["current"],
            &version["deleted"],
            &version["resources"],
        ]
        .map(Clone::clone)
    };
    assert_eq!(
        all.iter().map(row).collect::<Vec<_>>(),
        [
            [json!(3), json!(true), json!(false), json!(3)],
            [json!(2), json!(false), json!(false), json!(3)],
            [json!(1), json!(false), json!(false), json!(4)],
        ],
        "{history}"
    );
    assert_eq!(
        (&history["deleted"], &history["count"]),
        (&json!(false), &json!(3))
    );
    assert!(
        all.windows(2)
            .all(|pair| pair[0]["lineage"] == pair[1]["lineage"]
                && pair[0]["modified"].as_str() >= pair[1]["modified"].as_str())
    );

    let newest = shell.ok(&["versions", "terraform.tfstate", "--limit", "1"]);
    assert_eq!(
        (list(&newest["versions"], "version_id"), &newest["count"]),
        (
            vec![all[0]["version_id"].as_str().expect("an id").to_owned()],
            &json!(3)
        )
    );

    // A deleted workspace has a history, and no state.
    let deleted = shell.ok(&["versions", "--workspace", "gone"]);
    assert_eq!(
        (&deleted["path"], &deleted["deleted"]),
        (&json!("env:/gone/terraform.tfstate"), &json!(true)),
        "{deleted}"
    );
    assert_eq!(
        (
            &deleted["versions"][0]["deleted"],
            &deleted["versions"][1]["serial"]
        ),
        (&json!(true), &json!(1)),
        "{deleted}"
    );
    let marker = deleted["versions"][0]["version_id"]
        .as_str()
        .expect("an id");
    let says = shell.fails(&["show", "--workspace", "gone"]);
    assert!(
        says.contains("there is no state env:/gone/terraform.tfstate")
            && says.contains("`tfbackend state versions"),
        "{says}"
    );
    let says = shell.fails(&["show", "--workspace", "gone", "--version-id", marker]);
    assert!(
        says.contains("is a delete marker: it has no content") || says.contains("has no version"),
        "{says}"
    );
    assert_eq!(
        shell.ok(&["show", "--workspace", "gone", "--version-id", "serial=1"])["serial"],
        1
    );

    // Of another state, and of none.
    let other = deleted["versions"][1]["version_id"]
        .as_str()
        .expect("an id");
    for id in [other, "0123456789abcdef0123456789abcdef", "no/such\"id"] {
        let says = shell.fails(&["pull", "--version-id", id, "--out", "never.json"]);
        assert!(
            says.contains("terraform.tfstate has no version"),
            "{id}: {says}"
        );
    }
    assert!(
        shell
            .fails(&["diff", "serial=9", "current"])
            .contains("has no version of serial 9")
    );
    assert!(
        shell
            .fails(&["versions", "nowhere.tfstate"])
            .contains("there is no state nowhere.tfstate in bucket")
    );
    assert!(
        shell
            .fails(&["versions", "terraform"])
            .contains("there is no state terraform in bucket"),
        "a name that others begin with"
    );
    assert!(
        shell
            .fails(&["show", "--workspace", "a/b"])
            .contains("is not the name of a workspace")
    );
    assert!(!backend_has(shell, "never.json"));
}

fn backend_has(shell: &Shell<'_>, name: &str) -> bool {
    shell.backend.dir().join(name).exists()
}

fn names(shell: &mut Shell<'_>) {
    let shown = shell.ok(&["show", "--version-id", "serial=1"]);
    let objects = [
        "terraform_data.content",
        "terraform_data.going",
        r#"terraform_data.secret["a"]"#,
        r#"terraform_data.secret["b"]"#,
    ];
    assert_eq!(list(&shown["objects"], "address"), objects);
    assert_eq!(
        list(&shown["objects"][2]["attributes"], ""),
        ["id", "input", "output", "triggers_replace"]
    );
    assert_eq!(
        (list(&shown["outputs"], ""), &shown["contents"]),
        (
            vec!["gone".to_owned(), "hidden".to_owned(), "plain".to_owned()],
            &json!("known")
        )
    );
    assert_eq!(shown["encryption"]["algorithm"], "aws:kms");

    let diff = shell.ok(&["diff", "serial=1", "serial=2"]);
    let difference = &diff["difference"];
    assert_eq!(
        list(&difference["added"], ""),
        [r#"terraform_data.secret["c"]"#]
    );
    assert_eq!(
        list(&difference["removed"], ""),
        ["terraform_data.going", r#"terraform_data.secret["b"]"#]
    );
    assert_eq!(
        list(&difference["changed"], "address"),
        [r#"terraform_data.secret["a"]"#],
        "{diff}"
    );
    assert_eq!(
        list(&difference["changed"][0]["attributes"], ""),
        ["input", "output"],
        "and not the keys of the map"
    );
    assert_eq!(
        difference["outputs"],
        json!({ "added": ["come"], "removed": ["gone"], "changed": ["plain"] })
    );
    assert_eq!(
        (
            &diff["same_lineage"],
            &diff["from"]["serial"],
            &diff["to"]["serial"]
        ),
        (&json!(true), &json!(1), &json!(2))
    );

    let text = said(&run(shell.backend, &["diff", "serial=1", "serial=2"]));
    for line in [
        "+ terraform_data.secret[\"c\"]",
        "~ terraform_data.secret[\"a\"]: input, output",
        "~ output plain",
        "1 object added, 2 removed, 1 changed; 3 outputs differ.",
    ] {
        assert!(text.lines().any(|said| said == line), "{line}: {text}");
    }
    let same = shell.ok(&["diff", "current", "current"]);
    assert_eq!(
        same["difference"],
        json!({ "added": [], "removed": [], "changed": [], "outputs": { "added": [], "removed": [], "changed": [] } })
    );
}

fn bytes(shell: &mut Shell<'_>) {
    let dir = shell.backend.dir();
    let out = dir.join("pulled.json");
    // Terraform itself writes it anew; what is in it is the same.
    let terraform: Value =
        serde_json::from_str(&shell.backend.terraform_ok(&["state", "pull"])).expect("a state");
    let pulled = document(&super::logged(
        shell.backend,
        &["pull", "--out", "pulled.json", "--output", "json", "-vvv"],
    ));
    let bytes = fs::read(&out).expect("written");
    assert_eq!(
        (
            serde_json::from_slice::<Value>(&bytes).expect("a state"),
            mode(&out)
        ),
        (terraform, 0o600)
    );
    assert_eq!(pulled["bytes"], bytes.len());
    for canary in [
        "CANARY-changed",
        "CANARY-plainer",
        "CANARY-in-map",
        "CANARY-other",
        "CANARY-trigger",
    ] {
        assert!(
            String::from_utf8_lossy(&bytes).contains(canary),
            "the test is about secrets that are there: {canary}"
        );
    }
    // Byte for byte, also into a pipe.
    let piped = run(shell.backend, &["pull", "terraform.tfstate"]);
    assert!(
        piped.status.success() && piped.stdout == bytes,
        "{}",
        String::from_utf8_lossy(&piped.stderr)
    );

    let says = shell.fails(&["pull", "--version-id", "previous", "--out", "pulled.json"]);
    assert!(
        says.contains("already exists; nothing was written") && says.contains("--overwrite"),
        "{says}"
    );
    assert_eq!(fs::read(&out).expect("there"), bytes);
    let _ = shell.ok(&[
        "pull",
        "--version-id",
        "serial=1",
        "--out",
        "pulled.json",
        "--overwrite",
    ]);
    let first: Value = serde_json::from_slice(&fs::read(&out).expect("written")).expect("a state");
    assert_eq!((&first["serial"], mode(&out)), (&json!(1), 0o600));
    let said = said(&super::logged(shell.backend, &["pull", "--output", "json"]));
    assert!(
        said.contains("name it: --out FILE"),
        "a document has no place for it: {said}"
    );
    fs::remove_file(&out).expect("removed");
}

/// The selected workspace is the one that is meant, and its state is whole in every way.
fn large(shell: &mut Shell<'_>) {
    let history = shell.ok(&["versions"]);
    let (path, newest) = ("env:/big/terraform.tfstate", &history["versions"][0]);
    assert_eq!(
        (&history["path"], &newest["resources"]),
        (&json!(path), &json!(3)),
        "{history}"
    );
    assert!(
        newest["bytes"]
            .as_u64()
            .is_some_and(|bytes| bytes > 5 << 20),
        "{history}"
    );
    let diff = shell.ok(&["diff", "previous", "current"]);
    assert_eq!(
        list(&diff["difference"]["added"], "")[0],
        "terraform_data.content",
        "{diff}"
    );
    let pulled = run(shell.backend, &["pull"]);
    let whole: Value = serde_json::from_slice(&pulled.stdout).expect("a state");
    assert_eq!(
        (pulled.stdout.len(), &whole["serial"]),
        (
            usize::try_from(newest["bytes"].as_u64().expect("bytes")).expect("few"),
            &newest["serial"]
        )
    );
}

/// States that are none, that are encrypted, and whose names are hostile.
fn odd(shell: &mut Shell<'_>) {
    let all = shell.ok(&["list"]);
    let of = |path: &str| {
        all["states"]
            .as_array()
            .expect("states")
            .iter()
            .find(|state| state["path"] == path)
            .unwrap_or_else(|| panic!("{path}: {all}"))
            .clone()
    };
    let encrypted = of("odd/encrypted.tfstate");
    assert_eq!(
        (
            &encrypted["contents"],
            &encrypted["serial"],
            &encrypted["resources"]
        ),
        (&json!("encrypted"), &json!(7), &Value::Null)
    );
    for (path, error) in [
        ("odd/cut.tfstate", "truncated JSON"),
        ("odd/empty.tfstate", "it is empty"),
        ("odd/text.tfstate", "it is not JSON (line 1, column 1)"),
    ] {
        assert_eq!(
            (&of(path)["contents"], &of(path)["error"]),
            (&json!("unreadable"), &json!(error)),
            "{path}"
        );
        assert!(shell.fails(&["show", path]).contains(error), "{path}");
    }
    assert_eq!(
        (&all["unknown"], &all["others"]),
        (&json!(4), &json!(1)),
        "{all}"
    );
    assert_eq!(
        of("odd/\u{1b}]0;x\u{7}\u{202e}'${x}\n.tfstate")["serial"],
        1
    );
    let text = said(&run(shell.backend, &["list"]));
    assert!(
        text.contains(r"odd/\u{1b}]0;x\u{7}\u{202e}'${x}\n.tfstate")
            && !text.contains('\u{1b}')
            && !text.contains('\u{202e}'),
        "{text}"
    );

    let shown = shell.ok(&["show", "odd/encrypted.tfstate"]);
    assert_eq!(
        (&shown["objects"], &shown["outputs"], &shown["serial"]),
        (&Value::Null, &Value::Null, &json!(7))
    );
    let diff = shell.ok(&["diff", "previous", "current", "odd/encrypted.tfstate"]);
    assert_eq!(
        (
            &diff["difference"],
            &diff["from"]["serial"],
            &diff["same_lineage"]
        ),
        (&Value::Null, &json!(6), &json!(true))
    );
    let text = said(&run(shell.backend, &["show", "odd/encrypted.tfstate"]));
    assert!(
        text.contains("OpenTofu encrypted it: its content is unknown without the key."),
        "{text}"
    );
    let _ = shell.ok(&["versions", "odd/cut.tfstate"]);
}

/// The commands of the page, as they stand there.
fn the_page(shell: &mut Shell<'_>) {
    let page = page::read("docs/reference/states.md");
    let blocks = page
        .split("<!-- run -->\n```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let lines: Vec<&str> = blocks.flat_map(str::lines).collect();
    assert!(lines.len() > 8, "{lines:?}");
    for line in lines {
        let args: Vec<&str> = line
            .strip_prefix("tfbackend state ")
            .expect("a command")
            .split(' ')
            .collect();
        let output = super::logged(shell.backend, &args);
        assert!(output.status.success(), "{line}: {}", said(&output));
        shell.all.push_str(&said(&output));
    }
    // What every document has is explained.
    for document in [
        shell.ok(&["list"]),
        shell.ok(&["versions"]),
        shell.ok(&["show"]),
        shell.ok(&["diff", "previous", "current"]),
    ] {
        for (name, value) in document.as_object().expect("fields") {
            let inside = value
                .as_array()
                .and_then(|items| items.first())
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(|item| item.keys());
            for name in inside
                .chain([name])
                .filter(|name| *name != "format_version")
            {
                assert!(
                    page.contains(&format!("`{name}`")),
                    "{name} is not explained"
                );
            }
        }
    }
}
