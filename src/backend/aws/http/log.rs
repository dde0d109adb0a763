//! Logs each call: the request, and the response with duration and request ID. Only the host of a
//! request and no body is logged, because both contain secrets.

use std::time::Instant;

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use tracing::{Level, debug, enabled};

use super::transport::endpoint;

/// The request ID headers of JSON and query services, and of S3.
const REQUEST_IDS: [&str; 2] = ["x-amzn-requestid", "x-amz-request-id"];

/// Sends a request. The operation is in the surrounding span, if any.
pub(super) fn call(connector: &SharedHttpConnector, request: HttpRequest) -> HttpConnectorFuture {
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
