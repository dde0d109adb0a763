//! Which backend, which state and which files a folder gets: never another folder's without a word.

mod environments;
mod second_block;
mod shared_state;
mod two_environments;
mod workspaces;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::support::emulator::Emulator;

/// An environment that is made in a moment.
const SMALL: &str = "--env prod --project acme --region eu-west-1 --encryption sse-s3 --trail off \
                     --alarms=false --policy=false --access-logs=false --lock s3";
const BUCKET: &str = "acme-tfstate-prod-000000000000-eu-west-1";

/// Folders side by side, of which `repository` is one of Git's.
struct Folders {
    emulator: Emulator,
    dir: TempDir,
}

/// How a process ended, and everything that it said.
struct Ran {
    code: Option<i32>,
    text: String,
}

impl Folders {
    async fn new() -> Self {
        let folders = Self {
            emulator: Emulator::start().await,
            dir: tempfile::tempdir().expect("a folder"),
        };
        fs::create_dir_all(folders.path("repository/.git")).expect("made");
        folders
    }

    /// A folder, which is made if need be.
    fn path(&self, folder: &str) -> PathBuf {
        let path = self.dir.path().join(folder);
        fs::create_dir_all(&path).expect("made");
        path
    }

    fn put(&self, file: &str, text: &str) {
        let path = self.dir.path().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.dir.path().join(file)).unwrap_or_default()
    }

    fn exists(&self, file: &str) -> bool {
        self.dir.path().join(file).exists()
    }

    /// Runs the program in a folder, against the emulator.
    fn run(&self, folder: &str, line: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
        command
            .args(line.split_whitespace())
            .args(["--endpoint-url", self.emulator.endpoint()]);
        command
            .current_dir(self.path(folder))
            .env_clear()
            .envs(self.emulator.aws_env())
            .stdin(Stdio::null());
        self.ran(&command.output().expect("the program"))
    }

    #[track_caller]
    fn ok(&self, folder: &str, line: &str) -> String {
        let ran = self.run(folder, line);
        assert_eq!(
            ran.code,
            Some(0),
            "{line}: {}\n{}",
            ran.text,
            self.emulator.log()
        );
        ran.text
    }

    /// What it says, without its line breaks.
    #[track_caller]
    fn refused(&self, folder: &str, line: &str, code: i32) -> String {
        let ran = self.run(folder, line);
        assert_eq!(ran.code, Some(code), "{line}: {}", ran.text);
        ran.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Runs the real Terraform in a folder.
    #[track_caller]
    fn terraform(&self, folder: &str, args: &[&str]) -> String {
        let ran = self.ran(&self.emulator.terraform(&self.path(folder), args));
        assert_eq!(
            ran.code,
            Some(0),
            "{args:?}: {}\n{}",
            ran.text,
            self.emulator.log()
        );
        ran.text
    }

    fn ran(&self, output: &Output) -> Ran {
        let text = [&output.stdout[..], &output.stderr[..]]
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .concat();
        Ran {
            code: output.status.code(),
            text: text.replace(&*self.dir.path().to_string_lossy(), "~"),
        }
    }

    /// What the partial configuration of a folder says of an argument.
    #[track_caller]
    fn said(&self, conf: &str, argument: &str) -> String {
        let text = self.read(conf);
        let line = text.lines().find(|line| {
            line.split('=')
                .next()
                .is_some_and(|name| name.trim() == argument)
        });
        line.unwrap_or_else(|| panic!("{conf} has no {argument}: {text}"))
            .split_once('=')
            .expect("=")
            .1
            .trim()
            .trim_matches('"')
            .to_owned()
    }
}
