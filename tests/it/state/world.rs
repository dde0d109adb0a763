//! A backend, a configuration that the real Terraform applied, and the program beside it.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::support::backend::{Backend, block_tf, said};

pub(crate) const KEY: &str = "terraform.tfstate";
pub(crate) const TABLE: &str = "acme-tfstate-prod-locks";
/// What no output may show.
pub(crate) const SECRET: &str = "hunter2";

/// Larger than 5 MB with 320 blocks, so that it is uploaded in parts.
const MAIN: &str = r#"
variable "more" { default = 0 }
variable "blocks" { default = 0 }

resource "terraform_data" "one" {
  input = sensitive("hunter2 ${join("", [for i in range(var.blocks) : local.block])}")
}

resource "terraform_data" "more" {
  count = var.more
  input = sensitive("hunter2")
}
"#;

pub(crate) struct World {
    pub backend: Backend,
    pub bucket: String,
}

impl World {
    pub(crate) async fn make(lock: &str) -> Self {
        Self::with(&["--lock", lock]).await
    }

    pub(crate) async fn with(args: &[&str]) -> Self {
        let backend = Backend::make(args).await;
        fs::write(backend.dir().join("main.tf"), MAIN.to_owned() + &block_tf()).expect("written");
        backend.terraform_ok(&["init", "-backend-config=backend.conf"]);
        let bucket = backend.conf("bucket");
        Self { backend, bucket }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.backend.dir().to_owned()
    }

    #[track_caller]
    pub(crate) fn apply(&self, vars: &[&str]) {
        let vars = vars.iter().flat_map(|var| ["-var", var]);
        let args: Vec<&str> = ["apply", "-auto-approve"].into_iter().chain(vars).collect();
        self.backend.terraform_ok(&args);
    }

    /// Terraform sees that nothing has to be done, and reads the state without a word about its
    /// digest.
    #[track_caller]
    pub(crate) fn nothing_to_change(&self, vars: &[&str]) {
        let vars = vars.iter().flat_map(|var| ["-var", var]);
        let args: Vec<&str> = ["plan", "-detailed-exitcode"]
            .into_iter()
            .chain(vars)
            .collect();
        let said = self.backend.terraform_ok(&args);
        assert!(said.contains("No changes."), "{said}");
    }

    /// About the backend of the folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.tfbackend("state", args)
    }

    pub(crate) fn lock(&self, args: &[&str]) -> Command {
        self.tfbackend("lock", args)
    }

    fn tfbackend(&self, group: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
        command
            .arg(group)
            .args(args)
            .current_dir(self.backend.dir())
            .env_clear();
        command
            .envs(self.backend.emulator.aws_env())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Against an endpoint that stands before the emulator, which the files of the folder do not
    /// know of.
    pub(crate) fn command_at(&self, endpoint: &str, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command.args([
            "--env",
            "prod",
            "--project",
            "acme",
            "--region",
            self.backend.emulator.region(),
            "--lock",
            "both",
        ]);
        command.args(["--endpoint-url", endpoint]);
        command
    }

    pub(crate) fn state(&self, args: &[&str]) -> Output {
        let output = self.command(args).output().expect("the program");
        assert!(!said(&output).contains(SECRET), "{args:?} shows a value");
        output
    }

    pub(crate) fn verify(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
        command
            .arg("verify")
            .args([
                "--env",
                "prod",
                "--project",
                "acme",
                "--lock",
                "both",
                "--region",
            ])
            .arg(self.backend.emulator.region());
        command
            .args(args)
            .current_dir(self.backend.dir())
            .env_clear()
            .envs(self.backend.emulator.aws_env())
            .stdin(Stdio::null());
        command.output().expect("the program")
    }

    #[track_caller]
    pub(crate) fn fails(&self, args: &[&str], code: i32, says: &[&str]) -> String {
        let output = self.state(args);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        // Where a line breaks depends on how long a path is.
        let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
        says.iter()
            .for_each(|says| assert!(joined.contains(says), "{says:?} is not said: {text}"));
        text
    }

    /// The document that it answers with.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let output = self.state(&[args, &["--output", "json"]].concat());
        assert!(output.status.success(), "{args:?}: {}", said(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    pub(crate) fn tool(&self, what: &str, rest: &[&str]) -> String {
        let args = [&[what, &self.bucket, TABLE], rest].concat();
        self.backend
            .emulator
            .python("tests/it/state/tool.py", &args)
            .trim()
            .to_owned()
    }

    pub(crate) fn standing(&self) -> String {
        self.tool("standing", &[KEY])
    }

    /// Of all versions, the newest first: id and serial.
    pub(crate) fn versions(&self) -> Vec<(String, String)> {
        let split = |line: &str| {
            line.split_once(' ')
                .map(|(id, serial)| (id.to_owned(), serial.to_owned()))
                .expect("two words")
        };
        self.tool("versions", &[KEY]).lines().map(split).collect()
    }

    /// Of the newest version with this serial.
    #[track_caller]
    pub(crate) fn version_of(&self, serial: &str) -> String {
        self.versions()
            .into_iter()
            .find(|(_, has)| has == serial)
            .expect(serial)
            .0
    }

    /// Files that a restore left, in the order of their names.
    pub(crate) fn kept(&self) -> Vec<PathBuf> {
        let of = |folder: PathBuf| {
            fs::read_dir(folder)
                .into_iter()
                .flatten()
                .map(|entry| entry.expect("an entry").path())
        };
        let name = |path: &PathBuf| {
            path.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        };
        let is_left = |path: &PathBuf| {
            name(path).contains("before-restore") || name(path).starts_with(".tfbackend-")
        };
        let mut kept: Vec<PathBuf> = of(self.dir())
            .chain(of(self.dir().join(".tfbackend")))
            .filter(is_left)
            .collect();
        kept.sort();
        kept
    }
}
