//! Ports of which each is one test's and nobody else's.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::Path,
    process,
    sync::Mutex,
};

/// Below the ephemeral ports, any of which the next connection may have, and beside those that a
/// sandbox chooses from.
const FIRST: u32 = 20_000;
const COUNT: u32 = 10_000;

/// Locked until this process ends, so that no other takes the port between its choice and its use,
/// or in a pause.
static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A port on loopback that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let locks = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ports");
    fs::create_dir_all(&locks).expect("a folder");
    let mut held = HELD.lock().expect("the ports");
    // Those who begin at the same time begin at different ports.
    let start = process::id() * 31;
    for offset in 0..COUNT {
        let port = u16::try_from(FIRST + (start + offset) % COUNT).expect("a port");
        let file = File::create(locks.join(port.to_string())).expect("a lock");
        if file.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            held.push(file);
            return port;
        }
    }
    panic!("no port is free");
}

#[test]
fn no_port_is_given_out_twice() {
    let ports: Vec<u16> = (0..20).map(|_| free_port()).collect();
    let all: std::collections::BTreeSet<&u16> = ports.iter().collect();
    assert_eq!(all.len(), ports.len(), "{ports:?}");
    let taken = File::open(
        Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("ports")
            .join(ports[0].to_string()),
    )
    .expect("a lock");
    taken
        .try_lock()
        .expect_err("another process does not get it either");
}
