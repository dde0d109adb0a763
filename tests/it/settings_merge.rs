//! Which source holds, and what each value knows of where it came from.

use std::{fs, io, path::Path};

use insta::assert_snapshot;
use tfbackend::{
    cli::prompt::NoPrompt,
    host::Host,
    settings::{
        defaults::defaults,
        error::SettingsError,
        layer::{LockMechanism, SettingsLayer, TableEncryption, TrailKind},
        merge::{SettingOrigin, SettingsSources},
        options::{SettingOptions, said},
        s3::{BillingMode, EncryptionSettings, resolve::resolve},
        variables,
    },
};

use crate::support::sources::{env, flags, prod, sources};

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

#[test]
fn each_source_holds_over_the_next() {
    let toml = "log-days = 1\nkeep-versions = 1\nnoncurrent-days = 1\n[env.prod]\nlog-days = \
                2\nkeep-versions = 2\n[env.dev]\nlog-days = 9";
    let vars = [
        ("TFBACKEND_LOG_DAYS", "3"),
        ("AWS_REGION", "eu-west-3"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("TFBACKEND_PROJECT", ""),
    ];
    let sources = sources("--log-days 4 --project acme", &vars, toml).unwrap();
    let merged = sources.merged(&env("prod"));
    let rows: Vec<String> = merged
        .rows()
        .into_iter()
        .map(|(name, value, origin)| format!("{name} = {value} ({origin})"))
        .collect();
    assert_snapshot!(rows.join("\n"), @r#"
    backend = "s3" (default)
    project = "acme" (command line)
    region = "eu-west-3" (AWS_REGION)
    conf-credentials = false (default)
    ephemeral = false (default)
    tag = [] (default)
    key = "terraform.tfstate" (default)
    workspace-key-prefix = "env:" (default)
    lock = "dynamodb" (default)
    namespace = "global" (default)
    noncurrent-days = 1 (tfbackend.toml:3)
    keep-versions = 2 (tfbackend.toml:6)
    access-logs = true (default)
    delete-events = true (default)
    encryption = "kms" (default)
    rotation-days = 365 (default)
    billing = "on-demand" (default)
    read-capacity = 5 (default)
    write-capacity = 5 (default)
    table-recovery = true (default)
    table-encryption = "same-key" (default)
    policy = true (default)
    attach-to = [] (default)
    alarms = true (default)
    alarm-email = [] (default)
    alarm-bucket-size = 10 (default)
    alarm-object-count = 100000 (default)
    trail = "new" (default)
    log-days = 4 (command line)
    out = "." (default)
    conf-file = "backend.conf" (default)
    tf-file = "backend.tf" (default)
    auto-approve = false (default)
    non-interactive = false (default)
    adopt = false (default)
    overwrite = false (default)
    parallelism = 16 (default)
    "#);
    assert!(
        !merged.is_said("region"),
        "AWS_REGION is a default for the question"
    );
    assert!(merged.is_said("log-days") && !merged.is_said("lock"));
}

#[test]
fn the_defaults() {
    let settings = prod("--project acme --region eu-west-1", &[], "").unwrap();
    insta::assert_debug_snapshot!(settings, @r#"
    S3Settings {
        common: CommonSettings {
            project: ProjectName(
                "acme",
            ),
            env: EnvName(
                "prod",
            ),
            protect: true,
            files: FileSettings {
                out: ".",
                conf_file: FileName(
                    "backend.conf",
                ),
                tf_file: FileName(
                    "backend.tf",
                ),
            },
            run: RunSettings {
                auto_approve: false,
                non_interactive: false,
                adopt: false,
                overwrite: false,
                parallelism: 16,
            },
        },
        region: Region(
            "eu-west-1",
        ),
        account: None,
        tags: [],
        key: StateKey(
            "terraform.tfstate",
        ),
        workspace_key_prefix: WorkspacePrefix(
            "env:",
        ),
        lock: Dynamodb,
        encryption: NewKey {
            rotation_days: 365,
        },
        bucket: BucketSettings {
            name: None,
            namespace: Global,
            noncurrent_days: 90,
            keep_versions: 50,
            access_logs: true,
            delete_events: true,
        },
        table: TableSettings {
            name: None,
            billing: OnDemand,
            recovery: true,
            encryption: SameKey,
        },
        access: AccessSettings {
            policy: true,
            attach_to: [],
        },
        alarms: On {
            topic: New {
                emails: [],
            },
            bucket_gib: 10,
            objects: 100000,
        },
        trail: New,
        log_days: 400,
    }
    "#);
}

#[test]
fn every_option_has_a_default_or_none_that_is_meant() {
    let with = said(&defaults());
    let without: Vec<String> = SettingOptions::shared()
        .all()
        .iter()
        .map(|option| option.name.clone())
        .filter(|name| !with.contains_key(name))
        .collect();
    assert_eq!(
        without.join(" "),
        "project region account profile role-arn external-id state-dir bucket kms-key table alarm-topic"
    );
}

#[test]
fn what_excludes_a_weaker_value_puts_it_aside() {
    let toml =
        format!("kms-key = \"{KEY}\"\n[env.prod]\nproject = \"acme\"\nregion = \"eu-west-1\"");
    let settings = prod("", &[], &toml).unwrap();
    assert!(matches!(
        settings.encryption,
        EncryptionSettings::OwnKey { .. }
    ));
    let settings = prod("--encryption sse-s3", &[], &toml).unwrap();
    assert_eq!(
        (settings.encryption, settings.table.encryption),
        (EncryptionSettings::SseS3, TableEncryption::AwsOwned)
    );
    let settings = prod("", &[("TFBACKEND_ENCRYPTION", "kms")], &toml).unwrap();
    assert_eq!(
        settings.encryption,
        EncryptionSettings::NewKey { rotation_days: 365 }
    );
}

#[test]
fn an_empty_list_says_none() {
    let toml = "attach-to = [\"role/ci\"]\nproject = \"acme\"\nregion = \
                \"eu-west-1\"\n[env.prod]\nattach-to = []";
    assert_eq!(prod("", &[], toml).unwrap().access.attach_to, []);
    let sources = sources("", &[], toml).unwrap();
    assert!(sources.merged(&env("prod")).is_said("attach-to"));
}

#[test]
fn answers_fill_gaps_only() {
    let sources = sources(
        "--project acme",
        &[("AWS_REGION", "us-east-1")],
        "lock = \"s3\"",
    )
    .unwrap();
    let answers = flags("--project other --region eu-west-1 --lock both --trail off");
    let settings = resolve(&env("prod"), &sources, &answers).unwrap();
    assert_eq!(settings.common.project.as_str(), "acme");
    assert_eq!(settings.region.as_str(), "eu-west-1");
    assert_eq!(
        (settings.lock, settings.trail),
        (LockMechanism::S3, TrailKind::Off)
    );
}

#[test]
fn lists_in_variables_have_commas() {
    let vars = [
        ("TFBACKEND_ATTACH_TO", "role/a, user/b"),
        ("TFBACKEND_TAG", "Team=x,Owner=y"),
        ("TFBACKEND_POLICY", "true"),
        ("TFBACKEND_BILLING", "provisioned"),
        ("TFBACKEND_READ_CAPACITY", "7"),
    ];
    let settings = prod("--project acme --region eu-west-1", &vars, "").unwrap();
    assert_eq!(settings.access.attach_to.len(), 2);
    assert_eq!(settings.tags[1].to_string(), "Owner=y");
    assert_eq!(
        settings.table.billing,
        BillingMode::Provisioned { read: 7, write: 5 }
    );
}

#[test]
fn variables_that_are_wrong() {
    let error =
        |vars: &[(&str, &str)]| prod("--project acme --region eu-west-1", vars, "").unwrap_err();
    assert_snapshot!(error(&[("TFBACKEND_REGOIN", "x")]), @"unknown variable `TFBACKEND_REGOIN`; did you mean `TFBACKEND_REGION`?");
    assert_snapshot!(error(&[("TFBACKEND_LOGDAYS", "x")]), @"unknown variable `TFBACKEND_LOGDAYS`; did you mean `TFBACKEND_LOG_DAYS`?");
    assert_snapshot!(error(&[("TFBACKEND_CONFG", "x")]), @"unknown variable `TFBACKEND_CONFG`; did you mean `TFBACKEND_CONFIG`?");
    assert_snapshot!(error(&[("TFBACKEND_EPHEMERAL", "yes")]), @"variable `TFBACKEND_EPHEMERAL`: `ephemeral` is `yes`; it must be `true` or `false`");
    assert_snapshot!(error(&[("TFBACKEND_LOG_DAYS", "many")]), @"variable `TFBACKEND_LOG_DAYS`: `log-days` is `many`; it must be a whole number");
    assert_snapshot!(error(&[("TFBACKEND_ALARM_EMAIL", "a@example.com,b")]), @"variable `TFBACKEND_ALARM_EMAIL`: `alarm-email` has no `@`; an e-mail address looks like `ops@example.com`");
    assert_snapshot!(error(&[("TFBACKEND_KMS_KEY", KEY), ("TFBACKEND_ENCRYPTION", "kms")]), @"variable `TFBACKEND_KMS_KEY`: `kms-key` and `encryption` exclude each other");
    // Somebody else's, not a slip; and known ones that are no options.
    let fine = [
        ("TFBACKEND_UNLIKE_ANYTHING", "x"),
        ("TFBACKEND_LOG", "debug"),
        ("TFBACKEND_CONFIG", "x"),
        ("TFBACK", "x"),
    ];
    assert!(prod("--project acme --region eu-west-1", &fine, "").is_ok());
}

#[test]
fn every_option_has_a_variable() {
    for option in SettingOptions::shared().all() {
        let vars = [(option.variable(), "\u{1}".to_owned())].into();
        let message = variables::read(&vars)
            .map_or_else(|error| error.to_string(), |layer| format!("{layer:?}"));
        assert!(
            message.starts_with(&format!(
                "variable `{}`: `{}` ",
                option.variable(),
                option.name
            )),
            "{message}"
        );
    }
}

#[test]
fn settings_without_a_source() {
    assert_snapshot!(prod("", &[], "").unwrap_err(), @"`project` and `region` are not set; pass `--project` and `--region`, or set them in tfbackend.toml");
    assert_snapshot!(prod("--project acme", &[], "").unwrap_err(), @"`region` is not set; pass `--region`, or set it in tfbackend.toml");
    assert_snapshot!(prod("--project acme", &[("AWS_REGION", "eu-wst-1")], "").unwrap_err(), @"variable `AWS_REGION`: `region` is not a known region (did you mean `eu-west-1`?); a region is written like `eu-west-1`; one newer than this program like `any:eu-new-1`");
    assert!(
        prod(
            "--project acme --region eu-west-1",
            &[("AWS_REGION", "eu-wst-1")],
            ""
        )
        .is_ok()
    );
    let error = resolve(
        &env("prod"),
        &sources("", &[], "").unwrap(),
        &SettingsLayer::default(),
    )
    .unwrap_err();
    assert!(matches!(error, SettingsError::Missing { names } if names == ["project", "region"]));
}

fn host(cwd: &Path, vars: &[(&str, &str)]) -> Host {
    Host {
        vars: vars
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        cwd: cwd.to_path_buf(),
        who: String::new(),
        out: Box::new(io::sink()),
        err: Box::new(io::sink()),
        interactive: false,
        out_is_terminal: false,
        err_is_terminal: false,
        out_width: 80,
        err_width: 80,
        prompt: Box::new(NoPrompt),
        now: std::time::SystemTime::now(),
        cancel: tokio_util::sync::CancellationToken::new(),
    }
}

#[test]
fn sources_are_read_from_the_host() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tfbackend.toml"), "project = \"found\"").unwrap();
    fs::write(folder.path().join("named.toml"), "project = \"named\"").unwrap();
    fs::write(folder.path().join("flag.toml"), "\nproject = \"flag\"").unwrap();
    let read = |vars: &[(&str, &str)], config: Option<&str>| {
        SettingsSources::read(
            &host(folder.path(), vars),
            SettingsLayer::default(),
            config.map(Path::new),
        )
        .map(|sources| sources.merged(&env("prod")))
    };
    let project = |merged: &tfbackend::settings::merge::MergedSettings| {
        merged.layer.project.clone().unwrap().to_string()
    };

    let merged = read(
        &[
            ("AWS_REGION", ""),
            ("AWS_DEFAULT_REGION", "eu-west-2"),
            ("TFBACKEND_LOG_DAYS", "3"),
        ],
        None,
    )
    .unwrap();
    assert_eq!(
        (project(&merged).as_str(), merged.layer.log_days),
        ("found", Some(3))
    );
    assert_eq!(
        merged.origin("region"),
        Some(&SettingOrigin::Variable {
            name: "AWS_DEFAULT_REGION".to_owned()
        })
    );
    assert_eq!(
        project(&read(&[("TFBACKEND_CONFIG", "named.toml")], None).unwrap()),
        "named"
    );
    let merged = read(&[("TFBACKEND_CONFIG", "named.toml")], Some("flag.toml")).unwrap();
    assert_eq!(project(&merged), "flag");
    assert_eq!(
        merged.origin("project"),
        Some(&SettingOrigin::File {
            path: "flag.toml".into(),
            line: 2
        })
    );
    assert_eq!(
        read(&[("TFBACKEND_CONFIG", "gone.toml")], None)
            .unwrap_err()
            .to_string(),
        "cannot read gone.toml"
    );
}
