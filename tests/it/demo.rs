//! `make demo`, as a newcomer runs it, and once more.

use std::{path::Path, process::Command};

#[test]
fn the_demo_works_and_can_be_repeated() {
    let dir = tempfile::tempdir().expect("a folder");
    let program = env!("CARGO_BIN_EXE_tfbackend");
    // Where cargo was told to build.
    let target = dir.path().join("built");
    std::fs::create_dir_all(target.join("debug")).expect("a folder");
    std::os::unix::fs::symlink(program, target.join("debug/tfbackend")).expect("a link");
    let sandboxed = |program: &Path| {
        let mut command = Command::new(program);
        command
            .env("TFBACKEND_SANDBOX_DIR", dir.path().join("sandbox"))
            .env("CARGO_TARGET_DIR", &target);
        command
    };
    for time in ["first", "second"] {
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo.sh");
        let output = sandboxed(&demo).output().expect("bash runs");
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "the {time} time: {said}");
        for expected in [
            "$ tfbackend bootstrap --sandbox --env dev --project demo",
            "verified: 28 resources are as planned",
            "nothing to do, the backend matches its settings",
            "Terraform has been successfully initialized",
            "Error acquiring the state lock",
            "terraform_data.slow",
            "dynamodb_table = \"demo-tfstate-dev-locks\"",
        ] {
            // The second time, everything is there already.
            assert!(
                said.contains(expected) || (time == "second" && expected.starts_with("verified")),
                "no {expected:?}: {said}"
            );
        }
        assert_eq!(
            said.matches("Apply complete!").count(),
            2,
            "one apply after the other: {said}"
        );
    }
    let down = sandboxed(Path::new(program))
        .args(["sandbox", "down", "--purge"])
        .status()
        .expect("it runs");
    assert!(down.success());
}
