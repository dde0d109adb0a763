//! Runs the real `terraform` in a folder, with nothing of the machine's own configuration.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

pub(crate) struct Ran {
    pub ok: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

pub(crate) fn terraform(dir: &Path, args: &[&str], stdin: &str) -> Ran {
    let mut child = Command::new("terraform")
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir)
        .env("CHECKPOINT_DISABLE", "1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this test needs `terraform` on PATH: https://developer.hashicorp.com/terraform/install");
    child
        .stdin
        .take()
        .expect("it is piped")
        .write_all(stdin.as_bytes())
        .expect("terraform reads what it is given");
    let output = child.wait_with_output().expect("terraform ends");
    // It repeats lines of files as they are.
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran {
        ok: output.status.success(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}
