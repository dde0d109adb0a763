//! A backend that the built program made on an emulator, and somebody who may run Terraform on it
//! and no more.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use super::{emulator::Emulator, user::User};

/// Everything of Terraform's is done as an IAM user who has the runner policy and nothing else.
pub(crate) struct Backend {
    pub emulator: Emulator,
    dir: TempDir,
    runner: BTreeMap<String, String>,
    /// The command line that made it.
    args: Vec<String>,
}

impl Backend {
    /// Runs `tfbackend bootstrap` for the environment `prod` of `acme` as the administrator.
    pub(crate) async fn make(args: &[&str]) -> Self {
        let emulator = Emulator::start().await;
        let mut runner = emulator.aws_env();
        User::make(&emulator, "terraform")
            .await
            .works_in(&mut runner);
        let dir = tempfile::tempdir().expect("a directory");
        let args = [args, &["--attach-to", "user/terraform"]]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let backend = Self {
            emulator,
            dir,
            runner,
            args,
        };
        let output = backend.bootstrap();
        assert!(output.status.success(), "{}", said(&output));
        backend
    }

    /// The same command once more.
    pub(crate) fn bootstrap(&self) -> Output {
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        bootstrap(&self.emulator, self.dir(), &args)
    }

    /// Another command about the same environment, as the administrator.
    pub(crate) fn tfbackend(&self, command: &str, more: &[&str]) -> Output {
        let mut words = vec![
            command,
            "--project",
            "acme",
            "--env",
            "prod",
            "--region",
            self.emulator.region(),
        ];
        words.extend(["--endpoint-url", self.emulator.endpoint()]);
        words.extend(self.args.iter().map(String::as_str));
        let mut program = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
        program
            .args(words)
            .args(more)
            .current_dir(self.dir())
            .env_clear()
            .envs(self.emulator.aws_env());
        program.stdin(Stdio::null()).output().expect("the program")
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What `backend.conf` says of an argument.
    pub(crate) fn conf(&self, argument: &str) -> String {
        let conf = fs::read_to_string(self.dir().join("backend.conf")).expect("backend.conf");
        let line = conf
            .lines()
            .find(|line| {
                line.split('=')
                    .next()
                    .is_some_and(|name| name.trim() == argument)
            })
            .expect(argument);
        line.split_once('=')
            .expect("an argument")
            .1
            .trim()
            .trim_matches('"')
            .to_owned()
    }

    /// The real `terraform`, as the runner.
    pub(crate) fn terraform_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("terraform");
        command
            .args(args)
            .current_dir(self.dir())
            .env_clear()
            .envs(&self.runner)
            .stdin(Stdio::null());
        command.envs([
            ("CHECKPOINT_DISABLE", "1"),
            ("TF_IN_AUTOMATION", "1"),
            ("TF_INPUT", "0"),
            ("TF_CLI_ARGS", "-no-color"),
        ]);
        command
    }

    /// Runs it to its end, whether or not it succeeds.
    pub(crate) fn terraform(&self, args: &[&str]) -> Output {
        self.terraform_command(args)
            .output()
            .expect("this test needs `terraform` on PATH")
    }

    /// What it says on standard output.
    #[track_caller]
    pub(crate) fn terraform_ok(&self, args: &[&str]) -> String {
        let output = self.terraform(args);
        assert!(
            output.status.success(),
            "{args:?}: {}\n{}",
            said(&output),
            self.emulator.log()
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The environment of the runner.
    pub(crate) fn runner(&self) -> &BTreeMap<String, String> {
        &self.runner
    }

    pub(crate) fn python_as_runner(&self, script: &str, args: &[&str]) -> String {
        self.emulator.python_in(&self.runner, script, args)
    }
}

/// `local.block` of a configuration, 9 kB: a state with it 320 times is larger than 5 MB.
///
/// It is text because Terraform evaluates an expression for it longer than it does all the rest.
pub(crate) fn block_tf() -> String {
    let numbers: Vec<String> = (0..1000).map(|number| format!("{number:08}")).collect();
    format!("locals {{\n  block = \"{}\"\n}}\n", numbers.join(" "))
}

/// `tfbackend bootstrap` in `dir`, as the emulator's administrator.
pub(crate) fn bootstrap(emulator: &Emulator, dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
    command.args([
        "bootstrap",
        "--project",
        "acme",
        "--env",
        "prod",
        "--region",
        emulator.region(),
        "--auto-approve",
    ]);
    command
        .args(["--endpoint-url", emulator.endpoint()])
        .args(args)
        .current_dir(dir)
        .env_clear()
        .envs(emulator.aws_env());
    command.stdin(Stdio::null()).output().expect("the program")
}

/// Both outputs of a process and how it ended, for a person.
pub(crate) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )
}
