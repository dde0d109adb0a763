//! The tests' Python scripts, run by one Python that has boto3 already.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Mutex,
};

use serde_json::json;

const STAND_BY: &str = "tests/it/support/scripts.py";

/// Those that have nothing to do. They end with this process: nobody writes to them then.
static IDLE: Mutex<Vec<Scripts>> = Mutex::new(Vec::new());

struct Scripts {
    python: Child,
    asked: ChildStdin,
    said: BufReader<ChildStdout>,
}

/// How a script ended, and what it said.
pub struct Ran {
    pub status: i64,
    pub out: String,
    pub err: String,
}

/// Runs a script, its path in this package, in this environment and no other.
pub fn run(python: &Path, script: &str, args: &[&str], vars: &BTreeMap<String, String>) -> Ran {
    let idle = IDLE.lock().expect("the scripts").pop();
    let mut scripts = idle.unwrap_or_else(|| Scripts::start(python));
    let ran = scripts.run(script, args, vars);
    IDLE.lock().expect("the scripts").push(scripts);
    ran
}

impl Scripts {
    fn start(python: &Path) -> Self {
        let mut command = Command::new(python);
        command.arg("-I").arg(in_package(STAND_BY)).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut python = command.spawn().expect("the tests' Python");
        let (asked, said) = (python.stdin.take().expect("piped"), python.stdout.take().expect("piped"));
        Self { python, asked, said: BufReader::new(said) }
    }

    fn run(&mut self, script: &str, args: &[&str], vars: &BTreeMap<String, String>) -> Ran {
        writeln!(self.asked, "{}", json!([in_package(script), args, vars])).expect("it listens");
        let mut line = String::new();
        if self.said.read_line(&mut line).expect("it answers") == 0 {
            panic!("{script}: the Python that runs it ended with {:?}", self.python.wait());
        }
        let (status, out, err) = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{script}: {error}: {line:?}"));
        Ran { status, out, err }
    }
}

fn in_package(script: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(script).display().to_string()
}
