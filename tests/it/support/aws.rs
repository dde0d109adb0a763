//! The library's own clients for an emulator, as its administrator.

use tfbackend::aws::{
    Aws,
    caller::Caller,
    clients::{Clients, Connection, connect},
    http::{self, Proxy},
    ownership::Mark,
};

use super::emulator::Emulator;

pub async fn aws(emulator: &Emulator) -> Aws {
    at(emulator, emulator.endpoint()).await
}

/// By way of an endpoint that the emulator is behind.
pub async fn at(emulator: &Emulator, endpoint: &str) -> Aws {
    let ca = std::fs::read(emulator.ca_file()).expect("a CA");
    let connection = Connection {
        region: Some(emulator.region().to_owned()),
        endpoint_url: Some(endpoint.to_owned()),
        credentials_file: Some(emulator.credentials_file().to_owned()),
        ..Connection::default()
    };
    let client = http::http_client(Some(&ca), Proxy::Direct).expect("a client");
    let clients = Clients::new(&connect(&connection, client, &|_| None).await.expect("connected"));
    let caller = Caller::ask(&clients).await.expect("a caller");
    let mark = Mark { project: "acme".to_owned(), env: "prod".to_owned() };
    Aws { clients, caller, region: emulator.region().to_owned(), mark }
}
