//! Limits connection attempts, and reports the host of a failed connection.
//!
//! The SDK would retry as often as for throttling, which takes a minute with a host that drops
//! packets.

use std::{error::Error, fmt, io, iter::successors, time::Duration};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use hyper_util::client::legacy;

/// A lost SYN packet is sent again after one second and after three.
pub const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);
/// Attempts for a host that refuses connections or has no address: three seconds, with delays.
const REFUSALS: u32 = 5;
/// Attempts for a host that drops packets: ten seconds.
const TIMEOUTS: u32 = 3;

/// Makes an error final after a few connection attempts.
#[derive(Clone, Debug)]
pub(super) struct ConnectLimit(pub SharedHttpConnector);

impl HttpConnector for ConnectLimit {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.0.clone();
        HttpConnectorFuture::new(async move {
            let (host, tries) = (host(&request), Attempt::of(&request));
            connector
                .call(request)
                .await
                .map_err(|error| match why(&error) {
                    // Of a kind that the SDK does not retry.
                    Some(_) if tries.is_last(&error) => {
                        ConnectorError::other(Box::new(Unreachable { host, error }), None)
                    }
                    _ => error,
                })
        })
    }
}

/// The attempt header of the SDK: `attempt=1; max=10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Attempt {
    attempt: u32,
    max: u32,
}

impl Attempt {
    /// A request without a counter is not retried.
    fn of(request: &HttpRequest) -> Self {
        let header = request.headers().get("amz-sdk-request").unwrap_or_default();
        let number = |name| {
            header.split(';').find_map(|part| {
                part.trim()
                    .strip_prefix(name)?
                    .strip_prefix('=')?
                    .parse()
                    .ok()
            })
        };
        Self {
            attempt: number("attempt").unwrap_or(1),
            max: number("max").unwrap_or(1),
        }
    }

    fn is_last(self, error: &ConnectorError) -> bool {
        self.attempt
            >= self.max.min(if error.is_timeout() {
                TIMEOUTS
            } else {
                REFUSALS
            })
    }
}

fn host(request: &HttpRequest) -> String {
    let uri = request.uri();
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default().to_owned()
}

/// No connection to the host, after all attempts.
#[derive(Debug)]
pub struct Unreachable {
    host: String,
    error: ConnectorError,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection to {}", self.host)
    }
}

impl Error for Unreachable {
    /// Returns the cause, without the client's own text about the connection.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        why(&self.error)
    }
}

impl Unreachable {
    /// Returns the root cause of an error, if it has this type.
    pub fn in_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        chain(error).find_map(|error| error.downcast_ref())
    }
}

/// Why a host gave no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoResponse {
    /// It did not respond in time: packets are dropped, or the server hangs.
    TimedOut,
    /// Its name has no address.
    UnknownName,
    /// The connection was rejected, or ended before the response.
    Refused,
    /// Its certificate is not trusted, or is for another name.
    Distrusted,
    /// It does not speak TLS as it must.
    Tls,
    Other,
}

impl NoResponse {
    pub(in crate::backend::aws) fn of(error: &ConnectorError) -> Self {
        if let Some(unreachable) = Unreachable::in_error(error) {
            return Self::of(&unreachable.error);
        }
        if error.is_timeout() {
            return Self::TimedOut;
        }
        chain(error)
            .find_map(Self::of_cause)
            .unwrap_or(if error.is_io() {
                Self::Refused
            } else {
                Self::Other
            })
    }

    fn of_cause(cause: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(error) = tls_error(cause) {
            return Some(match error {
                rustls::Error::InvalidCertificate(_) => Self::Distrusted,
                _ => Self::Tls,
            });
        }
        // The client has no public type for it.
        (cause.to_string() == "dns error").then_some(Self::UnknownName)
    }
}

/// An I/O error carries the error of TLS inside, and not as its source.
fn tls_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    cause.downcast_ref().or_else(|| {
        let inner: &(dyn Error + 'static) = cause.downcast_ref::<io::Error>()?.get_ref()?;
        tls_error(inner)
    })
}

/// Returns why there was no connection, if that is the cause.
fn why(error: &ConnectorError) -> Option<&(dyn Error + 'static)> {
    let error = chain(error)
        .filter_map(|error| error.downcast_ref::<legacy::Error>())
        .find(|error| error.is_connect())?;
    error.source()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::backend::aws::http::{ProxyPolicy, http_client};
    use aws_smithy_runtime_api::client::{
        http::{HttpClient, HttpConnectorSettings},
        runtime_components::RuntimeComponentsBuilder,
    };

    fn request(url: &str, header: &str) -> HttpRequest {
        let mut request = HttpRequest::get(url).expect("a request");
        request
            .headers_mut()
            .insert("amz-sdk-request", header.to_owned());
        request
    }

    /// The error of a call to a closed port.
    async fn refused(port: u16, header: &str) -> ConnectorError {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .build();
        let components = RuntimeComponentsBuilder::for_tests()
            .build()
            .expect("components");
        let connector = http_client(None, ProxyPolicy::Direct)
            .expect("a client")
            .http_connector(&settings, &components);
        let request = request(&format!("http://127.0.0.1:{port}/bucket?policy"), header);
        connector
            .call(request)
            .await
            .expect_err("the port is closed")
    }

    #[tokio::test]
    async fn the_last_try_names_the_host_and_is_the_last() {
        let port = TcpListener::bind("127.0.0.1:0")
            .expect("a port")
            .local_addr()
            .expect("an address")
            .port();
        for header in ["attempt=1; max=10", "attempt=4; max=10"] {
            let error = refused(port, header).await;
            assert!(
                error.is_io() && Unreachable::in_error(&error).is_none(),
                "it is tried again: {error:?}"
            );
        }
        for header in [
            "attempt=5; max=10",
            "attempt=1; max=1",
            "attempt=2; max=2",
            "",
        ] {
            let error = refused(port, header).await;
            assert!(
                error.is_other() && error.as_other().is_none(),
                "the SDK does not try again: {error:?}"
            );
            let text = chain(Unreachable::in_error(&error).expect("why"))
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(": ");
            assert!(
                text.starts_with(&format!(
                    "no connection to 127.0.0.1:{port}: tcp connect error: Connection refused"
                )),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn the_reason_of_no_response_is_told_apart() {
        let port = TcpListener::bind("127.0.0.1:0")
            .expect("a port")
            .local_addr()
            .expect("an address")
            .port();
        for header in ["", "attempt=1; max=10"] {
            let error = refused(port, header).await;
            assert_eq!(NoResponse::of(&error), NoResponse::Refused, "{error:?}");
        }
        let tls = |error: rustls::Error| {
            let nested = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error));
            NoResponse::of(&ConnectorError::io(nested.into()))
        };
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert_eq!(tls(unknown), NoResponse::Distrusted);
        assert_eq!(
            tls(rustls::Error::DecryptError),
            NoResponse::Tls,
            "a server that speaks another protocol"
        );
        assert_eq!(
            NoResponse::of(&ConnectorError::timeout("late".into())),
            NoResponse::TimedOut
        );
        assert_eq!(
            NoResponse::of(&ConnectorError::user("none".into())),
            NoResponse::Other
        );
    }

    #[test]
    fn a_host_that_swallows_is_tried_less_often() {
        let (refused, swallowed) = (
            ConnectorError::io("no".into()),
            ConnectorError::timeout("late".into()),
        );
        let last = |header| {
            let tries = Attempt::of(&request("http://localhost/", header));
            (tries.is_last(&refused), tries.is_last(&swallowed))
        };
        assert_eq!(last("attempt=2; max=10"), (false, false));
        assert_eq!(last("attempt=3; max=10"), (false, true));
        assert_eq!(last("attempt=5; max=10"), (true, true));
    }

    #[test]
    fn a_host_is_named_with_its_port() {
        let of = |url| host(&request(url, ""));
        assert_eq!(
            of("https://sts.eu-west-1.amazonaws.com/"),
            "sts.eu-west-1.amazonaws.com"
        );
        assert_eq!(of("http://[::1]:8000?list-type=2"), "[::1]:8000");
    }
}
