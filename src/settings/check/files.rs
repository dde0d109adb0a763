//! Whether Terraform would read the two files as what they are.

use super::{ConflictKind, SettingsChecker};
use crate::settings::common::CommonSettings;

pub(super) fn check(checker: &mut SettingsChecker<'_>, settings: &CommonSettings) {
    let conf = settings.files.conf_file.for_env(&settings.env);
    let tf = settings.files.tf_file.for_env(&settings.env);
    // Case does not tell files apart on macOS and Windows.
    if conf.eq_ignore_ascii_case(&tf) {
        checker.add(
            ConflictKind::SameFile { name: conf },
            &["conf-file", "tf-file"],
        );
        return;
    }
    if let Some(why) = conf_trouble(&conf.to_lowercase()) {
        checker.add(
            ConflictKind::FileName {
                name: "conf-file",
                file: conf,
                why,
            },
            &["conf-file"],
        );
    }
    if let Some(why) = tf_trouble(&tf) {
        checker.add(
            ConflictKind::FileName {
                name: "tf-file",
                file: tf,
                why,
            },
            &["tf-file"],
        );
    }
}

fn conf_trouble(name: &str) -> Option<&'static str> {
    if name.ends_with(".json") {
        Some("Terraform reads a file of that name as JSON; use `.conf` or `.s3.tfbackend`")
    } else if [".tf", ".tofu"].iter().any(|end| name.ends_with(end)) {
        Some(
            "Terraform reads every file of that name as configuration; use `.conf` or \
             `.s3.tfbackend`",
        )
    } else if name.ends_with(".tfvars") {
        Some("Terraform reads a file of that name as variables; use `.conf` or `.s3.tfbackend`")
    } else {
        None
    }
}

fn tf_trouble(name: &str) -> Option<&'static str> {
    if ![".tf", ".tofu"].iter().any(|end| name.ends_with(end)) {
        Some("only files that end in `.tf` (or `.tofu`, for OpenTofu) are read as configuration")
    } else if name.starts_with('.') || name.starts_with('#') {
        Some("Terraform does not read files whose name begins so")
    } else {
        None
    }
}
