//! A Terraform configuration that can be made to wait, and what the tests do with it.

use std::{
    fs,
    process::{Child, Output, Stdio},
    time::{Duration, Instant},
};

use crate::support::backend::{Backend, block_tf, said};

/// With `hold`, apply takes the lock, makes the file HOLD.started, and ends when HOLD is there.
const MAIN: &str = r#"
variable "hold" { default = "" }
variable "blocks" { default = 1 }

resource "terraform_data" "content" {
  input = sensitive([for i in range(var.blocks) : local.block])
}

resource "terraform_data" "held" {
  count = var.hold == "" ? 0 : 1
  provisioner "local-exec" {
    command = "touch '${var.hold}.started'; while [ ! -e '${var.hold}' ]; do sleep 0.05; done"
  }
}
"#;

pub(crate) const HEAD: &str = "tests/it/terraform/head.py";

/// A backend with a configuration beside its files, initialized with no warning.
pub(crate) async fn initialized(args: &[&str]) -> Backend {
    let backend = Backend::make(args).await;
    fs::write(backend.dir().join("main.tf"), MAIN.to_owned() + &block_tf()).expect("written");
    let output = backend.terraform(&["init", "-backend-config=backend.conf"]);
    assert!(
        output.status.success(),
        "{}\n{}",
        said(&output),
        backend.emulator.log()
    );
    assert!(
        !said(&output).contains("Warning") && output.stderr.is_empty(),
        "{}",
        said(&output)
    );
    backend
}

#[track_caller]
pub(crate) fn apply(backend: &Backend, more: &[&str]) -> String {
    backend.terraform_ok(&[&["apply", "-auto-approve"], more].concat())
}

#[track_caller]
pub(crate) fn nothing_to_change(backend: &Backend, more: &[&str]) {
    let said = backend.terraform_ok(&[&["plan", "-detailed-exitcode"], more].concat());
    assert!(said.contains("No changes."), "{said}");
}

/// A second Terraform that is in the middle of an apply.
pub(crate) struct Holder {
    terraform: Option<Child>,
    release: std::path::PathBuf,
}

impl Holder {
    pub(crate) fn start(backend: &Backend) -> Self {
        Self::start_with(backend, &[])
    }

    /// With more environment variables.
    pub(crate) fn start_with(backend: &Backend, vars: &[(&str, &str)]) -> Self {
        let release = backend.dir().join("hold");
        let hold = format!("hold={}", release.display());
        let mut command = backend.terraform_command(&["apply", "-auto-approve", "-var", &hold]);
        let terraform = command
            .envs(vars.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("terraform");
        let mut holder = Self {
            terraform: Some(terraform),
            release,
        };
        let until = Instant::now() + Duration::from_secs(60);
        while !holder.release.with_extension("started").exists() {
            let ended = holder
                .terraform
                .as_mut()
                .expect("runs")
                .try_wait()
                .expect("a child");
            if ended.is_some() || Instant::now() > until {
                panic!("{}\n{}", said(&holder.finish()), backend.emulator.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        holder
    }

    /// Lets it go on, without waiting for it.
    pub(crate) fn release(&self) {
        fs::write(&self.release, "").expect("written");
    }

    /// Ends it as a pipeline ends what does not stop by itself.
    pub(crate) fn kill(&mut self) -> Output {
        self.terraform
            .as_mut()
            .expect("runs")
            .kill()
            .expect("killed");
        self.finish()
    }

    pub(crate) fn finish(&mut self) -> Output {
        self.release();
        self.terraform
            .take()
            .expect("finished once")
            .wait_with_output()
            .expect("terraform ends")
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // A test that failed on the way: its directory may be gone, and the wait would have no end.
        if let Some(mut terraform) = self.terraform.take() {
            let _ = fs::write(&self.release, "");
            let _ = terraform.wait();
        }
    }
}
