//! No home, no folder, no variable: nothing that it needs is taken for granted.

use std::process::Command;

use crate::support::{
    program::Place,
    proxy::{Proxy, Reply},
};

const LINE: [&str; 7] = [
    "plan",
    "--env",
    "dev",
    "--project",
    "acme",
    "--region",
    "eu-west-1",
];

#[test]
fn without_a_home_it_works_with_what_was_said() {
    let proxy = Proxy::start(None, |call, _| {
        if call.service == "sts" {
            Reply::caller_identity()
        } else {
            Reply::s3(404, "NoSuchBucket", "none")
        }
    });
    let mut place = Place::at(proxy.endpoint());
    let with = place.run(&LINE);
    for name in ["HOME", "PATH", "LANG", "TMPDIR"] {
        place.vars.remove(name);
    }
    let without = place.run(&LINE);
    assert!(proxy.take().len() > 10, "it looked");
    assert_eq!(
        (without.code, without.out, without.err),
        (with.code, with.out, with.err)
    );
    // A profile is looked for at home.
    let said = place.run(&[&LINE[..], &["--profile", "dev"]].concat());
    assert!(
        said.code == Some(1) && said.err.contains("no profile \"dev\""),
        "{}",
        said.all()
    );
    let said = place.run(&["sandbox", "status"]);
    assert!(
        said.code == Some(1) && said.err.contains("HOME"),
        "{}",
        said.all()
    );
    for args in [
        &[
            "config",
            "show",
            "--env",
            "dev",
            "--project",
            "acme",
            "--region",
            "eu-west-1",
        ][..],
        &["completions", "bash"],
        &["man"],
    ] {
        let said = place.run(args);
        assert!(
            said.code == Some(0) || args == ["man"],
            "{args:?}: {}",
            said.all()
        );
        assert!(!said.err.contains("panicked"), "{args:?}: {}", said.all());
    }
}

#[test]
fn a_folder_that_is_gone_is_an_error() {
    let place = Place::at("http://127.0.0.1:1");
    for command in [
        "config show --env dev --project acme --region eu-west-1",
        "config init --env dev --project acme --region eu-west-1",
        "state list",
    ] {
        let script = format!(
            "mkdir gone && cd gone && rmdir ../gone && exec '{}' {command}",
            env!("CARGO_BIN_EXE_tfbackend")
        );
        let mut shell = Command::new("sh");
        let output = shell
            .args(["-c", &script])
            .current_dir(place.path())
            .env_clear()
            .envs(&place.vars)
            .output()
            .expect("a shell");
        let said = place.said(&output);
        assert!(
            matches!(said.code, Some(0 | 1)) && !said.err.contains("panicked"),
            "{command}: {}",
            said.all()
        );
        assert!(
            said.code == Some(0) || said.err.contains("error:"),
            "{command}: {}",
            said.all()
        );
    }
}
