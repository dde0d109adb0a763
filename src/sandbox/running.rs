//! A running sandbox, and how other programs are pointed at it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::error::{SandboxError, at};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunningSandbox {
    /// The endpoint of all AWS services; `https` on 127.0.0.1.
    pub endpoint: String,
    pub port: u16,
    pub pid: u32,
    /// PEM file of the CA that signed the emulator's certificate.
    pub ca_file: PathBuf,
    /// Shared credentials file, with the access key of an administrator as `default`.
    pub credentials_file: PathBuf,
    pub config_file: PathBuf,
    pub log_file: PathBuf,
    pub region: String,
    pub account: String,
}

impl RunningSandbox {
    /// The variables that point AWS tools, Terraform and this program at the sandbox.
    pub fn vars(&self) -> BTreeMap<String, String> {
        let path = |path: &Path| path.display().to_string();
        BTreeMap::from(
            [
                ("AWS_ENDPOINT_URL", self.endpoint.clone()),
                ("AWS_CA_BUNDLE", path(&self.ca_file)),
                ("AWS_SHARED_CREDENTIALS_FILE", path(&self.credentials_file)),
                ("AWS_CONFIG_FILE", path(&self.config_file)),
                ("AWS_REGION", self.region.clone()),
                // The AWS CLI of version 1 reads this one only.
                ("AWS_DEFAULT_REGION", self.region.clone()),
                ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        )
    }

    /// `base` as the environment of a program that is to work in the sandbox: no AWS settings but
    /// ours, which those in variables (keys, profile, endpoints) would override, and no proxy for
    /// loopback.
    pub fn environment(&self, base: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut vars = base.clone();
        vars.retain(|name, _| !name.starts_with("AWS_"));
        for name in ["NO_PROXY", "no_proxy"] {
            // Where both are set, programs differ in which they read.
            let others = base.get(name).or_else(|| {
                base.get(if name == "NO_PROXY" {
                    "no_proxy"
                } else {
                    "NO_PROXY"
                })
            });
            let others = others.map(String::as_str).unwrap_or_default();
            let rules = ["127.0.0.1,localhost", others]
                .into_iter()
                .filter(|rules| !rules.is_empty())
                .collect::<Vec<_>>();
            vars.insert(name.to_owned(), rules.join(","));
        }
        vars.extend(self.vars());
        vars
    }
}

/// The saved part of [`Running`], whose `pid` is unknown for a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SandboxRecord {
    pub port: u16,
    /// The process ID of the emulator, valid while its lock is held.
    pub pid: Option<u32>,
}

impl SandboxRecord {
    pub(super) fn read(path: &Path) -> Result<Option<Self>, SandboxError> {
        match fs::read(path) {
            Ok(json) => serde_json::from_slice(&json)
                .map(Some)
                .map_err(|error| at(path)(io::Error::from(error))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(path)(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_the_sandbox_sees_no_other_aws_settings() {
        let running = RunningSandbox {
            endpoint: "https://127.0.0.1:14566".to_owned(),
            port: 14566,
            pid: 1,
            ca_file: "/s/tls/ca.pem".into(),
            credentials_file: "/s/credentials".into(),
            config_file: "/s/config".into(),
            log_file: "/s/emulator.log".into(),
            region: "eu-west-1".to_owned(),
            account: "000000000000".to_owned(),
        };
        let base = [
            ("PATH", "/bin"),
            ("AWS_PROFILE", "prod"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_ENDPOINT_URL_S3", "https://s3.example.com"),
            ("HTTPS_PROXY", "http://proxy"),
            ("NO_PROXY", "internal"),
        ];
        let vars = running.environment(
            &base
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        );
        let shown: Vec<String> = vars
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        AWS_CA_BUNDLE=/s/tls/ca.pem
        AWS_CONFIG_FILE=/s/config
        AWS_DEFAULT_REGION=eu-west-1
        AWS_EC2_METADATA_DISABLED=true
        AWS_ENDPOINT_URL=https://127.0.0.1:14566
        AWS_REGION=eu-west-1
        AWS_SHARED_CREDENTIALS_FILE=/s/credentials
        HTTPS_PROXY=http://proxy
        NO_PROXY=127.0.0.1,localhost,internal
        PATH=/bin
        no_proxy=127.0.0.1,localhost,internal
        ");
    }
}
