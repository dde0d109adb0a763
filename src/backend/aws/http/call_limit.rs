//! Limits concurrent calls to a server on this machine, such as the sandbox or MinIO.
//!
//! A command starts dozens of reads at the same moment. Each would open a connection of its own,
//! and the TLS handshakes take longer than the reads where both ends share a few processors. AWS is
//! far away: there, a handshake is a wait and no work, and each service has a host of its own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use tokio::sync::Semaphore;

use super::transport::{endpoint, is_plain};

/// Concurrent calls to one server, and with HTTP/1.1 as many connections.
const MAX_CALLS: usize = 4;

/// Lets a call wait while [`MAX_CALLS`] others to its host have no response yet.
#[derive(Debug)]
pub(super) struct CallLimit {
    connector: SharedHttpConnector,
    hosts: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

impl CallLimit {
    pub(super) fn new(connector: SharedHttpConnector) -> Self {
        Self {
            connector,
            hosts: Mutex::default(),
        }
    }
}

impl HttpConnector for CallLimit {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.connector.clone();
        if is_plain(request.uri()) {
            return connector.call(request);
        }
        let host = self
            .hosts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(endpoint(request.uri()))
            .or_insert_with(|| Arc::new(Semaphore::new(MAX_CALLS)))
            .clone();
        HttpConnectorFuture::new(async move {
            let _permit = host.acquire().await.expect("it is never closed");
            connector.call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
        time::Duration,
    };

    use aws_smithy_runtime_api::{
        client::{
            http::{HttpClient, HttpConnectorSettings},
            runtime_components::RuntimeComponentsBuilder,
        },
        http::StatusCode,
    };
    use aws_smithy_types::body::SdkBody;
    use futures_util::future::join_all;
    use tokio::{
        net::TcpListener,
        time::{sleep, timeout},
    };

    use super::*;
    use crate::backend::aws::http::{ProxyPolicy, http_client};

    /// Counts its calls, and never answers those to the host `stuck`.
    #[derive(Clone, Debug, Default)]
    struct Counter {
        now: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
    }

    impl HttpConnector for Counter {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let Self { now, most } = self.clone();
            HttpConnectorFuture::new(async move {
                if request.uri().contains("//stuck/") {
                    std::future::pending::<()>().await;
                }
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                sleep(Duration::from_millis(10)).await;
                now.fetch_sub(1, SeqCst);
                let status = StatusCode::try_from(204).expect("a status");
                Ok(aws_smithy_runtime_api::http::Response::new(
                    status,
                    SdkBody::empty(),
                ))
            })
        }
    }

    fn get(url: &str) -> HttpRequest {
        HttpRequest::get(url).expect("a request")
    }

    #[tokio::test]
    async fn a_burst_to_one_host_takes_turns_and_holds_up_no_other() {
        let counter = Counter::default();
        let limit = CallLimit::new(SharedHttpConnector::new(counter.clone()));
        let stuck = join_all((0..50).map(|_| limit.call(get("https://stuck/a"))));
        let burst = join_all((0..50).map(|call| limit.call(get(&format!("https://here/{call}")))));
        tokio::select! {
            _ = stuck => panic!("no call ends there"),
            answers = timeout(Duration::from_secs(30), burst) => {
                assert!(answers.expect("in time").iter().all(Result::is_ok));
            }
        }
        assert_eq!(counter.most.load(SeqCst), MAX_CALLS);
    }

    /// All of the client: as many connections as calls at once, on which no handshake ever ends.
    #[tokio::test]
    async fn client_opens_few_connections_to_this_machine() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://{}/", listener.local_addr().expect("an address"));
        let components = RuntimeComponentsBuilder::for_tests()
            .build()
            .expect("components");
        let connector = http_client(None, ProxyPolicy::FromEnvironment)
            .expect("a client")
            .http_connector(&HttpConnectorSettings::default(), &components);
        let mut open = Vec::new();
        let calls = join_all((0..50).map(|_| connector.call(get(&url))));
        let accept = async {
            while let Ok(connection) = timeout(Duration::from_millis(500), listener.accept()).await
            {
                open.push(connection.expect("a connection"));
            }
        };
        tokio::select! {
            _ = calls => panic!("no call ends there"),
            () = accept => {}
        }
        assert_eq!(open.len(), MAX_CALLS);
    }

    #[tokio::test]
    async fn without_tls_none_waits() {
        let counter = Counter::default();
        let limit = CallLimit::new(SharedHttpConnector::new(counter.clone()));
        join_all((0..50).map(|_| limit.call(get("http://here/")))).await;
        assert_eq!(counter.most.load(SeqCst), 50);
    }

    #[tokio::test]
    async fn a_call_that_was_given_up_makes_room() {
        let limit = CallLimit::new(SharedHttpConnector::new(Counter::default()));
        let stuck = join_all((0..MAX_CALLS).map(|_| limit.call(get("https://stuck/a"))));
        assert!(timeout(Duration::from_millis(20), stuck).await.is_err());
        let next = join_all((0..MAX_CALLS).map(|_| limit.call(get("https://stuck/a"))));
        assert!(timeout(Duration::from_millis(20), next).await.is_err());
        assert_eq!(
            limit.hosts.lock().expect("no panic")["https://stuck"].available_permits(),
            MAX_CALLS
        );
    }
}
