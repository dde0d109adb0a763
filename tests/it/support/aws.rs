//! What the library calls AWS with, for `prod` of `acme`, as an emulator's administrator.

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tfbackend::aws::{
    Aws,
    caller::Caller,
    clients::{Clients, Connection, connect},
    http::{self, Proxy},
    ownership::Mark,
};

use super::emulator::Emulator;

/// The program's own HTTP client, which trusts the emulator.
pub fn http_client(emulator: &Emulator) -> SharedHttpClient {
    let ca = std::fs::read(emulator.ca_file()).expect("a CA");
    http::http_client(Some(&ca), Proxy::Direct).expect("a client")
}

pub async fn aws(emulator: &Emulator) -> Aws {
    over(emulator, http_client(emulator)).await
}

/// The same, over another client.
pub async fn over(emulator: &Emulator, client: SharedHttpClient) -> Aws {
    let region = emulator.region().to_owned();
    let connection = Connection {
        region: Some(region.clone()),
        endpoint_url: Some(emulator.endpoint().to_owned()),
        credentials_file: Some(emulator.credentials_file().to_owned()),
        profile: None,
    };
    let clients = Clients::new(&connect(&connection, client, &|_| None).await.expect("connected"));
    let caller = Caller::ask(&clients).await.expect("a caller");
    let mark = Mark { project: "acme".to_owned(), env: "prod".to_owned() };
    Aws { clients, caller, region, mark }
}
