//! What is behind the proxy: requests handed on as they came, over connections that are kept.

use std::{path::Path, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, Uri,
    body::Bytes,
    header::{CONNECTION, HeaderMap, TRANSFER_ENCODING},
    http::{request::Parts, uri::Authority},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Shorter than the emulator keeps a connection on which nothing happens: it is never used in the
/// moment in which it ends.
const IDLE: Duration = Duration::from_secs(2);

pub(super) struct Behind {
    scheme: String,
    authority: Authority,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Behind {
    pub(super) fn new(endpoint: &str, ca_file: &Path) -> Self {
        let endpoint: Uri = endpoint.parse().expect("a URL");
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca_file).expect("a CA") {
            roots
                .add(certificate.expect("a certificate"))
                .expect("a root");
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        // HTTP/1.1 on both sides: what comes is handed on as it is.
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        let authority = endpoint.authority().expect("a host").clone();
        Self {
            scheme: endpoint.scheme_str().expect("a scheme").to_owned(),
            authority,
            client,
        }
    }

    /// The signature holds for the path and the host that the program called: both stay as they
    /// are.
    pub(super) async fn answer(&self, parts: Parts, body: Bytes) -> Response<Full<Bytes>> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri = Uri::builder()
            .scheme(&*self.scheme)
            .authority(self.authority.clone())
            .path_and_query(path);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = parts.method;
        *request.uri_mut() = uri.build().expect("a URL");
        *request.headers_mut() = end_to_end(parts.headers);
        let answer = match self.client.request(request).await {
            Ok(answer) => answer,
            Err(error) => return unanswered(&error.to_string()),
        };
        let (parts, body) = answer.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return unanswered(&error.to_string()),
        };
        let mut answer = Response::new(Full::new(body));
        *answer.status_mut() = parts.status;
        *answer.headers_mut() = end_to_end(parts.headers);
        answer
    }
}

/// Without what is about the connection.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [CONNECTION, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers
}

/// For whoever reads the failure of a test: there is no emulator any more.
fn unanswered(why: &str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(format!(
        "nothing answers behind the proxy: {why}"
    )));
    *answer.status_mut() = hyper::StatusCode::BAD_GATEWAY;
    answer
}
