//! Which backend is meant, for each way to say it.

use crate::text::invisible::is_invisible;
use std::{collections::BTreeMap, fs, io, path::Path, time::SystemTime};

use clap::Parser;
use insta::assert_snapshot;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{resolve::DescribedBackend, *};
use crate::{
    cli::{global::GlobalOptions, session::ConnectionSettings},
    exit,
    host::{Host, Prompt, PromptAnswer, PromptError, Question},
    report::{TextStyle, style::TextStyles},
};

#[derive(Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    global: GlobalOptions,
}

struct Unattended;

impl Prompt for Unattended {
    fn ask(&mut self, question: &Question) -> Result<PromptAnswer, PromptError> {
        Err(PromptError::CannotAsk {
            text: question.text.clone(),
            flag: question.flag,
        })
    }
    fn refuse(&mut self, reason: &str) -> Result<(), PromptError> {
        panic!("nothing was answered: {reason}")
    }

    fn show(&mut self, text: &str) -> Result<(), PromptError> {
        panic!("nothing is asked about: {text}")
    }
}

fn host(dir: &Path, vars: &[(&str, &str)]) -> Host {
    Host {
        vars: vars
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        cwd: dir.to_owned(),
        who: "me@here".to_owned(),
        out: Box::new(io::sink()),
        err: Box::new(io::sink()),
        interactive: false,
        out_is_terminal: false,
        err_is_terminal: false,
        out_width: 80,
        err_width: 80,
        prompt: Box::new(Unattended),
        now: SystemTime::now(),
        cancel: CancellationToken::new(),
    }
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
    dir
}

/// What a failure says, on one line each.
fn said(failure: &CliError, dir: &Path) -> String {
    let view = TextStyle {
        width: 1000,
        style: TextStyles::PLAIN,
        verbose: false,
    };
    let text = failure.text(&view);
    assert!(failure.code == exit::FAILED || failure.code == exit::REFUSED);
    text.replace(&dir.display().to_string(), "~")
        .trim_end()
        .to_owned()
}

/// One line for what came out.
fn which(files: &[(&str, &str)], vars: &[(&str, &str)], args: &[&str]) -> String {
    let dir = folder(files);
    let mut host = host(dir.path(), vars);
    let line = Line::try_parse_from(args).expect("a command line");
    let cx = Context {
        host: &mut host,
        global: line.global,
    };
    match resolve::of(&line.target, &cx) {
        Err(failure) => said(&failure, dir.path()),
        Ok(BackendChoice::Environment(args)) => {
            let named = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            format!(
                "environment {} bucket {} table {}",
                named(args.env.map(|env| env.to_string())),
                named(args.layer.bucket.map(|it| it.to_string())),
                named(args.layer.table.map(|it| it.to_string()))
            )
        }
        Ok(BackendChoice::Local(local)) => match local.open(String::new(), &cx) {
            Err(failure) => said(&failure, dir.path()),
            Ok(LocalTarget {
                store,
                workspace,
                title,
                ..
            }) => format!(
                "{title}: {} and {} in {workspace}",
                store.path().display(),
                store.workspace_dir().display()
            )
            .replace(&dir.path().display().to_string(), "DIR"),
        },
        Ok(BackendChoice::Described(described)) => {
            let DescribedBackend {
                configured,
                origin,
                folder,
                locks,
                encryption,
                ..
            } = *described;
            let value =
                |said: &Option<crate::terraform::read::configured::SourcedValue<String>>| {
                    said.as_ref()
                        .map_or("-".to_owned(), |said| said.value.clone())
                };
            format!(
                "{} key {} table {} region {} prefix {} from {} in {} {locks:?} {encryption:?}",
                configured.bucket.value,
                value(&configured.key),
                value(&configured.dynamodb_table),
                value(&configured.region),
                configured.workspace_key_prefix(),
                origin.unwrap_or_else(|| "flags".to_owned()),
                resolve::workspace(folder.as_ref(), &cx)
                    .unwrap_or_else(|failure| said(&failure, dir.path())),
            )
        }
    }
}

const STUB: (&str, &str) = ("backend.tf", "terraform {\n  backend \"s3\" {}\n}\n");
const CONF: (&str, &str) = (
    "prod.conf",
    "bucket = \"conf-states\"\nkey = \"app.tfstate\"\nregion = \"eu-west-1\"\nencrypt = \
     true\nkms_key_id = \"alias/states\"\nuse_lockfile = true\n",
);
const SAVED: (&str, &str) = (
    ".terraform/terraform.tfstate",
    r#"{"backend": {"type": "s3", "config": {"bucket": "saved-states", "key": "k", "dynamodb_table": "locks", "encrypt": true}}}"#,
);

#[test]
fn each_way_to_name_a_backend() {
    let lines = [
        which(&[], &[], &["--env", "dev"]),
        which(
            &[STUB, SAVED],
            &[("TFBACKEND_ENV", "dev")],
            &["--bucket", "my-states"],
        ),
        which(&[CONF], &[], &["--backend-config", "prod.conf"]),
        which(
            &[CONF, STUB, SAVED, ("key.conf", "key = \"other.tfstate\"\n")],
            &[],
            &["--backend-config=prod.conf", "--backend-config", "key.conf"],
        ),
        which(&[STUB, SAVED, (".terraform/environment", "blue")], &[], &[]),
        which(
            &[STUB, SAVED, (".terraform/environment", "blue")],
            &[("TF_WORKSPACE", "red")],
            &["--region", "eu-north-1"],
        ),
        which(&[STUB, ("x.tfbackend", CONF.1)], &[], &[]),
        which(&[STUB, SAVED], &[], &["--bucket", "my.states"]),
        which(
            &[],
            &[],
            &[
                "--bucket",
                "my-states",
                "--table",
                "locks",
                "--key",
                "a/b",
                "--workspace-key-prefix",
                "stages",
            ],
        ),
        which(
            &[],
            &[],
            &[
                "--bucket",
                "my-states",
                "--table",
                "locks",
                "--lock",
                "dynamodb",
                "--encryption",
                "sse-s3",
            ],
        ),
        which(
            &[],
            &[],
            &[
                "--bucket",
                "my-states",
                "--kms-key",
                "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            ],
        ),
        which(
            &[("part.conf", "key = \"k\"\n")],
            &[],
            &["--backend-config", "part.conf", "--bucket", "my-states"],
        ),
    ];
    assert_snapshot!(lines.join("\n"), @r#"
    environment dev bucket - table -
    environment dev bucket my-states table -
    conf-states key app.tfstate table - region eu-west-1 prefix env: from prod.conf in default KnownLocks { table: false, file: Some(true) } Kms("alias/states")
    conf-states key other.tfstate table - region eu-west-1 prefix env: from prod.conf, key.conf in default KnownLocks { table: false, file: Some(true) } Kms("alias/states")
    saved-states key k table locks region - prefix env: from .terraform/terraform.tfstate in blue KnownLocks { table: true, file: Some(false) } OfS3
    saved-states key k table locks region eu-north-1 prefix env: from .terraform/terraform.tfstate in red KnownLocks { table: true, file: Some(false) } OfS3
    conf-states key app.tfstate table - region eu-west-1 prefix env: from x.tfbackend in default KnownLocks { table: false, file: Some(true) } Kms("alias/states")
    my.states key - table - region - prefix env: from flags in default KnownLocks { table: false, file: Some(true) } Unsaid
    my-states key a/b table locks region - prefix stages from flags in default KnownLocks { table: true, file: None } Unsaid
    my-states key - table locks region - prefix env: from flags in default KnownLocks { table: true, file: Some(false) } OfS3
    my-states key - table - region - prefix env: from flags in default KnownLocks { table: false, file: Some(true) } Kms("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
    my-states key k table - region - prefix env: from part.conf in default KnownLocks { table: false, file: Some(false) } Unsaid
    "#);
}

#[test]
fn what_contradicts_names_both_sources() {
    let block = (
        "main.tf",
        "terraform {\n  backend \"s3\" {\n    bucket = \"edited-states\"\n  }\n}\n",
    );
    let gcs = ("main.tf", "terraform {\n  backend \"gcs\" {}\n}\n");
    let lines = [
        which(
            &[CONF],
            &[("TFBACKEND_ENV", "dev")],
            &["--backend-config", "prod.conf"],
        ),
        which(
            &[CONF],
            &[],
            &["--backend-config", "prod.conf", "--bucket", "other-states"],
        ),
        which(
            &[CONF],
            &[],
            &["--backend-config", "prod.conf", "--key", "other"],
        ),
        which(
            &[CONF],
            &[],
            &["--backend-config", "prod.conf", "--region", "us-east-1"],
        ),
        which(
            &[CONF],
            &[],
            &[
                "--backend-config",
                "prod.conf",
                "--lock",
                "dynamodb",
                "--table",
                "locks",
            ],
        ),
        which(
            &[CONF],
            &[],
            &["--backend-config", "prod.conf", "--encryption", "sse-s3"],
        ),
        which(&[STUB, SAVED], &[], &["--table", "other-locks"]),
        which(&[block, SAVED], &[], &[]),
        which(&[gcs, SAVED], &[], &[]),
        which(&[gcs, CONF], &[], &["--backend-config", "prod.conf"]),
    ];
    assert_snapshot!(lines.join("\n"), @r#"
    error: conflicting values for backend: the variable TFBACKEND_ENV says "dev", and --backend-config says "prod.conf"
      hint: remove the wrong one
    error: conflicting values for bucket: prod.conf:1 says "conf-states", and --bucket says "other-states"
      hint: remove the wrong one
    error: conflicting values for key: prod.conf:2 says "app.tfstate", and --key says "other"
      hint: remove the wrong one
    error: conflicting values for region: prod.conf:3 says "eu-west-1", and --region says "us-east-1"
      hint: remove the wrong one
    error: conflicting values for lock: prod.conf:6 says "use_lockfile = true", and --lock says "no lock files are used"
      hint: remove the wrong one
    error: conflicting values for encryption: prod.conf:5 says "alias/states", and --encryption says "sse-s3"
      hint: remove the wrong one
    error: conflicting values for table: .terraform/terraform.tfstate says "locks", and --table says "other-locks"
      hint: remove the wrong one
    error: conflicting values for bucket: main.tf:3 says "edited-states", and .terraform/terraform.tfstate says "saved-states"
      hint: remove the wrong one
      hint: choose one: --backend-config FILE
      hint: `terraform init -reconfigure` selects the state that the block names, which is not the state in use
    error: conflicting values for backend: main.tf:2 says "backend \"gcs\"", and .terraform/terraform.tfstate says "backend \"s3\""
      hint: remove the wrong one
    error: main.tf:2 has `backend "gcs"`, not `backend "s3"`
      hint: name the backend: --env NAME, --backend-config FILE, or --bucket NAME
    "#);
    assert!(Line::try_parse_from(["--env", "dev", "--backend-config", "prod.conf"]).is_err());
    assert!(Line::try_parse_from(["--backend-config", "secret_key=CANARY"]).is_err());
}

#[test]
fn override_that_init_stored_and_a_file_explains_is_used() {
    let block = (
        "main.tf",
        "terraform {\n  backend \"s3\" {\n    bucket = \"states\"\n    key = \"dev.tfstate\"\n  \
         }\n}\n",
    );
    let stored = |key: &str| {
        format!(
            r#"{{"backend": {{"type": "s3", "config": {{"bucket": "states", "key": "{key}"}}}}}}"#
        )
    };
    let (saved, dev) = (
        stored("prod.tfstate"),
        ("dev.s3.tfbackend", "key = \"dev.tfstate\"\n"),
    );
    let saved = (SAVED.0, &*saved);
    let prod = ("prod.s3.tfbackend", "key = \"prod.tfstate\"\n");
    for files in [&[block, saved, prod][..], &[block, saved, dev, prod]] {
        let line = which(files, &[], &[]);
        assert!(
            line.starts_with("states key prod.tfstate")
                && line.contains(".terraform/terraform.tfstate"),
            "{line}"
        );
    }
    let other_bucket = (
        "prod.s3.tfbackend",
        "bucket = \"others\"\nkey = \"prod.tfstate\"\n",
    );
    for files in [
        &[block, saved][..],
        &[block, saved, dev],
        &[block, saved, other_bucket],
    ] {
        let line = which(files, &[], &[]);
        let meant = "error: conflicting values for key: main.tf:4 says \"dev.tfstate\", and \
                     .terraform/terraform.tfstate says \"prod.tfstate\"";
        assert!(line.starts_with(meant), "{line}");
    }
}

#[test]
fn nothing_is_guessed() {
    let two = [STUB, ("a.tfbackend", CONF.1), ("b.tfbackend", CONF.1)];
    let lines = [
        which(&[], &[], &[]),
        which(&[CONF], &[], &[]),
        which(&two, &[], &[]),
        which(&two, &[], &["--backend-config", "/dev/null"]),
        which(&[STUB], &[], &["--key", "k"]),
        which(
            &[(
                "main.tf",
                "terraform {\n  backend \"s3\" {\n    bucket = var.b\n  }\n}\n",
            )],
            &[],
            &[],
        ),
        which(&[], &[], &["--backend-config", "none.conf"]),
        which(&[], &[], &["--bucket", "my-states", "--lock", "both"]),
        which(&[], &[], &["--bucket", "my-states", "--project", "acme"]),
        which(&[STUB, SAVED], &[("TF_WORKSPACE", "a/b")], &[]),
    ];
    assert_snapshot!(lines.join("\n"), @r#"
    error: no backend was given
      hint: for an environment: --env NAME
      hint: for a partial configuration: --backend-config FILE
      hint: for a bucket: --bucket NAME, with --key PATH and --table NAME if it has them
      hint: for a state file: --backend local --path FILE
      hint: or run it in a folder with a `backend` block
    error: no backend was given
      hint: for an environment: --env NAME
      hint: for a partial configuration: --backend-config FILE
      hint: for a bucket: --bucket NAME, with --key PATH and --table NAME if it has them
      hint: for a state file: --backend local --path FILE
      hint: or run it in a folder with a `backend` block
    error: this folder has 2 partial configurations (a.tfbackend, b.tfbackend), and none is selected
      hint: choose one: --backend-config FILE (/dev/null for none)
    error: this folder does not set `bucket`
      hint: pass the rest: --backend-config FILE, or --bucket NAME
    error: this folder does not set `bucket`
      hint: pass the rest: --backend-config FILE, or --bucket NAME
    error: main.tf:3 does not set `bucket` to a literal value
      hint: values that are only known while Terraform runs must be given: --env NAME, or --bucket NAME and --key PATH
    error: none.conf does not exist
    error: --lock requires a lock table, and none was given
      hint: name it: --table NAME
    error: --project requires an environment
      hint: name it: --env NAME
    saved-states key k table locks region - prefix env: from .terraform/terraform.tfstate in error: "a/b" is not the name of a workspace KnownLocks { table: true, file: Some(false) } OfS3
    "#);
}

const LOCAL: (&str, &str) = (
    "main.tf",
    "terraform {\n  backend \"local\" {\n    path = \"states/../a.tfstate\"\n    \
     workspace_dir = \"spaces\"\n  }\n}\n",
);
const SAVED_LOCAL: (&str, &str) = (
    ".terraform/terraform.tfstate",
    r#"{"backend": {"type": "local", "config": {"path": "states/../a.tfstate", "workspace_dir": "spaces"}}}"#,
);

#[test]
fn local_states_are_named_in_each_way() {
    let bare = ("main.tf", "terraform {\n  backend \"local\" {}\n}\n");
    let state = ("terraform.tfstate", "{}");
    let settings = ("tfbackend.toml", "[env.prod]\nproject = \"acme\"\n");
    let lines = [
        which(&[LOCAL], &[], &[]),
        which(&[LOCAL, SAVED_LOCAL], &[("TF_WORKSPACE", "blue")], &[]),
        which(&[bare], &[], &[]),
        which(&[bare], &[], &["--backend", "local"]),
        which(&[state], &[], &[]),
        which(
            &[("terraform.tfstate.d/blue/terraform.tfstate", "{}")],
            &[],
            &[],
        ),
        which(&[], &[], &["--backend", "local"]),
        which(
            &[STUB],
            &[],
            &["--backend", "local", "--path", "b/x.tfstate"],
        ),
        which(&[bare, ("p.tfbackend", "path = \"p.tfstate\"\n")], &[], &[]),
        // A partial configuration for the backend to come.
        which(&[bare, ("s.tfbackend", CONF.1)], &[], &[]),
        // An environment is more than a state that was left in the folder.
        which(&[state, settings], &[], &[]),
        which(&[LOCAL, settings], &[], &[]),
        which(&[state], &[], &["--bucket", "my-states"]),
    ];
    assert_snapshot!(lines.join("\n"), @r#"
    local state a.tfstate, as main.tf says: DIR/a.tfstate and DIR/spaces in default
    local state a.tfstate, as .terraform/terraform.tfstate says: DIR/a.tfstate and DIR/spaces in blue
    local state terraform.tfstate, as main.tf says: DIR/terraform.tfstate and DIR/terraform.tfstate.d in default
    local state terraform.tfstate, as main.tf says: DIR/terraform.tfstate and DIR/terraform.tfstate.d in default
    local state terraform.tfstate, the default of a folder without a backend block: DIR/terraform.tfstate and DIR/terraform.tfstate.d in default
    local state terraform.tfstate, the default of a folder without a backend block: DIR/terraform.tfstate and DIR/terraform.tfstate.d in default
    local state terraform.tfstate, the default of Terraform: DIR/terraform.tfstate and DIR/terraform.tfstate.d in default
    local state b/x.tfstate, as --path says: DIR/b/x.tfstate and DIR/terraform.tfstate.d in default
    local state p.tfstate, as p.tfbackend says: DIR/p.tfstate and DIR/terraform.tfstate.d in default
    local state terraform.tfstate, as main.tf says: DIR/terraform.tfstate and DIR/terraform.tfstate.d in default
    environment prod bucket - table -
    local state a.tfstate, as main.tf says: DIR/a.tfstate and DIR/spaces in default
    my-states key - table - region - prefix env: from flags in default KnownLocks { table: false, file: Some(true) } Unsaid
    "#);
}

#[test]
fn what_contradicts_local_states_is_refused() {
    let moved = (
        ".terraform/terraform.tfstate",
        r#"{"backend": {"type": "local", "config": {"path": "old.tfstate"}}}"#,
    );
    let lines = [
        which(&[LOCAL, moved], &[], &[]),
        which(&[STUB, SAVED_LOCAL], &[], &[]),
        which(&[LOCAL, SAVED], &[], &[]),
        which(&[STUB], &[], &["--backend", "local"]),
        which(&[LOCAL], &[], &["--backend", "s3"]),
        which(&[], &[], &["--path", "a.tfstate"]),
        which(&[], &[], &["--backend", "s3", "--path", "a.tfstate"]),
        which(&[], &[], &["--backend", "local", "--bucket", "my-states"]),
        which(&[], &[], &["--backend", "local", "--env", "prod"]),
        which(
            &[(
                "main.tf",
                "terraform {\n  backend \"local\" {\n    path = var.p\n  }\n}\n",
            )],
            &[],
            &[],
        ),
    ];
    assert_snapshot!(lines.join("\n"), @r#"
    error: conflicting values for path: main.tf:2 says "states/../a.tfstate", and .terraform/terraform.tfstate says "old.tfstate"
      hint: remove the wrong one
      hint: choose one: --backend-config FILE, or --backend local --path FILE
    error: .terraform/terraform.tfstate has `backend "local"`, not `backend "s3"`
      hint: name the backend: --env NAME, --backend-config FILE, or --bucket NAME
    error: conflicting values for backend: main.tf:2 says "backend \"local\"", and .terraform/terraform.tfstate says "backend \"s3\""
      hint: remove the wrong one
    error: conflicting values for backend: --backend says "local", and backend.tf:2 says "backend \"s3\""
      hint: remove the wrong one
    error: main.tf:2 has `backend "local"`, not `backend "s3"`
      hint: name the backend: --env NAME, --backend-config FILE, or --bucket NAME
    error: --path is an option of backend kind local
      hint: pass --backend local
    error: --path is an option of backend kind local
      hint: pass --backend local
    error: --bucket does not go with --backend local
      hint: name the state file: --backend local --path FILE
    environment prod bucket - table -
    error: main.tf:3 does not set `path` to a literal value
      hint: name the state file: --backend local --path FILE
    "#);
}

#[test]
fn hostile_names_are_refused_and_shown_as_text() {
    let hostile = |text: &str| format!("bucket = {}\n", crate::terraform::write::hcl::quoted(text));
    let lines = [
        which(&[], &[], &["--bucket", "../x"]),
        which(&[], &[], &["--bucket", "a\u{1b}[2J"]),
        which(
            &[("x.conf", &hostile("a\u{202e}b${c}\n"))],
            &[],
            &["--backend-config", "x.conf"],
        ),
        which(&[], &[], &["--bucket", "my-states", "--table", "a/b"]),
        which(
            &[],
            &[],
            &[
                "--bucket",
                "my-states",
                "--table",
                "arn:aws:dynamodb:eu-west-1:1:table/x/y",
            ],
        ),
        which(&[], &[], &["--bucket", "my-states", "--key", "/k"]),
        which(&[], &[], &["--bucket", "my-states", "--key", "k\n"]),
        which(
            &[],
            &[],
            &["--bucket", "my-states", "--workspace-key-prefix", "a\u{7}"],
        ),
        which(&[], &[], &["--env", "dev", "--bucket", "a_b"]),
        which(&[STUB, SAVED], &[("TF_WORKSPACE", "\u{1b}]0;x")], &[]),
    ];
    assert_snapshot!(lines.join("\n"), @r#"
    error: "../x" of --bucket is not the name of a bucket
    error: "a\u001b[2J" of --bucket is not the name of a bucket
    error: "a\u202eb\u0024{c}\n" of x.conf:1 is not the name of a bucket
    error: "a/b" of --table is not the name of a lock table
    error: "arn:aws:dynamodb:eu-west-1:1:table/x/y" of --table is not the name of a lock table
    error: "/k" of --key is not the name of a state key
    error: "k\n" of --key is not the name of a state key
    error: "a\u0007" of --workspace-key-prefix is not the name of a workspace prefix
    error: --bucket "a_b": contains `_`; a bucket name is 3 to 63 lowercase letters, digits and hyphens, begins and ends with a letter or digit, and has no prefix or suffix that S3 reserves
    saved-states key k table locks region - prefix env: from .terraform/terraform.tfstate in error: "\u001b]0;x" is not the name of a workspace KnownLocks { table: true, file: Some(false) } OfS3
    "#);
    assert!(
        lines
            .iter()
            .all(|line| { line.chars().all(|c| c == '\n' || !is_invisible(c)) })
    );
    let arn = which(
        &[],
        &[],
        &[
            "--bucket",
            "my-states",
            "--table",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/locks",
        ],
    );
    assert!(arn.starts_with("my-states "), "{arn}");
}

fn ways(conf: &str, args: &[&str]) -> String {
    let dir = folder(&[("x.conf", &format!("bucket = \"my-states\"\n{conf}\n"))]);
    let mut host = host(dir.path(), &[("HOME", "/home/me")]);
    let line = Line::try_parse_from([&["--backend-config", "x.conf"], args].concat())
        .expect("a command line");
    let cx = Context {
        host: &mut host,
        global: line.global,
    };
    let Ok(BackendChoice::Described(described)) = resolve::of(&line.target, &cx) else {
        panic!("a backend")
    };
    match connection::of(
        &described.configured,
        &ConnectionSettings::default(),
        None,
        &cx,
    ) {
        Err(failure) => said(&failure, dir.path()),
        Ok((
            ConnectionSettings {
                profile,
                endpoint_url,
                endpoints,
                ca_file,
                fips,
                dualstack,
                role,
            },
            notes,
        )) => {
            let ca_file = ca_file.map(|path| {
                path.display()
                    .to_string()
                    .replace(&dir.path().display().to_string(), "~")
            });
            format!(
                "{profile:?} {endpoint_url:?} {endpoints:?} {ca_file:?} {fips} {dualstack} \
                 {role:?} {notes:?}"
            )
        }
    }
}

#[test]
fn what_a_backend_says_of_its_ways_is_followed_or_refused() {
    let all_at =
        "endpoints = { s3 = \"https://e:1\", sts = \"https://e:1/\", dynamodb = \"https://e:2\" }";
    let role = "assume_role = { role_arn = \"arn:aws:iam::111122223333:role/r\", external_id = \
                \"x\", duration = \"1h30m\" }";
    let lines = [
        ways(
            "profile = \"p\"\ncustom_ca_bundle = \"~/ca.pem\"\nuse_fips_endpoint = true",
            &[],
        ),
        ways(
            "custom_ca_bundle = \"ca.pem\"\nuse_dualstack_endpoint = \"true\"",
            &[],
        ),
        ways(all_at, &[]),
        ways("endpoints = { s3 = \"https://e:1\" }", &[]),
        ways(
            "endpoints = { s3 = \"https://e:1\" }",
            &["--endpoint-url", "https://e:1/"],
        ),
        ways(
            "endpoints = { s3 = \"https://e:1\" }",
            &["--endpoint-url", "https://f:1"],
        ),
        ways(role, &[]),
        ways(role, &["--profile", "admin"]),
        ways(
            "role_arn = \"r\"\nassume_role_duration_seconds = 900\nsession_name = \"s\"",
            &[],
        ),
        ways("assume_role = { role_arn = \"r\", policy = \"{}\" }", &[]),
        ways(
            "assume_role = { role_arn = \"r\", duration = \"soon\" }",
            &[],
        ),
        ways(
            "assume_role_with_web_identity = { role_arn = \"r\", web_identity_token = \"CANARY\" }",
            &[],
        ),
        ways(
            "assume_role_with_web_identity = { role_arn = \"r\" }",
            &["--profile", "admin"],
        ),
        ways("sse_customer_key = \"CANARY\"", &["--profile", "admin"]),
        ways(
            "access_key = \"CANARY\"\nsecret_key = \"CANARY\"\ninsecure = false\nhttps_proxy = \"https://proxy\"",
            &[],
        ),
    ];
    assert_snapshot!(lines.join("\n"), @r#"
    Some("p") None ServiceEndpoints { s3: None, dynamodb: None, iam: None, sts: None } Some("/home/me/ca.pem") true false None ["calls use profile p, set by x.conf:2"]
    None None ServiceEndpoints { s3: None, dynamodb: None, iam: None, sts: None } Some("~/ca.pem") false true None []
    None Some("https://e:1") ServiceEndpoints { s3: None, dynamodb: Some("https://e:2"), iam: None, sts: None } None false false None ["calls to dynamodb use the endpoint https://e:2, set by x.conf:2, not the endpoint of AWS", "calls to s3 use the endpoint https://e:1, set by x.conf:2, not the endpoint of AWS", "calls to sts use the endpoint https://e:1, set by x.conf:2, not the endpoint of AWS"]
    None None ServiceEndpoints { s3: Some("https://e:1"), dynamodb: None, iam: None, sts: None } None false false None ["calls to s3 use the endpoint https://e:1, set by x.conf:2, not the endpoint of AWS"]
    None None ServiceEndpoints { s3: None, dynamodb: None, iam: None, sts: None } None false false None []
    error: conflicting values for endpoint: x.conf:2 says "https://e:1", and --endpoint-url says "https://f:1"
      hint: remove the wrong one
    None None ServiceEndpoints { s3: None, dynamodb: None, iam: None, sts: None } None false false Some(ConnectionRole { arn: "arn:aws:iam::111122223333:role/r", session_name: "tfbackend", external_id: Some("x"), duration: Some(5400s) }) ["calls assume the role arn:aws:iam::111122223333:role/r, set by x.conf:2"]
    None None ServiceEndpoints { s3: None, dynamodb: None, iam: None, sts: None } None false false None ["the role of x.conf:2 is not assumed: --profile sets the credentials"]
    None None ServiceEndpoints { s3: None, dynamodb: None, iam: None, sts: None } None false false Some(ConnectionRole { arn: "r", session_name: "s", external_id: None, duration: Some(900s) }) ["calls assume the role r, set by x.conf:2"]
    error: `policy` of the role at x.conf:2 is not supported by tfbackend
      hint: name credentials that may use the backend: --profile NAME
    error: the duration "soon" of the role at x.conf:2 is not supported by tfbackend
      hint: name credentials that may use the backend: --profile NAME
    error: `assume_role_with_web_identity` at x.conf:2 is not supported by tfbackend
      hint: name credentials that may use the backend: --profile NAME
      hint: or name its bucket: --bucket NAME, with --key PATH and --table NAME
    None None ServiceEndpoints { s3: None, dynamodb: None, iam: None, sts: None } None false false None ["`assume_role_with_web_identity` at x.conf:2 is ignored: tfbackend takes credentials, proxies and configuration from the environment"]
    error: the states use SSE-C, a key that the caller provides (sse_customer_key at x.conf:2)
      hint: S3 returns them only with that key, which tfbackend does not accept
    None None ServiceEndpoints { s3: None, dynamodb: None, iam: None, sts: None } None false false None ["`access_key` at x.conf:2 is ignored: tfbackend takes credentials, proxies and configuration from the environment", "`secret_key` at x.conf:3 is ignored: tfbackend takes credentials, proxies and configuration from the environment", "`https_proxy` at x.conf:5 is ignored: tfbackend takes credentials, proxies and configuration from the environment"]
    "#);
}

#[test]
fn only_the_account_that_is_allowed() {
    let caller = crate::backend::aws::caller::Caller {
        account: "111122223333".to_owned(),
        partition: "aws".to_owned(),
        arn: "arn:aws:iam::111122223333:user/a".to_owned(),
    };
    let judged = |conf: &str| {
        let dir = folder(&[("x.conf", &format!("bucket = \"my-states\"\n{conf}\n"))]);
        let configured =
            crate::terraform::read::ConfiguredBackend::of_file(&dir.path().join("x.conf"))
                .expect("a backend");
        let mut host = host(dir.path(), &[]);
        let line = Line::try_parse_from([""; 0]).expect("a command line");
        let cx = Context {
            host: &mut host,
            global: line.global,
        };
        connection::must_be_allowed(&caller, &configured, &cx)
            .map_err(|failure| (failure.code, said(&failure, dir.path())))
    };
    assert_eq!(judged(""), Ok(()));
    assert_eq!(
        judged("allowed_account_ids = [\"444455556666\", \"111122223333\"]"),
        Ok(())
    );
    assert_eq!(judged("forbidden_account_ids = [\"444455556666\"]"), Ok(()));
    let refused = [
        judged("allowed_account_ids = [\"444455556666\"]"),
        judged("forbidden_account_ids = [\"111122223333\"]"),
    ];
    assert_snapshot!(refused.map(|refused| { let (code, said) = refused.expect_err("refused"); format!("{code} {said}") }).join("\n"), @"
    3 error: these credentials are for account 111122223333, which is not among the `allowed_account_ids` of x.conf:2; nothing was changed
      hint: use credentials of the right account (--profile, AWS_PROFILE)
    3 error: these credentials are for account 111122223333, which is among the `forbidden_account_ids` of x.conf:2; nothing was changed
      hint: use credentials of the right account (--profile, AWS_PROFILE)
    ");

    assert!(
        connection::must_be_of_owner(Some("locks"), "1", "1").is_ok()
            && connection::must_be_of_owner(None, "1", "2").is_ok()
    );
    assert!(
        connection::must_be_of_owner(Some("arn:aws:dynamodb:eu-west-1:1:table/locks"), "1", "2")
            .is_ok()
    );
    let refused = connection::must_be_of_owner(Some("locks"), "1", "2")
        .expect_err("the table of another account");
    assert_eq!(refused.code, exit::REFUSED);
}

#[test]
fn a_command_line_names_it_again() {
    let dir = folder(&[]);
    let mut host = host(dir.path(), &[]);
    let words = |args: &[&str], env: Option<&str>, host: &mut Host| {
        let line = Line::try_parse_from(args).expect("a command line");
        line.target.words(
            env.map(|env| env.parse().expect("a name")).as_ref(),
            &Context {
                host,
                global: line.global,
            },
        )
    };
    let args = [
        "--bucket",
        "b-1",
        "--key",
        "a b.tfstate",
        "--region",
        "any:eu-new-1",
        "--lock",
        "both",
        "--sandbox",
    ];
    assert_eq!(
        words(&args, None, &mut host),
        " --bucket b-1 --key 'a b.tfstate' --region any:eu-new-1 --lock both --sandbox"
    );
    assert_eq!(
        words(&["--backend-config=-x.conf"], None, &mut host),
        " --backend-config=-x.conf"
    );
    assert_eq!(words(&[], Some("dev"), &mut host), " --env dev");
    let args = ["--backend", "local", "--path", "a b", "--workspace-dir=-d"];
    assert_eq!(
        words(&args, None, &mut host),
        " --backend local --path 'a b' --workspace-dir=-d"
    );
}
