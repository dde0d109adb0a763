//! The built program as a person or a script runs it.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use super::{emulator::Emulator, schemas};

/// A folder, and an environment to run the program in.
pub(crate) struct Place {
    dir: TempDir,
    pub vars: BTreeMap<String, String>,
    /// What differs from run to run, and how it is shown.
    hidden: Vec<(String, &'static str)>,
}

impl Place {
    /// As the emulator's administrator, who has said nothing of a region.
    pub(crate) fn with(emulator: &Emulator) -> Self {
        let mut vars = emulator.aws_env();
        for name in ["AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"] {
            vars.remove(name);
        }
        let mut place = Self::bare();
        place.vars.extend(vars);
        place.vars.insert(
            "AWS_ENDPOINT_URL".to_owned(),
            emulator.endpoint().to_owned(),
        );
        place.hide(emulator.endpoint(), "ENDPOINT");
        place
    }

    /// Without credentials, and with nothing that leads to any.
    pub(crate) fn bare() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join("shop")).expect("a folder");
        let mut vars: BTreeMap<String, String> = ["PATH", "LANG", "TMPDIR"]
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
            .collect();
        vars.insert(
            "HOME".to_owned(),
            dir.path().join("home").display().to_string(),
        );
        vars.insert("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned());
        // Terraform collects no garbage as long as it is small: a third of its time.
        vars.insert("GOGC".to_owned(), "off".to_owned());
        vars.insert("GOMEMLIMIT".to_owned(), "1GiB".to_owned());
        // As in a terminal of this width; without it, no line is broken.
        vars.insert("COLUMNS".to_owned(), "80".to_owned());
        let hidden = vec![(dir.path().display().to_string(), "~")];
        Self { dir, vars, hidden }
    }

    /// Against an endpoint of the test's own, with credentials that mean nothing.
    pub(crate) fn at(endpoint: &str) -> Self {
        let mut place = Self::bare();
        place.set("AWS_ENDPOINT_URL", endpoint);
        place.set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
        place.set("AWS_SECRET_ACCESS_KEY", "secret");
        // A test is not to wait for the SDK's own retries of what will not change.
        place.set("AWS_MAX_ATTEMPTS", "1");
        place.hide(endpoint, "ENDPOINT");
        place
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.vars.insert(name.to_owned(), value.to_owned());
    }

    /// Shows `text` as `name` in what is said.
    pub(crate) fn hide(&mut self, text: &str, name: &'static str) {
        self.hidden.push((text.to_owned(), name));
    }

    /// The folder that it runs in.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("shop")
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .envs(&self.vars)
            .stdin(Stdio::null());
        command
    }

    /// `line` at spaces, at another endpoint.
    pub(crate) fn command_at(&self, endpoint: &str, line: &str) -> Command {
        let mut command = self.command(&line.split_whitespace().collect::<Vec<_>>());
        command.env("AWS_ENDPOINT_URL", endpoint);
        command
    }

    /// Runs it to its end. Its JSON is valid under the schema of the command.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        let output = self.command(args).output().expect("the program");
        schemas::must_be_valid(args, &String::from_utf8_lossy(&output.stdout));
        self.said(&output)
    }

    /// `line` at spaces, after `bootstrap`.
    pub(crate) fn bootstrap(&self, line: &str) -> Said {
        let args: Vec<&str> = ["bootstrap"]
            .into_iter()
            .chain(line.split_whitespace())
            .collect();
        self.run(&args)
    }

    pub(crate) fn said(&self, output: &Output) -> Said {
        let text = |bytes: &[u8]| self.plain(&String::from_utf8_lossy(bytes));
        Said {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// Without what differs from run to run.
    pub(crate) fn plain(&self, text: &str) -> String {
        let text = self
            .hidden
            .iter()
            .fold(text.to_owned(), |text, (hidden, name)| {
                text.replace(hidden, name)
            });
        text.lines()
            .map(|line| format!("{}\n", without_ids(&without_time(line))))
            .collect()
    }
}

/// What a run of the program said, and its status.
pub(crate) struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// What a test of a refusal has beside it: the status, and what is on standard error from
    /// `error:` on.
    pub(crate) fn refusal(&self) -> String {
        let from = self.err.find("error:").unwrap_or(0);
        let mut text = self
            .code
            .map_or("killed".to_owned(), |code| code.to_string());
        for line in self.err[from..].lines() {
            // Where a paragraph breaks depends on how long a path is.
            match line
                .strip_prefix("    ")
                .filter(|rest| !rest.starts_with('|'))
            {
                Some(rest) => text.push_str(&format!(" {}", rest.trim_start())),
                None => text.push_str(&format!("\n{line}")),
            }
        }
        text
    }

    pub(crate) fn all(&self) -> String {
        format!("{:?}\n{}{}", self.code, self.out, self.err)
    }
}

/// A step's line ends with how long it took.
fn without_time(line: &str) -> String {
    match line.trim_end().rsplit_once("  ") {
        Some((before, time))
            if time
                .strip_suffix('s')
                .is_some_and(|number| number.parse::<f64>().is_ok()) =>
        {
            format!("{before}  TIME")
        }
        _ => line.trim_end().to_owned(),
    }
}

/// `UUID` for each.
fn without_ids(line: &str) -> String {
    const SHAPE: [usize; 5] = [8, 4, 4, 4, 12];
    let is_id = |text: &str| {
        let parts: Vec<&str> = text.split('-').collect();
        parts.len() == SHAPE.len()
            && parts
                .iter()
                .zip(SHAPE)
                .all(|(part, len)| part.len() == len && part.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let mut out = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        match rest.get(..36).filter(|text| is_id(text)) {
            Some(id) => {
                out.push_str("UUID");
                rest = &rest[id.len()..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}
