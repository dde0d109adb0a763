//! There is no network, or nobody at the end of it: the host is named before anybody wonders.

use std::{
    iter,
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::LINE;
use crate::support::{ports::free_port, program::Place};

/// Stated in `docs/internals/reliability.md`.
const SOON: Duration = Duration::from_secs(15);

/// Takes no further connection, as a host does that nothing gets through to: all that can wait for
/// it do.
fn full() -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let waiting =
        iter::from_fn(|| TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok())
            .take(10_000)
            .collect();
    (listener, waiting)
}

#[test]
fn who_refuses_who_swallows_and_who_has_no_address_are_named_in_time() {
    let (listener, waiting) = full();
    let swallows = listener.local_addr().expect("an address").to_string();
    let refuses = format!("127.0.0.1:{}", free_port());
    thread::scope(|scope| {
        for (scheme, host, why) in [
            (
                "http",
                &*refuses,
                "tcp connect error: Connection refused (os error 111)",
            ),
            (
                "http",
                &swallows,
                "HTTP connect timeout occurred after 3.1s",
            ),
            ("https", "nowhere.invalid", "dns error"),
        ] {
            scope.spawn(move || {
                let mut place = Place::at(&format!("{scheme}://{host}"));
                place.vars.remove("AWS_MAX_ATTEMPTS");
                let begun = Instant::now();
                let said = place.bootstrap(&format!("{LINE} -y"));
                assert!(begun.elapsed() < SOON, "{host}: {:?}", begun.elapsed());
                let refusal = said
                    .refusal()
                    .replace("ENDPOINT", &format!("{scheme}://{host}"));
                assert!(
                    refusal.starts_with("1\nerror: cannot reach AWS\n"),
                    "{refusal}"
                );
                assert!(
                    refusal.contains(&format!("no connection to {host}: {why}")),
                    "{refusal}"
                );
                assert!(refusal.contains("hint: is the network up"), "{refusal}");
            });
        }
    });
    assert!(!waiting.is_empty());
}
