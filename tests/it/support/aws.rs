//! What the library calls AWS with, for `prod` of `acme`, as an emulator's administrator.

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tfbackend::backend::aws::{
    AwsProvider,
    caller::Caller,
    clients::{Clients, ConnectionOptions, connect},
    http::{self, ProxyPolicy},
    ownership::EnvironmentId,
};

use super::emulator::Emulator;

/// The program's own HTTP client, which trusts the emulator.
pub(crate) fn http_client(emulator: &Emulator) -> SharedHttpClient {
    let ca = std::fs::read(emulator.ca_file()).expect("a CA");
    http::http_client(Some(&ca), ProxyPolicy::Direct).expect("a client")
}

pub(crate) async fn aws(emulator: &Emulator) -> AwsProvider {
    at(emulator, emulator.endpoint()).await
}

/// By way of an endpoint that the emulator is behind.
pub(crate) async fn at(emulator: &Emulator, endpoint: &str) -> AwsProvider {
    by(emulator, endpoint, http_client(emulator)).await
}

/// Over another client.
pub(crate) async fn over(emulator: &Emulator, client: SharedHttpClient) -> AwsProvider {
    by(emulator, emulator.endpoint(), client).await
}

async fn by(emulator: &Emulator, endpoint: &str, client: SharedHttpClient) -> AwsProvider {
    let connection = ConnectionOptions {
        region: Some(emulator.region().to_owned()),
        endpoint_url: Some(endpoint.to_owned()),
        credentials_file: Some(emulator.credentials_file().to_owned()),
        ..ConnectionOptions::default()
    };
    let clients = Clients::new(
        &connect(&connection, client, &|_| None)
            .await
            .expect("connected"),
    );
    let caller = Caller::ask(&clients).await.expect("a caller");
    let mark = EnvironmentId {
        project: "acme".to_owned(),
        env: "prod".to_owned(),
    };
    AwsProvider::new(clients, caller, emulator.region().to_owned(), mark)
}
