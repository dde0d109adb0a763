//! Follows a guide: each of its steps in one folder, as a shell would.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use super::steps::{Step, steps};
use crate::{
    readme::{fits, ids},
    support::{emulator::Emulator, page},
};

/// What all commands are run in, with a folder that `cd` changes.
pub(crate) struct Guide {
    emulator: Emulator,
    dir: TempDir,
    pub vars: BTreeMap<String, String>,
}

impl Guide {
    /// In an empty folder, as the administrator of an empty account.
    pub(crate) async fn start() -> Self {
        let emulator = Emulator::start().await;
        let dir = tempfile::tempdir().expect("a folder");
        let mut vars = emulator.aws_env();
        let program = Path::new(env!("CARGO_BIN_EXE_tfbackend"));
        let own = dir.path().join("bin");
        fs::create_dir(&own).expect("a folder");
        let built = program.parent().expect("a folder").display();
        let path = format!("{}:{built}:{}", own.display(), vars["PATH"]);
        vars.insert("PATH".to_owned(), path);
        vars.insert("HOME".to_owned(), dir.path().display().to_string());
        for (name, value) in [
            ("LANG", "C.UTF-8"),
            ("CHECKPOINT_DISABLE", "1"),
            ("TF_INPUT", "0"),
            ("TF_IN_AUTOMATION", "1"),
            ("TF_CLI_ARGS", "-no-color"),
            // A folder of the guide is in no repository but its own.
            ("GIT_CONFIG_NOSYSTEM", "1"),
        ] {
            vars.insert(name.to_owned(), value.to_owned());
        }
        let guide = Self {
            emulator,
            dir,
            vars,
        };
        let infra = guide.dir.path().join("infra");
        fs::create_dir(&infra).expect("a folder");
        guide.enter(&infra);
        guide
    }

    /// `name` is on PATH: the program of this machine, or else `other` under this name.
    pub(crate) fn must_have(&mut self, name: &str, other: &str) {
        let find = |name: &str| {
            env::split_paths(&self.vars["PATH"])
                .map(|folder| folder.join(name))
                .find(|file| file.exists())
        };
        if find(name).is_none() {
            let other = find(other).unwrap_or_else(|| panic!("{other} is on PATH"));
            let link = self.dir.path().join("bin").join(name);
            std::os::unix::fs::symlink(other, link).expect("a link");
        }
    }

    /// The folder that the next command is run in.
    pub(crate) fn folder(&self) -> PathBuf {
        let said = fs::read_to_string(self.place()).expect("a folder");
        PathBuf::from(said.trim_end())
    }

    fn place(&self) -> PathBuf {
        self.dir.path().join("folder")
    }

    fn enter(&self, folder: &Path) {
        fs::write(self.place(), folder.display().to_string()).expect("written");
    }

    /// Runs it as a shell of the guide does; both outputs are one.
    pub(crate) fn sh(&self, command: &str) -> Output {
        let place = self.place();
        let text = format!(
            "exec 2>&1\n{command}\nstatus=$?\npwd -P > '{}'\nexit $status",
            place.display()
        );
        let mut sh = Command::new("bash");
        sh.args(["-c", &text])
            .current_dir(self.folder())
            .env_clear()
            .envs(&self.vars)
            .stdin(Stdio::null());
        sh.output().expect("bash")
    }

    /// What was printed, without what differs from run to run.
    pub(crate) fn printed(&self, output: &Output) -> String {
        let dir = self.dir.path().canonicalize().expect("a folder");
        let text =
            String::from_utf8_lossy(&output.stdout).replace(&*dir.to_string_lossy(), "/home/me");
        text.split_inclusive('\n').map(ids).collect()
    }

    /// A command that the guide does not show.
    fn setup(&self, command: &str) {
        match command.strip_prefix("python ") {
            Some(script) => self.python(&script.split(' ').collect::<Vec<_>>()),
            None => self.must(command),
        }
    }

    /// # Panics
    /// If it fails.
    pub(crate) fn must(&self, command: &str) {
        let output = self.sh(command);
        let printed = self.printed(&output);
        assert!(output.status.success(), "{command}\n{printed}");
    }

    /// Runs a script of the tests, as the administrator.
    pub(crate) fn python(&self, words: &[&str]) {
        let _ = self.emulator.python(words[0], &words[1..]);
    }

    /// A YAML document as JSON.
    pub(crate) fn yaml(&self, text: &str) -> Value {
        let json = self.emulator.python("tests/it/guides/yaml.py", &[text]);
        serde_json::from_str(&json).expect("JSON")
    }

    /// Only what the guide does not show.
    pub(crate) fn prepare(&self, name: &str) {
        for step in steps(&page::read(&format!("docs/guide/{name}.md"))) {
            if let Step::Setup(command) = step {
                self.setup(&command);
            }
        }
    }

    /// # Panics
    /// With all that was printed, if a command prints or ends otherwise than the guide says.
    pub(crate) fn follow(&self, name: &str) {
        let file = format!("docs/guide/{name}.md");
        let (mut wrong, mut all, mut commands) = (String::new(), String::new(), 0);
        for step in steps(&page::read(&file)) {
            match step {
                Step::File { name, text } => {
                    fs::write(self.folder().join(name), text).expect("written");
                }
                Step::Setup(command) => self.setup(&command),
                Step::Run { shown, code } => {
                    let output = self.sh(&shown.command);
                    let printed = self.printed(&output);
                    let said = format!("$ {}\n{printed}", shown.command);
                    assert_eq!(output.status.code(), Some(code), "{file}:\n{all}{said}");
                    let lines: Vec<String> = shown.lines.iter().map(|line| ids(line)).collect();
                    if !fits(&lines, &printed.lines().collect::<Vec<_>>()) {
                        wrong.push_str(&said);
                    }
                    all.push_str(&said);
                    commands += 1;
                }
            }
        }
        assert!(commands > 1, "{file} shows no commands");
        assert!(wrong.is_empty(), "{file} is to show:\n{wrong}");
    }
}
