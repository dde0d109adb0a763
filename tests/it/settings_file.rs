//! `tfbackend.toml`: what is understood, and where exactly something is not.

use std::{fs, path::Path};

use insta::assert_snapshot;
use proptest::prelude::*;
use tfbackend::{
    kind::BackendKind,
    settings::{
        file::SettingsFile,
        options::{SettingOptions, ValueType, said},
    },
};

use crate::support::sources::{env, sources};

fn error(text: &str) -> String {
    SettingsFile::parse(Path::new("tfbackend.toml"), text)
        .expect_err("is wrong")
        .to_string()
}

#[test]
fn a_whole_file_is_understood() {
    let text = "\u{feff}format = 1\r\nproject = \"acme\"\r\nlog-days = 0x1F\r\nattach-to = \
                []\r\n[env.prod]\r\nregion = \"eu-west-1\"\r\nephemeral = false\r\ntag = { Team = \
                \"platform\", \"cost:center\" = \"12\" }\r\n[env.dev.tag]\r\nTeam = \"dev\"\r\n";
    let file = SettingsFile::parse(Path::new("tfbackend.toml"), text).unwrap();
    let shown = |table: &tfbackend::settings::file::OptionTable| {
        table
            .iter()
            .map(|(name, said)| format!("{}: {name} = {}", said.line, said.value))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_snapshot!(shown(&file.top), @r#"
    4: attach-to = []
    3: log-days = 31
    2: project = "acme"
    "#);
    assert_snapshot!(shown(&file.envs[&env("prod")]), @r#"
    7: ephemeral = false
    6: region = "eu-west-1"
    8: tag = ["Team=platform","cost:center=12"]
    "#);
    assert_snapshot!(shown(&file.envs[&env("dev")]), @r#"9: tag = ["Team=dev"]"#);
}

#[test]
fn names_that_are_not_known() {
    assert_snapshot!(error("project = \"acme\"\n\n[env.prod]\n  regoin = \"eu-west-1\"\n"), @"tfbackend.toml:4:3: unknown key `regoin`; did you mean `region`?");
    assert_snapshot!(error("kms_key = \"x\""), @"tfbackend.toml:1:1: unknown key `kms_key`; did you mean `kms-key`?");
    assert_snapshot!(error("alarm_emails = []"), @"tfbackend.toml:1:1: unknown key `alarm_emails`; did you mean `alarm-email`?");
    assert_snapshot!(error("unlike-anything = 1"), @"tfbackend.toml:1:1: unknown key `unlike-anything`");
    assert_snapshot!(error("[prod]\nregion = \"eu-west-1\""), @"tfbackend.toml:1:2: unknown table `prod`; an environment is written `[env.prod]`");
    assert_snapshot!(error("[envs.prod]\nregion = \"eu-west-1\""), @"tfbackend.toml:1:2: unknown key `envs`; did you mean `env`?");
    assert_snapshot!(error("[env.prod.env]\nx = 1"), @"tfbackend.toml:1:11: unknown key `env`");
    assert_snapshot!(error("\"a\\u0007b\" = 1"), @r#"tfbackend.toml:1:1: unknown key `a\u{7}b`"#);
}

#[test]
fn options_of_another_backend_kind() {
    assert_snapshot!(error("[env.dev]\nbackend = \"local\"\nkey = \"a\"\ntable = \"locks\"\n"), @"tfbackend.toml:4:1: `table` is an option of backend kind s3, and environment dev is of kind local");
    assert_snapshot!(error("[env.dev]\nstate-dir = \"/srv/states\"\n"), @"tfbackend.toml:2:1: `state-dir` is an option of backend kind local, and environment dev is of kind s3");
    assert_snapshot!(error("backend = \"local\"\n[env.dev]\nregion = \"eu-west-1\"\n"), @"tfbackend.toml:3:1: `region` is an option of backend kind s3, and environment dev is of kind local");
    assert_snapshot!(error("backend = \"postgres\"\n"), @"tfbackend.toml:1:11: `backend` is `postgres`; it must be `s3` or `local`");
}

/// What all environments share may be for those of one kind.
#[test]
fn options_at_the_top_level_are_of_the_environments_of_their_kind() {
    let sources = sources(
        "",
        &[],
        "project = \"acme\"\nregion = \"eu-west-1\"\nlog-days = 9\n[env.prod]\n[env.dev]\nbackend = \
         \"local\"\nstate-dir = \"/srv/states\"\n",
    )
    .expect("valid");
    let said = |name: &str| {
        let merged = sources.merged(&env(name));
        let said: Vec<String> = said(&merged.said()).keys().cloned().collect();
        (merged.kind, said.join(" "))
    };
    assert_eq!(
        said("prod"),
        (BackendKind::S3, "project region log-days".to_owned())
    );
    assert_eq!(
        said("dev"),
        (BackendKind::Local, "backend project state-dir".to_owned())
    );
}

#[test]
fn values_that_are_not_right() {
    assert_snapshot!(error("[env.prod]\nephemeral = \"true\""), @"tfbackend.toml:2:13: `ephemeral` must be `true` or `false`, not text");
    assert_snapshot!(error("account = 123456789012"), @"tfbackend.toml:1:11: `account` must be text in quotes, not a number");
    assert_snapshot!(error("keep-versions = 5.5"), @"tfbackend.toml:1:17: `keep-versions` must be a whole number, not a fraction");
    assert_snapshot!(error("keep-versions = 0"), @"tfbackend.toml:1:17: `keep-versions` is `0`; it must be a whole number from 1 to 100");
    assert_snapshot!(error("keep-versions = -1"), @"tfbackend.toml:1:17: `keep-versions` is `-1`; it must be a whole number from 1 to 100");
    assert_snapshot!(error("keep-versions = 99_999_999_999"), @"tfbackend.toml:1:17: `keep-versions` is `99999999999`; it must be a whole number from 1 to 100");
    assert_snapshot!(error("lock = \"dynamo\""), @"tfbackend.toml:1:8: `lock` is `dynamo`; it must be `dynamodb`, `s3` or `both`");
    assert_snapshot!(error("lock = \"\""), @"tfbackend.toml:1:8: `lock` is empty; it must be `dynamodb`, `s3` or `both`");
    assert_snapshot!(error("region = \"eu-wst-1\""), @"tfbackend.toml:1:10: `region` is not a known region (did you mean `eu-west-1`?); a region is written like `eu-west-1`; one newer than this program like `any:eu-new-1`");
    assert_snapshot!(error("région = \"eu-west-1\""), @"tfbackend.toml:1:2: invalid unquoted key, expected letters, numbers, `-`, `_`");
    assert_snapshot!(error("alarm-email = \"ops@example.com\""), @r#"tfbackend.toml:1:15: `alarm-email` must be a list such as `["…"]`, not text"#);
    assert_snapshot!(error("alarm-email = [\n  \"ops@example.com\",\n  \"ops\",\n]"), @"tfbackend.toml:3:3: `alarm-email` has no `@`; an e-mail address looks like `ops@example.com`");
    assert_snapshot!(error("tag = { Team = 1 }"), @"tfbackend.toml:1:16: `tag` must be text in quotes, not a number");
    assert_snapshot!(error("tag = { \"a=b\" = \"c\" }"), @"tfbackend.toml:1:9: `tag` has a key with `=`");
    assert_snapshot!(error("tag = [\"aws:x=y\"]"), @"tfbackend.toml:1:8: `tag` begins with `aws:`; a tag is written `KEY=VALUE`: letters, digits, spaces and `_.:/=+-@`, up to 128 and 256 of them, and a key that neither begins with `aws:` or `tfbackend:` nor is `ManagedBy`");
    assert_snapshot!(error("project = \"a\\u202eb\""), @"tfbackend.toml:1:11: `project` contains the invisible or control character U+202E; a project is 1 to 31 lowercase letters, digits and single hyphens, and neither begins nor ends with a hyphen");
    assert_snapshot!(error("key = \"../${x}\\\"\""), @r#"tfbackend.toml:1:7: `key` has a part `..`; a state key is a path such as `app/terraform.tfstate`: up to 900 bytes, no `/` at either end, no `//`, no part `.` or `..`, none of `\`, `*` and `?`, and not ending in `.tflock`"#);
    assert_snapshot!(error("[env.\"Pro d\"]"), @"tfbackend.toml:1:6: `env.Pro d` contains `P`; an environment is 1 to 31 lowercase letters, digits and single hyphens, neither begins nor ends with a hyphen, does not end in `-logs`, and has no part `tfstate`");
    assert_snapshot!(error("env = 1"), @"tfbackend.toml:1:7: `env` must be a table, not a number");
    assert_snapshot!(error("[env]\nprod = 1"), @"tfbackend.toml:2:8: `env.prod` must be a table, not a number");
    assert_snapshot!(error("format = 2"), @"tfbackend.toml:1:10: the format is 2, but this version supports only 1; use a newer tfbackend");
    assert_snapshot!(error("format = \"1\""), @"tfbackend.toml:1:10: the format is text and not a number, but this version supports only 1; use a newer tfbackend");
}

proptest! {
    /// Whatever stands in the file, the answer is a file or a place in it.
    #[test]
    fn no_text_is_too_strange(text in "(\\[?\\[?(env|env\\.prod|x)?\\]{0,2}|[a-z-]{1,12} ?= ?(\"[^\"]{0,6}\"|[0-9_x]{1,4}|\\[.{0,5}\\]|\\{.{0,8}\\}|true)|\\PC{0,6}|[\\r\\n\\t]){0,8}") {
        if let Err(error) = SettingsFile::parse(Path::new("tfbackend.toml"), &text) {
            let shown = error.to_string();
            let place: Vec<usize> = shown.split(':').skip(1).take(2).filter_map(|number| number.parse().ok()).collect();
            prop_assert_eq!(place.len(), 2, "{}", shown);
            prop_assert!(place[0] >= 1 && place[0] <= text.matches('\n').count() + 1 && place[1] >= 1);
        }
    }
}

#[test]
fn what_toml_itself_refuses() {
    assert_snapshot!(error("project = \"a\"\nproject = \"b\""), @"tfbackend.toml:2:1: duplicate key");
    assert_snapshot!(error("[env.prod]\n[env.prod]"), @"tfbackend.toml:2:6: duplicate key");
    assert_snapshot!(error("project = acme"), @"tfbackend.toml:1:11: string values must be quoted, expected literal string");
    assert_snapshot!(error("project = \"acme"), @r#"tfbackend.toml:1:16: invalid basic string, expected `"`"#);
}

#[test]
fn two_that_exclude_each_other() {
    let both = "[env.prod]\nencryption = \"sse-s3\"\nkms-key = \
                \"arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab\"";
    assert_snapshot!(error(both), @"tfbackend.toml:3:1: `kms-key` and `encryption` exclude each other");
}

#[test]
fn every_option_can_be_written_in_the_file_and_refuses_another_type() {
    for option in SettingOptions::shared().all() {
        let wrong = match option.shape {
            ValueType::Flag | ValueType::Number => "\"1\"",
            ValueType::Text | ValueType::List => "1",
        };
        let message = error(&format!("{} = {wrong}", option.name));
        if option.is_of_the_caller() {
            assert!(
                message.starts_with(&format!(
                    "tfbackend.toml:1:1: `{}` cannot be set in a file",
                    option.name
                )),
                "{message}"
            );
            continue;
        }
        assert!(
            message.starts_with(&format!(
                "tfbackend.toml:1:{}: `{}` must be ",
                option.name.len() + 4,
                option.name
            )),
            "{message}"
        );
    }
}

#[test]
fn the_file_is_searched_for_up_to_the_repository() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("repo/infra/app");
    fs::create_dir_all(&inner).unwrap();
    fs::write(
        folder.path().join("tfbackend.toml"),
        "project = \"outside\"",
    )
    .unwrap();

    // No repository: nothing above the working directory is looked at.
    assert_eq!(SettingsFile::find(&inner, None, None).unwrap(), None);
    assert_eq!(
        SettingsFile::find(folder.path(), None, None)
            .unwrap()
            .unwrap()
            .path,
        Path::new("tfbackend.toml")
    );

    fs::create_dir(folder.path().join("repo/.git")).unwrap();
    assert_eq!(
        SettingsFile::find(&inner, None, None).unwrap(),
        None,
        "the repository ends the search"
    );
    let at_root = folder.path().join("repo/tfbackend.toml");
    fs::write(&at_root, "project = \"inside\"").unwrap();
    assert_eq!(
        SettingsFile::find(&inner, None, None)
            .unwrap()
            .unwrap()
            .path,
        at_root
    );

    fs::write(inner.join("tfbackend.toml"), "project = 1").unwrap();
    assert_eq!(
        SettingsFile::find(&inner, None, None)
            .unwrap_err()
            .to_string(),
        "tfbackend.toml:1:11: `project` must be text in quotes, not a number"
    );

    let named = SettingsFile::find(&inner, Some(Path::new("../../tfbackend.toml")), None)
        .unwrap()
        .unwrap();
    assert_eq!(named.top["project"].value, "inside");
    assert_eq!(
        SettingsFile::find(&inner, Some(Path::new("other.toml")), None)
            .unwrap_err()
            .to_string(),
        "cannot read other.toml"
    );
    fs::write(inner.join("tfbackend.toml"), b"\xff\xfe").unwrap();
    assert_eq!(
        SettingsFile::find(&inner, None, None)
            .unwrap_err()
            .to_string(),
        "cannot read tfbackend.toml"
    );
}

#[test]
fn accepted_findings() {
    let text = "[[ignore]]\nid = \"bucket-key\"\nreason = \"cheap\"\n[[env.prod.ignore]]\nid = \
                \"key-rotation\"\nat = \"key/rotation\"\nreason = \"by hand\"\nuntil = \
                \"2027-01-31\"\n";
    let file = SettingsFile::parse(Path::new("tfbackend.toml"), text).unwrap();
    let ids = |env: Option<&str>| {
        file.accepted(env.map(crate::support::sources::env).as_ref())
            .into_iter()
            .map(|one| one.id)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        (
            ids(None).as_str(),
            ids(Some("prod")).as_str(),
            ids(Some("dev")).as_str()
        ),
        ("bucket-key", "bucket-key key-rotation", "bucket-key")
    );
    assert!(file.envs.contains_key(&env("prod")));

    assert_snapshot!(error("ignore = \"x\""), @"tfbackend.toml:1:10: `ignore` must be a list of tables, each written `[[ignore]]`, not text");
    assert_snapshot!(error("[[ignore]]\nid = \"x\""), @"tfbackend.toml:1:1: `reason` is required: an accepted finding needs an id and a reason");
    assert_snapshot!(error("[[ignore]]\nreason = \"x\""), @"tfbackend.toml:1:1: `id` is required: an accepted finding needs an id and a reason");
    assert_snapshot!(error("[[ignore]]\nid = 1\nreason = \"x\""), @"tfbackend.toml:2:6: `id` must be text in quotes, not a number");
    assert_snapshot!(error("[[ignore]]\nid = \"x\"\nreason = \"x\"\nuntil = \"2027-02-30\""), @"tfbackend.toml:4:9: `until` `2027-02-30` is not a valid day such as 2027-01-31");
    assert_snapshot!(error("[[env.prod.ignore]]\nid = \"x\"\nreson = \"x\""), @"tfbackend.toml:3:1: unknown key `reson`; did you mean `reason`?");
}
