//! Engines, settings, variables, folder and sandbox. Kind local makes no calls.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{ENV, checked, failed, has, of, run};
use crate::support::{
    program::Place,
    proxy::{Gate, Proxy, Reply},
    terminal::Terminal,
};

const LOCAL: &str = "--backend local --env dev --project acme";

/// A place with nothing on PATH but these scripts.
fn with_programs(scripts: &[(&str, &str)]) -> Place {
    let mut place = Place::bare();
    let bin = place.path().with_file_name("bin");
    fs::create_dir(&bin).expect("a folder");
    for (name, script) in scripts {
        let path = bin.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    }
    place.set("PATH", &bin.display().to_string());
    place
}

fn owned((status, found, next): (&str, &str, &str)) -> (String, String, String) {
    (status.to_owned(), found.to_owned(), next.to_owned())
}

#[test]
fn engines_are_found_on_path_with_what_their_versions_cannot_do() {
    let json = |version: &str| format!("echo '{{\"terraform_version\": \"{version}\"}}'");
    let engine = |name: &str, script: &str| {
        let mut place = with_programs(&[(name, script)]);
        place.set("TF_CLI_ARGS", "-chdir=/");
        let document = checked(&place, LOCAL);
        let other = if name == "tofu" { "terraform" } else { "tofu" };
        assert!(!has(&document, other) && !has(&document, "engine"));
        owned(of(&document, name))
    };
    for (name, script, status, says, next) in [
        (
            "terraform",
            &*json("1.11.4"),
            "ok",
            "1.11.4, ~/bin/terraform",
            "",
        ),
        ("tofu", &json("1.10.3"), "ok", "1.10.3, ~/bin/tofu", ""),
        (
            "terraform",
            &json("1.9.8"),
            "warning",
            "1.9.8, ~/bin/terraform: too old for lock files (1.10 and later)",
            "install 1.11 or later, or keep `--lock dynamodb`",
        ),
        (
            "terraform",
            "echo 'Terraform v0.11.15'",
            "warning",
            "the oldest version that works is 0.12",
            "install 1.11 or later",
        ),
        (
            "tofu",
            &json("1.10.1"),
            "warning",
            "it writes lock files without the configured encryption",
            "install OpenTofu 1.10.2 or later",
        ),
        (
            "terraform",
            "echo 'no such version' >&2; exit 3",
            "failed",
            "does not print its version: no such version (exit status: 3)",
            "run `terraform version`",
        ),
        (
            "terraform",
            "echo hello",
            "failed",
            "prints no version",
            "run `terraform version`",
        ),
        // It must not install another version, and takes no arguments from variables.
        (
            "terraform",
            "test \"$TFENV_AUTO_INSTALL$CHECKPOINT_DISABLE$TF_CLI_ARGS$*\" = 'false1version \
             -json' && echo 'Terraform v1.12.0'",
            "ok",
            "1.12.0, ~/bin/terraform",
            "",
        ),
    ] {
        let found = engine(name, script);
        assert!(
            found.0 == status && found.1.contains(says) && found.2.contains(next),
            "{script}: {found:?}"
        );
    }

    let mut none = with_programs(&[]);
    // A program of a checkout is not run.
    let path = none.vars["PATH"].clone();
    none.set("PATH", &format!(".:{path}"));
    none.set("TF_CLI_ARGS", "-chdir=/");
    let script = none.path().join("terraform");
    fs::write(&script, "#!/bin/sh\ntouch ran\n").expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("executable");
    let document = checked(&none, LOCAL);
    let (status, found, next) = of(&document, "engine");
    assert_eq!(
        (status, found),
        ("warning", "neither `terraform` nor `tofu` is on PATH")
    );
    assert!(next.contains("install Terraform (https://") && next.contains("OpenTofu"));
    assert!(!none.path().join("ran").exists());
}

#[test]
fn engine_that_hangs_is_given_up_on() {
    let place = with_programs(&[
        ("tofu", "exec sleep 60"),
        ("terraform", "echo 'Terraform v1.11.4'"),
    ]);
    let sleep = ["/bin/sleep", "/usr/bin/sleep"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
        .expect("sleep");
    let bin = place.path().with_file_name("bin").join("sleep");
    std::os::unix::fs::symlink(sleep, bin).expect("a link");
    let began = Instant::now();
    let document = checked(&place, LOCAL);
    // Five seconds and what a busy machine adds.
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(of(&document, "terraform").0, "ok");
    let (status, found, next) = of(&document, "tofu");
    assert!(
        status == "failed" && found.contains("within 5 seconds") && next.contains("`tofu version`"),
        "{found}: {next}"
    );
}

#[test]
fn settings_file_is_read_as_every_command_reads_it() {
    let place = with_programs(&[]);
    let settings = |toml: &str, line: &str| {
        fs::write(place.path().join("tfbackend.toml"), toml).expect("written");
        owned(of(&checked(&place, line), "settings"))
    };
    let none = checked(&place, LOCAL);
    assert_eq!(
        of(&none, "settings"),
        (
            "ok",
            "no tfbackend.toml: flags, variables and defaults are used",
            ""
        )
    );
    let good = "backend = \"local\"\nproject = \"acme\"\n[env.dev]\n[env.prod]\n";
    assert_eq!(
        settings(good, "").1,
        "tfbackend.toml, with the environments dev, prod"
    );
    for (toml, line, says, next) in [
        ("project = \n", LOCAL, "tfbackend.toml:1:", "correct it"),
        (
            "regoin = \"eu-west-1\"\n",
            LOCAL,
            "tfbackend.toml:1:1: unknown key `regoin`",
            "correct it",
        ),
        (
            good,
            "--env prdo",
            "tfbackend.toml has no environment `prdo`; did you mean `prod`?",
            "its environments: dev, prod",
        ),
        (
            good,
            "--env dev --key app.backup",
            "has a part that is the name of the copy",
            "correct it",
        ),
    ] {
        let found = settings(toml, line);
        assert!(
            found.0 == "failed" && found.1.contains(says) && found.2.contains(next),
            "{toml} {line}: {found:?}"
        );
    }
    let missing = checked(&place, "--backend local --config missing.toml");
    let (status, found, _) = of(&missing, "settings");
    assert!(
        status == "failed" && found.starts_with("cannot read missing.toml: No such file"),
        "{found}"
    );
    let mut place = with_programs(&[]);
    place.set("TFBACKEND_ENV", "Not A Name");
    let document = checked(&place, "--backend local");
    let (status, found, _) = of(&document, "settings");
    assert!(
        status == "failed" && found.starts_with("variable TFBACKEND_ENV: "),
        "{found}"
    );
}

#[test]
fn variables_are_listed_and_wrong_ones_are_named() {
    let with = |vars: &[(&str, &str)], id: &str| {
        let mut place = with_programs(&[]);
        place.vars.remove("AWS_EC2_METADATA_DISABLED");
        for (name, value) in vars {
            place.set(name, value);
        }
        owned(of(&checked(&place, LOCAL), id))
    };
    let ok = |found: &str| ("ok".to_owned(), found.to_owned(), String::new());
    let (ours, others) = ("tfbackend-variables", "variables");
    assert_eq!(with(&[], ours), ok("none are set"));
    assert_eq!(with(&[], others), ok("none are set"));
    assert_eq!(
        with(
            &[
                ("AWS_PROFILE", "prod"),
                ("AWS_SESSION_TOKEN", "canary"),
                ("HTTPS_PROXY", "http://me:canary@proxy.example.com:8080"),
                ("NO_PROXY", "localhost"),
                ("TF_WORKSPACE", "blue"),
                ("TF_VAR_password", "canary"),
            ],
            others
        ),
        ok("AWS_PROFILE=prod, AWS_SESSION_TOKEN (set), \
             HTTPS_PROXY=http://proxy.example.com:8080, NO_PROXY=localhost, TF_WORKSPACE=blue")
    );
    assert_eq!(
        with(
            &[
                ("TFBACKEND_EXTERNAL_ID", "canary"),
                ("TFBACKEND_LOG", "debug"),
                ("TFBACKEND_PROJECT", "acme")
            ],
            ours
        ),
        ok("TFBACKEND_EXTERNAL_ID (set), TFBACKEND_LOG=debug, TFBACKEND_PROJECT=acme")
    );
    let (status, found, next) = with(&[("TFBACKEND_FAVOURITE_COLOUR", "canary")], ours);
    assert_eq!(
        (&*status, &*found),
        (
            "warning",
            "TFBACKEND_FAVOURITE_COLOUR is not a setting of tfbackend"
        )
    );
    assert!(next.starts_with("unset it, or correct the name"), "{next}");
    let (status, found, _) = with(&[("TFBACKEND_REGOIN", "eu-west-1")], ours);
    assert_eq!(
        (&*status, &*found),
        (
            "failed",
            "unknown variable `TFBACKEND_REGOIN`; did you mean `TFBACKEND_REGION`?"
        )
    );
    let (status, found, next) = with(
        &[
            ("AWS_PROFILE", "prod"),
            ("AWS_ACCESS_KEY_ID", "canary"),
            ("AWS_SECRET_ACCESS_KEY", "canary"),
        ],
        others,
    );
    assert!(
        status == "warning"
            && found.contains("the keys in variables take precedence over profile prod")
            && next.contains("unset AWS_ACCESS_KEY_ID")
            && !found.contains("canary"),
        "{found}: {next}"
    );
}

#[test]
fn folder_says_where_it_is_and_which_backend_it_has() {
    let place = with_programs(&[]);
    let document = checked(&place, LOCAL);
    assert_eq!(
        of(&document, "folder"),
        ("ok", "~/shop, writable, not in a Git repository", "")
    );
    assert_eq!(
        of(&document, "backend"),
        ("ok", "no Terraform configuration", "")
    );
    fs::create_dir_all(place.path().join(".git")).expect("made");
    let main = place.path().join("main.tf");
    fs::write(&main, "resource \"terraform_data\" \"one\" {}\n").expect("written");
    let document = checked(&place, LOCAL);
    assert_eq!(
        of(&document, "folder").1,
        "~/shop, writable, the root of a Git repository"
    );
    assert_eq!(
        of(&document, "backend").1,
        "a configuration without a `backend` block"
    );
    fs::write(
        &main,
        "terraform {\n  backend \"s3\" {\n    bucket = \"states\"\n  }\n}\n",
    )
    .expect("written");
    assert_eq!(
        of(&checked(&place, LOCAL), "backend").1,
        "backend \"s3\", bucket \"states\""
    );
    fs::write(&main, "terraform {\n  backend \"s3\" {\n").expect("written");
    let document = checked(&place, LOCAL);
    let (status, found, next) = of(&document, "backend");
    assert!(
        status == "failed" && found.contains("main.tf") && next.contains("terraform validate"),
        "{found}: {next}"
    );
    let document = checked(&place, &format!("{LOCAL} --chdir missing"));
    assert_eq!(failed(&document)[0], "folder", "{document:#}");
}

/// As another user where this one may do everything.
#[test]
fn folder_that_is_not_writable_is_named() {
    use std::os::unix::process::CommandExt;
    const ANOTHER: u32 = 65_533;
    let mut place = with_programs(&[]);
    place.set("COLUMNS", "300");
    // The program is where another user can start it.
    let program = place.path().with_file_name("tfbackend");
    fs::copy(env!("CARGO_BIN_EXE_tfbackend"), &program).expect("copied");
    let above = place.path().parent().expect("a folder").to_owned();
    for (path, mode) in [(&above, 0o755), (&place.path(), 0o555)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
    }
    let mut command = Command::new(&program);
    command
        .args(format!("self-check {LOCAL}").split(' '))
        .current_dir(place.path())
        .env_clear()
        .envs(&place.vars)
        .stdin(Stdio::null());
    if rustix::process::geteuid().is_root() {
        command.uid(ANOTHER).gid(ANOTHER);
    }
    let said = place.said(&command.output().expect("the program"));
    assert_eq!(said.code, Some(1), "{}", said.all());
    let lines: Vec<&str> = said.out.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.contains("folder  ") && line.contains("~/shop is not writable"))
        .unwrap_or_else(|| panic!("{}", said.all()));
    assert!(
        lines[at].starts_with("✗ failed") || lines[at].starts_with("! failed"),
        "{}",
        said.out
    );
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("changed");
}

#[test]
fn folder_of_local_states_must_be_safe_and_aws_is_not_called() {
    let proxy = Proxy::start(None, |_, _| Reply::caller_identity());
    let mut place = with_programs(&[]);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let document = checked(&place, LOCAL);
    assert_eq!(document["kind"], "local");
    assert_eq!(
        of(&document, "state-folder"),
        (
            "ok",
            "~/home/.local/share/tfbackend/acme/dev, does not exist yet, can be created, on a \
             local file system",
            ""
        )
    );
    for id in ["credentials", "region", "clock", "network-s3", "sandbox"] {
        assert!(!has(&document, id), "{id}");
    }
    assert_eq!(
        (proxy.take().len(), document["notes"].to_string()),
        (0, "[]".to_owned())
    );

    let states = place.path().with_file_name("states");
    fs::create_dir(&states).expect("made");
    let line = format!("{LOCAL} --state-dir {}", states.display());
    assert_eq!(
        of(&checked(&place, &line), "state-folder").1,
        "~/states, writable, on a local file system"
    );
    fs::set_permissions(&states, fs::Permissions::from_mode(0o777)).expect("changed");
    let nested = format!("{LOCAL} --state-dir {}/dev", states.display());
    let document = checked(&place, &nested);
    let (status, found, _) = of(&document, "state-folder");
    assert!(
        status == "failed" && found.contains("other users can write to ~/states"),
        "{found}"
    );
    fs::set_permissions(&states, fs::Permissions::from_mode(0o755)).expect("changed");
    fs::create_dir(states.join(".git")).expect("made");
    let document = checked(&place, &line);
    let (status, found, next) = of(&document, "state-folder");
    assert!(
        status == "failed"
            && found.contains("is in the Git repository ~/states")
            && next.contains("--state-dir"),
        "{found}: {next}"
    );
    // Without a project, the folder is not known.
    let document = checked(&place, "--backend local");
    assert_eq!(of(&document, "state-folder").0, "warning");
}

#[test]
fn sandbox_says_what_it_needs() {
    let proxy = Proxy::start(None, |_, _| Reply::caller_identity());
    let sandbox = |scripts: &[(&str, &str)]| {
        let mut place = with_programs(scripts);
        place.set("AWS_ENDPOINT_URL", proxy.endpoint());
        place.set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
        place.set("AWS_SECRET_ACCESS_KEY", "secret");
        let document = checked(&place, ENV);
        assert!(
            !place.path().with_file_name("home").exists(),
            "nothing is made"
        );
        owned(of(&document, "sandbox"))
    };
    let (status, found, next) = sandbox(&[]);
    assert_eq!(
        (&*status, &*found),
        (
            "warning",
            "the sandbox needs Python 3.10 or newer, and PATH has none"
        )
    );
    assert!(next.contains("apt install python3"), "{next}");
    let (status, found, _) = sandbox(&[("python3", "echo 3 8")]);
    assert!(
        status == "warning" && found.contains("~/bin/python3 is 3.8"),
        "{found}"
    );
    assert_eq!(
        sandbox(&[("python3", "echo 3 12")]),
        (
            "ok".to_owned(),
            "not installed: `tfbackend sandbox up` installs it with ~/bin/python3".to_owned(),
            String::new()
        )
    );

    let mut place = with_programs(&[]);
    let empty = place.path().with_file_name("none").display().to_string();
    place.set("TFBACKEND_SANDBOX_DIR", &empty);
    let document = checked(&place, "--sandbox --env dev --project acme");
    assert_eq!(failed(&document), ["connection"], "{document:#}");
    let (_, found, next) = of(&document, "connection");
    assert_eq!(found, "the sandbox is not running");
    assert!(next.contains("`tfbackend sandbox up`"), "{next}");
}

#[test]
fn lines_fit_sixty_columns() {
    let proxy = Proxy::start(None, |_, _| Reply::caller_identity());
    let mut place = with_programs(&[("terraform", "echo 'Terraform v1.9.8'")]);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    place.set("TFBACKEND_FAVOURITE", "none");
    place.set("COLUMNS", "60");
    place.set("LANG", "C.UTF-8");
    let said = run(&place, "--env dev --project acme");
    assert_eq!((said.code, &*said.err), (Some(1), ""));
    let mut command = place.command(&["self-check", "--env", "dev", "--project", "acme"]);
    let raw = String::from_utf8(command.output().expect("the program").stdout).expect("text");
    for line in raw.lines() {
        let text = line.trim_start();
        let is_one_word = !text.contains(' ') || text.starts_with('`');
        assert!(line.chars().count() <= 60 || is_one_word, "{line}");
    }
    assert!(raw.contains("✗ failed ") && raw.contains("? warning") && raw.contains("✓ ok "));
    assert!(
        raw.contains("\n    fix: ") && raw.contains("\nProblems: 1 failed, "),
        "{raw}"
    );
}

/// The spinner is gone when the checks are printed, and Ctrl-C ends the wait.
#[test]
fn wait_is_shown_in_a_terminal_and_ctrl_c_ends_it() {
    let gate = Gate::default();
    let there = gate.clone();
    let proxy = Proxy::start(None, move |_, _| Reply::Wait(there.clone()));
    let mut place = with_programs(&[]);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    place.set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    place.set("AWS_SECRET_ACCESS_KEY", "secret");
    let args: Vec<&str> = format!("self-check {ENV}").leak().split(' ').collect();
    let mut terminal = Terminal::start(&place, &args);
    terminal.wait_for("checking engines, credentials and network");
    terminal.send("\u{3}");
    assert_eq!(terminal.end(), 130, "{}", terminal.screen());
    let screen = terminal.screen();
    assert!(screen.contains("interrupted while checking"), "{screen}");

    let mut terminal = Terminal::start(&place, &args);
    terminal.wait_for("checking engines, credentials and network");
    assert_eq!(terminal.end(), 1, "{}", terminal.screen());
    let screen = terminal.screen();
    assert!(
        screen.contains("Problems: ") && !screen.contains("up to 10 seconds"),
        "{screen}"
    );
}
