//! How the emulator is run: MiniStack on loopback, with TLS, and with IAM enforced.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;

use super::{admin::AdminKey, certificate::CertificateFiles, error::SandboxError};
use crate::backend::aws::http::{self, ProxyPolicy};

/// The account that every resource of the emulator belongs to.
pub const ACCOUNT: &str = "000000000000";

/// The program that Python runs: the guard, and then what the emulator lacks.
pub const PROGRAM: &str = concat!(include_str!("guard.py"), "\n\n", include_str!("serve.py"));

/// One run of the emulator.
#[derive(Clone, Debug)]
pub struct EmulatorProcess<'a> {
    pub port: u16,
    pub certificate: &'a CertificateFiles,
    pub admin: &'a AdminKey,
    /// The folder of the persistent state; `None` discards it.
    pub keep: Option<PathBuf>,
}

impl EmulatorProcess<'_> {
    /// Its address: an IP address, so that SDKs address buckets by path and not by host name.
    pub fn endpoint(&self) -> String {
        endpoint(self.port)
    }

    /// Arguments of `python`, with [`PROGRAM`] in a file, so that a list of processes stays
    /// readable.
    ///
    /// The emulator's own command is not used: it binds port 443 too where it may, and writes
    /// into the system's temporary directory.
    pub fn args(&self, program: &Path) -> Vec<String> {
        let path = |path: &Path| path.display().to_string();
        [
            "-I",
            &path(program),
            "ministack.app:app",
            "--workers",
            "0",
            "--keep-alive",
            "75",
            "--graceful-timeout",
            "1",
        ]
        .map(str::to_owned)
        .into_iter()
        .chain(["--bind".to_owned(), format!("127.0.0.1:{}", self.port)])
        .chain(["--certfile".to_owned(), path(&self.certificate.server)])
        .chain(["--keyfile".to_owned(), path(&self.certificate.key)])
        .collect()
    }

    /// Its whole environment: it takes credentials and more from variables that a developer's shell
    /// may well have. Other users cannot read it.
    pub fn vars(&self) -> BTreeMap<&'static str, String> {
        let mut vars = BTreeMap::from(
            [
                ("AUTH", "true"),
                ("USE_SSL", "1"),
                ("BIND_HOST", "127.0.0.1"),
                ("MINISTACK_HOST", "127.0.0.1"),
                ("MINISTACK_ACCOUNT_ID", ACCOUNT),
                // It starts containers for some services; none of ours, and none unasked.
                ("DOCKER_HOST", "unix:///nonexistent"),
                // Further listeners, which would be open to the network.
                ("IOT_MTLS_ENABLED", "0"),
                ("SFTP_ENABLED", "0"),
                ("LOG_LEVEL", "INFO"),
                ("PATH", "/usr/bin:/bin"),
            ]
            .map(|(name, value)| (name, value.to_owned())),
        );
        vars.insert("SANDBOX_ACCESS_KEY_ID", self.admin.id.clone());
        vars.insert("SANDBOX_SECRET_ACCESS_KEY", self.admin.secret.clone());
        vars.insert("GATEWAY_PORT", self.port.to_string());
        vars.insert(
            "MINISTACK_SSL_CERT",
            self.certificate.server.display().to_string(),
        );
        vars.insert(
            "MINISTACK_SSL_KEY",
            self.certificate.key.display().to_string(),
        );
        if let Some(dir) = &self.keep {
            vars.insert("PERSIST_STATE", "1".to_owned());
            vars.insert("S3_PERSIST", "1".to_owned());
            vars.insert("STATE_DIR", dir.join("services").display().to_string());
            vars.insert("S3_DATA_DIR", dir.join("objects").display().to_string());
        }
        vars
    }
}

pub(super) fn endpoint(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

/// Asks whether the emulator answers: it refuses a request without a signature. As its certificate
/// is checked, another server on its port is not taken for it.
pub struct HealthCheck {
    connector: SharedHttpConnector,
    url: String,
}

impl HealthCheck {
    /// # Errors
    /// If the CA's file is broken.
    pub fn new(endpoint: &str, ca: &[u8]) -> Result<Self, SandboxError> {
        let connector = http::connector(
            Some(ca),
            ProxyPolicy::Direct,
            &HttpConnectorSettings::default(),
        )?;
        Ok(Self {
            connector,
            url: format!("{endpoint}/"),
        })
    }

    pub async fn good(&self) -> bool {
        let mut request = HttpRequest::new(SdkBody::empty());
        request
            .set_uri(self.url.as_str())
            .expect("an address and a path are a URL");
        let answer =
            tokio::time::timeout(Duration::from_secs(2), self.connector.call(request)).await;
        answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status().as_u16() == 403))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listens_on_loopback_only_and_enforces_iam() {
        let certificate = CertificateFiles {
            ca: "ca".into(),
            server: "server".into(),
            key: "key".into(),
        };
        let admin = AdminKey {
            id: "id".to_owned(),
            secret: "secret".to_owned(),
        };
        let emulator = EmulatorProcess {
            port: 4566,
            certificate: &certificate,
            admin: &admin,
            keep: None,
        };
        let args = emulator.args(Path::new("program.py"));
        let binds: Vec<&String> = args.iter().filter(|arg| arg.contains("4566")).collect();
        assert_eq!(binds, ["127.0.0.1:4566"]);
        let vars = emulator.vars();
        assert_eq!(
            (vars["BIND_HOST"].as_str(), vars["AUTH"].as_str()),
            ("127.0.0.1", "true")
        );
        assert!(!vars.contains_key("PERSIST_STATE"));
        assert!(
            args.iter().all(|arg| !arg.contains("secret")),
            "a list of processes shows it to everyone"
        );
    }
}
