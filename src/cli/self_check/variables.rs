//! The variables that change what tfbackend, the AWS SDK and the engines do. Values are shown only
//! of those that hold no secret.

use crate::{
    backend::aws::http::transport::endpoint,
    host::Host,
    report::self_check::SelfCheckResult,
    settings::{
        error::SettingsError,
        options::{OptionInfo, SettingOptions, variable_of},
        variables::OTHERS,
    },
    text::words,
};

const PREFIX: &str = "TFBACKEND_";

/// Shown with their values.
const PLAIN: [&str; 21] = [
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CA_BUNDLE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_MAX_ATTEMPTS",
    "AWS_RETRY_MODE",
    "AWS_ROLE_ARN",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TF_CLI_CONFIG_FILE",
    "TF_DATA_DIR",
    "TF_WORKSPACE",
];
/// Shown without user, password and path.
const PROXIES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];
const ENDPOINT: &str = "AWS_ENDPOINT_URL";
const KEY_ID: &str = "AWS_ACCESS_KEY_ID";

/// The check of the variables of AWS, proxies, certificates and engines.
pub(super) fn of_others(host: &Host) -> SelfCheckResult {
    let id = "variables";
    let shown: Vec<String> = set(host).filter_map(shown).collect();
    let found = listed(&shown);
    match host.var("AWS_PROFILE") {
        Some(profile) if host.var(KEY_ID).is_some() => SelfCheckResult::warning(
            id,
            format!("{found}: the keys in variables take precedence over profile {profile}"),
            format!("unset {KEY_ID} and AWS_SECRET_ACCESS_KEY to use the profile"),
        ),
        _ => SelfCheckResult::ok(id, found),
    }
}

/// The check of `TFBACKEND_*`; `error` is why they are not understood.
pub(super) fn of_tfbackend(error: Option<&SettingsError>, host: &Host) -> SelfCheckResult {
    let id = "tfbackend-variables";
    if let Some(error) = error {
        return SelfCheckResult::failed(id, error.to_string(), "correct the variable, or unset it");
    }
    let options = SettingOptions::shared().all();
    let known: Vec<String> = options.iter().map(OptionInfo::variable).collect();
    let is_known = |name: &str| OTHERS.contains(&name) || known.iter().any(|known| known == name);
    let ours: Vec<(&str, &str)> = set(host)
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    let unknown: Vec<&str> = ours
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !is_known(name))
        .collect();
    if !unknown.is_empty() {
        let (is, it) = match unknown.len() {
            1 => ("is not a setting", "it"),
            _ => ("are not settings", "them"),
        };
        return SelfCheckResult::warning(
            id,
            format!("{} {is} of tfbackend", words::list(&unknown)),
            format!(
                "unset {it}, or correct the name: `tfbackend bootstrap --help` shows the variable \
                 of each setting"
            ),
        );
    }
    let secret = variable_of("external-id");
    let shown: Vec<String> = ours
        .iter()
        .map(|(name, value)| match *name == secret {
            true => format!("{name} (set)"),
            false => format!("{name}={value}"),
        })
        .collect();
    SelfCheckResult::ok(id, listed(&shown))
}

/// Variables that are not empty, by name.
fn set(host: &Host) -> impl Iterator<Item = (&str, &str)> {
    host.vars
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

/// The variable as it may be shown; `None` if it does not matter.
fn shown((name, value): (&str, &str)) -> Option<String> {
    if PLAIN.contains(&name) {
        return Some(format!("{name}={value}"));
    }
    if PROXIES.contains(&name) || name.starts_with(ENDPOINT) {
        // A proxy may be named without its scheme, behind which secrets are recognized.
        let url = match value.contains("://") {
            true => endpoint(value),
            false => endpoint(&format!("http://{value}")),
        };
        return Some(format!("{name}={url}"));
    }
    name.starts_with("AWS_").then(|| format!("{name} (set)"))
}

fn listed(shown: &[String]) -> String {
    match shown {
        [] => "none are set".to_owned(),
        shown => shown.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_variables_are_not_shown() {
        for (name, value, says) in [
            ("AWS_PROFILE", "prod", Some("AWS_PROFILE=prod")),
            (
                "AWS_SECRET_ACCESS_KEY",
                "canary",
                Some("AWS_SECRET_ACCESS_KEY (set)"),
            ),
            (
                "AWS_ACCESS_KEY_ID",
                "canary",
                Some("AWS_ACCESS_KEY_ID (set)"),
            ),
            ("AWS_LATER_SECRET", "canary", Some("AWS_LATER_SECRET (set)")),
            (
                "HTTPS_PROXY",
                "http://me:canary@proxy.example.com:8080/canary",
                Some("HTTPS_PROXY=http://proxy.example.com:8080"),
            ),
            (
                "https_proxy",
                "me:canary@proxy.example.com:8080",
                Some("https_proxy=http://proxy.example.com:8080"),
            ),
            (
                "AWS_ENDPOINT_URL_S3",
                "https://s3.example.com/?token=canary",
                Some("AWS_ENDPOINT_URL_S3=https://s3.example.com"),
            ),
            ("HOME", "/home/me", None),
            ("TF_VAR_password", "canary", None),
            ("TF_TOKEN_app_terraform_io", "canary", None),
        ] {
            assert_eq!(shown((name, value)).as_deref(), says, "{name}");
        }
    }
}
