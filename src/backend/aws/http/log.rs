//! Each call as it is logged: sent, and what came back, after how long, under which request ID.
//! Nothing of a request but its host, and nothing of a body: both hold secrets.

use std::time::Instant;

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use tracing::{Level, debug, enabled};

use super::way::endpoint;

/// Of JSON and query services, and of S3.
const REQUEST_IDS: [&str; 2] = ["x-amzn-requestid", "x-amz-request-id"];

/// Sends a request. The operation is in the span around it, where there is one.
pub fn call(connector: &SharedHttpConnector, request: HttpRequest) -> HttpConnectorFuture {
    if !enabled!(Level::DEBUG) {
        return connector.call(request);
    }
    let host = endpoint(request.uri());
    debug!(host, "sent");
    let sent = Instant::now();
    let answer = connector.call(request);
    HttpConnectorFuture::new(async move {
        let answer = answer.await;
        let took = sent.elapsed();
        match &answer {
            Ok(response) => {
                let request_id = REQUEST_IDS
                    .into_iter()
                    .find_map(|name| response.headers().get(name))
                    .unwrap_or("none");
                debug!(
                    status = response.status().as_u16(),
                    ?took,
                    request_id,
                    "answered"
                );
            }
            Err(error) => debug!(%error, ?took, "failed"),
        }
        answer
    })
}
