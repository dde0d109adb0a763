//! What a command is busy with is said in a terminal once it takes longer than a moment, and
//! nothing of it is left.

use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Gate, Proxy, Reply},
    terminal::Terminal,
};

const LINE: &str = "--env prod --project acme --region eu-west-1 --encryption sse-s3 --trail off \
                    --alarms=false --policy=false --access-logs=false --ephemeral";
const NAMED: &str = "--env prod --project acme --region eu-west-1";

/// A place with a backend, in which calls of one operation wait.
async fn waiting_at(operation: &'static str) -> (Emulator, Place, Gate, Proxy) {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    let said = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    let gate = Gate::default();
    let there = gate.clone();
    let proxy = Proxy::start(Some(&emulator), move |call, _| {
        if call.operation == operation {
            Reply::Wait(there.clone())
        } else {
            Reply::Forward
        }
    });
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    (emulator, place, gate, proxy)
}

async fn is_said(command: &str, operation: &'static str, text: &str) {
    let (_emulator, place, gate, _proxy) = waiting_at(operation).await;
    let line = format!("{command} {NAMED}");
    let args: Vec<&str> = line.split(' ').collect();
    let mut terminal = Terminal::start(&place, &args);
    terminal.wait_for(text);
    gate.open();
    terminal.end();
    let screen = terminal.screen();
    assert!(!screen.contains(text), "{screen}");
}

#[tokio::test]
async fn connection_is_waited_for() {
    is_said("verify", "GetCallerIdentity", "connecting to AWS").await;
}

#[tokio::test]
async fn backend_is_checked() {
    is_said("verify", "GetBucketVersioning", "checking the backend").await;
}

#[tokio::test]
async fn backend_is_read() {
    is_said("plan", "GetBucketVersioning", "reading the backend").await;
}

#[tokio::test]
async fn states_and_locks_are_counted() {
    let what = "counting states and locks";
    is_said("teardown --plan", "ListObjectVersions", what).await;
}

/// A terminal that moves no cursor would show each turn of it.
#[tokio::test]
async fn dumb_terminal_and_quiet_have_no_spinner() {
    let (_emulator, place, gate, _proxy) = waiting_at("GetCallerIdentity").await;
    let line = format!("verify {NAMED}");
    let args: Vec<&str> = line.split(' ').collect();
    let quiet = [&args[..], &["--quiet"]].concat();
    let mut dumb = Terminal::start_in(&place, &args, 80, "dumb");
    let mut silent = Terminal::start_in(&place, &quiet, 80, "xterm-256color");
    // Its lines would be broken, and only the last row taken away.
    let mut narrow = Terminal::start_in(&place, &args, 30, "xterm-256color");
    gate.wait_for_a_caller();
    std::thread::sleep(std::time::Duration::from_secs(1));
    gate.open();
    for terminal in [&mut dumb, &mut silent, &mut narrow] {
        terminal.end();
        let raw = terminal.raw();
        assert!(!raw.contains("connecting"), "{raw}");
    }
}
