//! Credentials are found nowhere in what the program prints and writes, however much it is asked to
//! say.

use std::{fs, process::Command};

use crate::support::emulator::Emulator;

#[tokio::test]
async fn threat_07_credentials_do_not_leak() {
    let emulator = Emulator::start().await;
    let dir = tempfile::tempdir().expect("a folder");
    for (variable, level) in [
        ("AWS_SECRET_ACCESS_KEY", "trace"),
        ("AWS_SESSION_TOKEN", "debug"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_tfbackend"))
            .args([
                "bootstrap",
                "--env",
                "dev",
                "--project",
                "acme",
                "--region",
                emulator.region(),
                "-y",
                "-vvv",
            ])
            .args(["--endpoint-url", emulator.endpoint(), "--out"])
            .arg(dir.path())
            .env_clear()
            .envs(emulator.aws_env())
            .env_remove("AWS_SHARED_CREDENTIALS_FILE")
            .env("AWS_ACCESS_KEY_ID", "AKIACANARYCANARY1234")
            .env("AWS_SECRET_ACCESS_KEY", "canary-of-a-secret")
            .env(variable, "canary-of-a-secret")
            .env("TFBACKEND_LOG", level)
            .env("RUST_LOG", "trace")
            .output()
            .expect("it runs");
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            said.contains("sts:GetCallerIdentity"),
            "it says which call was refused: {said}"
        );
        assert!(!said.contains("canary"), "{said}");
        assert_eq!(output.status.code(), Some(1));
    }
    // And with credentials that are good.
    let output = Command::new(env!("CARGO_BIN_EXE_tfbackend"))
        .args([
            "bootstrap",
            "--env",
            "dev",
            "--project",
            "acme",
            "--region",
            emulator.region(),
            "-y",
            "-vvv",
        ])
        .args(["--endpoint-url", emulator.endpoint(), "--out"])
        .arg(dir.path())
        .env_clear()
        .envs(emulator.aws_env())
        .env("RUST_LOG", "trace")
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let (id, secret) = emulator.credentials();
    let mut all = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(all.contains("kms:CreateKey"), "calls are logged");
    for file in fs::read_dir(dir.path()).expect("the folder is there") {
        all += &fs::read_to_string(file.expect("an entry").path()).expect("text");
    }
    assert!(!all.contains(&secret) && !all.contains(&id), "{all}");
}
