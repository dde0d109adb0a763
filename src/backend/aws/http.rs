//! The HTTP client of all service clients: trusted certificates and proxy. It is the last to see a
//! request, and does not send any unencrypted.
//!
//! The client of the SDK ignores `AWS_CA_BUNDLE`, panics on an invalid PEM file, and creates a
//! connection pool for every service.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::base64;
use rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer,
        pem::{self, PemObject},
    },
};

mod call_limit;
mod connect_limit;
mod log;
pub(crate) mod transport;

use call_limit::CallLimit;
use connect_limit::ConnectLimit;
pub(crate) use connect_limit::NoResponse;
pub use connect_limit::{CONNECT_TIMEOUT, Unreachable};
use transport::{Transport, endpoint};

/// The proxy of the client. Connections to this machine are always direct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyPolicy {
    /// The proxy of `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    FromEnvironment,
    /// Direct connections: a loopback endpoint is not reachable through a proxy.
    Direct,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// A folder may specify any file as its bundle: its content is never shown.
    #[error("the CA bundle is not PEM: {reason}")]
    NotPem { reason: &'static str },
    #[error("the CA bundle contains no certificate that can be a trust anchor")]
    NoRoots,
    #[error(
        "{url} is plain HTTP and not on this machine: credentials and states would be sent \
         unencrypted"
    )]
    InTheClear { url: String },
    #[error(
        "the system has no trusted certificates; install the package `ca-certificates`, or set \
         AWS_CA_BUNDLE to a file"
    )]
    NoSystemRoots,
}

/// Returns a client that all service clients share; it keeps connections open between calls.
///
/// `ca_bundle` is the content of a PEM file that is trusted *instead of* the system's roots, as
/// `AWS_CA_BUNDLE` in the AWS CLI and other SDKs. The system's roots are loaded at the first call,
/// so that a command without calls does not load them.
///
/// # Errors
/// If the bundle is invalid or empty. Missing system roots are an error of the call.
pub fn http_client(
    ca_bundle: Option<&[u8]>,
    proxy: ProxyPolicy,
) -> Result<SharedHttpClient, HttpError> {
    let roots = TrustRoots::new(ca_bundle)?;
    Ok(SharedHttpClient::new(PooledClient {
        roots,
        proxy,
        connectors: Mutex::default(),
    }))
}

/// Returns a connector for single requests outside the API of a service.
///
/// # Errors
/// As [`http_client`], and if the system has no roots.
pub fn connector(
    ca_bundle: Option<&[u8]>,
    proxy: ProxyPolicy,
    settings: &HttpConnectorSettings,
) -> Result<SharedHttpConnector, HttpError> {
    Ok(connect(TrustRoots::new(ca_bundle)?.pem()?, proxy, settings))
}

/// A connection pool for each pair of time-outs; in practice one.
#[derive(Debug)]
struct PooledClient {
    roots: TrustRoots,
    proxy: ProxyPolicy,
    connectors: Mutex<Vec<(ClientTimeouts, SharedHttpConnector)>>,
}

type ClientTimeouts = (Option<Duration>, Option<Duration>);

impl HttpClient for PooledClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self
            .connectors
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, connector)) = connectors.iter().find(|(known, _)| *known == timeouts) {
            return connector.clone();
        }
        let (roots, proxy, settings) = (self.roots.clone(), self.proxy, settings.clone());
        let connector = SharedHttpConnector::new(HttpConnectors {
            roots,
            proxy,
            settings,
            direct: OnceLock::default(),
            elsewhere: OnceLock::default(),
        });
        connectors.push((timeouts, connector.clone()));
        connector
    }
}

/// The connectors to this machine and to other hosts: in practice one of them.
#[derive(Debug)]
struct HttpConnectors {
    roots: TrustRoots,
    proxy: ProxyPolicy,
    settings: HttpConnectorSettings,
    direct: OnceLock<SharedHttpConnector>,
    elsewhere: OnceLock<SharedHttpConnector>,
}

impl HttpConnector for HttpConnectors {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let signed = request
            .headers()
            .get("authorization")
            .is_some_and(|header| header.starts_with("AWS4"));
        let connector = match Transport::of(request.uri(), signed) {
            Transport::Direct => {
                let make =
                    || SharedHttpConnector::new(CallLimit::new(self.make(ProxyPolicy::Direct)));
                self.direct.get_or_init(make)
            }
            Transport::Elsewhere => self.elsewhere.get_or_init(|| self.make(self.proxy)),
            Transport::InTheClear => {
                return UnusableClient(HttpError::InTheClear {
                    url: endpoint(request.uri()),
                })
                .call(request);
            }
        };
        log::call(connector, request)
    }
}

impl HttpConnectors {
    fn make(&self, proxy: ProxyPolicy) -> SharedHttpConnector {
        match self.roots.pem() {
            Ok(pem) => SharedHttpConnector::new(ConnectLimit(connect(pem, proxy, &self.settings))),
            Err(error) => SharedHttpConnector::new(UnusableClient(error)),
        }
    }
}

fn connect(
    pem: &[u8],
    proxy: ProxyPolicy,
    settings: &HttpConnectorSettings,
) -> SharedHttpConnector {
    let tls = TlsContext::builder()
        .with_trust_store(TrustStore::empty().with_pem_certificate(pem))
        .build()
        .expect("a trust store alone is a valid context");
    let proxy = match proxy {
        ProxyPolicy::FromEnvironment => ProxyConfig::from_env(),
        ProxyPolicy::Direct => ProxyConfig::disabled(),
    };
    let mut builder = Connector::builder()
        .connector_settings(settings.clone())
        .proxy_config(proxy);
    builder.set_sleep_impl(default_async_sleep());
    SharedHttpConnector::new(
        builder
            .tls_provider(Provider::rustls(CryptoMode::AwsLc))
            .tls_context(tls)
            .build(),
    )
}

/// Returns the same error for every call.
#[derive(Debug)]
struct UnusableClient(HttpError);

impl HttpConnector for UnusableClient {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Err(ConnectorError::user(Box::new(self.0.clone()))))
    }
}

/// Trusted roots as PEM in which every certificate is known to be valid: the connector panics on
/// invalid ones.
#[derive(Clone)]
enum TrustRoots {
    Bundle(Arc<[u8]>),
    System(Arc<OnceLock<Result<Vec<u8>, HttpError>>>),
}

impl TrustRoots {
    fn new(ca_bundle: Option<&[u8]>) -> Result<Self, HttpError> {
        let Some(bundle) = ca_bundle else {
            return Ok(Self::System(Arc::default()));
        };
        let certificates = CertificateDer::pem_slice_iter(bundle)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| HttpError::NotPem {
                reason: fault(&error),
            })?;
        usable(certificates)
            .map(|pem| Self::Bundle(pem.into()))
            .ok_or(HttpError::NoRoots)
    }

    fn pem(&self) -> Result<&[u8], HttpError> {
        match self {
            Self::Bundle(pem) => Ok(pem),
            Self::System(roots) => {
                let load = || {
                    usable(rustls_native_certs::load_native_certs().certs)
                        .ok_or(HttpError::NoSystemRoots)
                };
                roots.get_or_init(load).as_deref().map_err(Clone::clone)
            }
        }
    }
}

impl fmt::Debug for TrustRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bundle(_) => "Bundle",
            Self::System(_) => "System",
        })
    }
}

/// Describes the error without its bytes.
fn fault(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end",
        pem::Error::IllegalSectionStart { .. } => "the first line of a section is not valid",
        pem::Error::Base64Decode(_) => "a section is not valid base64",
        pem::Error::SectionTooLarge => "a section is too large",
        _ => "it cannot be read",
    }
}

/// Bundles may contain certificates that rustls does not support (X.509 v1, unusual extensions):
/// these are skipped, if others remain.
fn usable(certificates: Vec<CertificateDer<'static>>) -> Option<Vec<u8>> {
    let mut pem = String::new();
    for certificate in certificates {
        let encoded = base64::encode(&certificate);
        if RootCertStore::empty().add(certificate).is_ok() {
            pem.extend([
                "-----BEGIN CERTIFICATE-----\n",
                &encoded,
                "\n-----END CERTIFICATE-----\n",
            ]);
        }
    }
    (!pem.is_empty()).then_some(pem.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> String {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.self_signed(&key).expect("a certificate").pem()
    }

    fn error(bundle: &str) -> HttpError {
        http_client(Some(bundle.as_bytes()), ProxyPolicy::Direct).expect_err("a broken bundle")
    }

    #[test]
    fn a_bundle_that_is_no_pem_or_has_no_certificate_is_an_error_and_not_a_panic() {
        assert_eq!(error(""), HttpError::NoRoots);
        assert_eq!(error("not a certificate"), HttpError::NoRoots);
        assert_eq!(
            error("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            HttpError::NoRoots
        );
        assert!(matches!(
            error("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n"),
            HttpError::NotPem { .. }
        ));
        assert!(matches!(
            error("-----BEGIN CERTIFICATE-----\nAAAA\n"),
            HttpError::NotPem { .. }
        ));
        for private in [
            "-----BEGIN 7071\nAAAA\n",
            "-----BEGIN CERTIFICATE-----\nAA7071*\n-----END CERTIFICATE-----\n",
        ] {
            let said = error(private);
            let said = format!("{said} {said:?}");
            // Neither as text nor as numbers: `7` is 55.
            assert!(!said.contains("7071") && !said.contains("55"), "{said}");
        }
    }

    #[test]
    fn what_cannot_be_a_root_is_left_out_of_a_bundle_with_others() {
        let bundle = format!(
            "# comment\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{}",
            root()
        );
        let roots = TrustRoots::new(Some(bundle.as_bytes())).expect("one root");
        let kept = CertificateDer::pem_slice_iter(roots.pem().expect("a bundle")).count();
        assert_eq!(kept, 1);
        // Would panic on an invalid certificate.
        connector(
            Some(bundle.as_bytes()),
            ProxyPolicy::Direct,
            &HttpConnectorSettings::default(),
        )
        .expect("a connector");
    }

    #[test]
    fn system_roots_are_not_loaded_before_the_first_call() {
        let TrustRoots::System(loaded) = TrustRoots::new(None).expect("nothing to check") else {
            panic!("not the system's")
        };
        assert!(loaded.get().is_none());
    }

    /// Regardless of the source of the endpoint: a variable, a profile, a login.
    #[tokio::test]
    async fn nothing_leaves_in_the_clear() {
        let ways = |settings| HttpConnectors {
            roots: TrustRoots::new(None).expect("nothing to check"),
            proxy: ProxyPolicy::FromEnvironment,
            settings,
            direct: OnceLock::default(),
            elsewhere: OnceLock::default(),
        };
        let mut request = HttpRequest::empty();
        request
            .set_uri("http://192.0.2.1:8000/?token=secret")
            .expect("a URI");
        let error = ways(HttpConnectorSettings::default())
            .call(request)
            .await
            .expect_err("not on this machine");
        let shown = std::error::Error::source(&error)
            .expect("a reason")
            .to_string();
        assert!(
            shown.starts_with("http://192.0.2.1:8000 is plain HTTP") && !shown.contains("secret"),
            "{shown}"
        );
    }

    #[tokio::test]
    async fn without_roots_every_call_says_why() {
        let request = HttpRequest::empty();
        let error = UnusableClient(HttpError::NoSystemRoots)
            .call(request)
            .await
            .expect_err("no roots");
        let shown = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(
            shown.as_deref(),
            Some(HttpError::NoSystemRoots.to_string().as_str())
        );
    }
}
