//! SIGHUP, SIGINT and SIGTERM are one: while things are made, what runs is finished; while nothing
//! is changed, it ends at once.

use std::{
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Gate, Proxy, Reply},
    terminal::Terminal,
};

const LINE: &str = "--project acme --region eu-west-1 --encryption sse-s3 --trail off \
                    --alarms=false --policy=false --access-logs=false --ephemeral --parallelism 1";

fn signal(name: &str, child: &Child) {
    assert!(
        Command::new("kill")
            .args([name, &child.id().to_string()])
            .status()
            .expect("kill")
            .success()
    );
}

/// Calls of this name wait at the gate of the moment.
fn behind_gates(emulator: &Emulator, operation: &'static str) -> (Place, Arc<Mutex<Gate>>, Proxy) {
    let gate: Arc<Mutex<Gate>> = Arc::default();
    let here = Arc::clone(&gate);
    let proxy = Proxy::start(Some(emulator), move |call, _| {
        if call.operation == operation {
            Reply::Wait(here.lock().expect("a gate").clone())
        } else {
            Reply::Forward
        }
    });
    let mut place = Place::with(emulator);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    (place, gate, proxy)
}

#[tokio::test]
async fn each_signal_lets_what_runs_finish() {
    let emulator = Emulator::start().await;
    let (place, gate, _proxy) = behind_gates(&emulator, "CreateTable");
    for (env, name) in [("one", "-HUP"), ("two", "-INT"), ("three", "-TERM")] {
        *gate.lock().expect("a gate") = Gate::default();
        let line = format!("bootstrap --env {env} --out {env} {LINE} -y");
        let args: Vec<&str> = line.split_whitespace().collect();
        let child = place
            .command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let waits = gate.lock().expect("a gate").clone();
        waits.wait_for_a_caller();
        signal(name, &child);
        std::thread::sleep(Duration::from_millis(200));
        waits.open();
        let said = place.said(&child.wait_with_output().expect("it ends"));
        assert_eq!(said.code, Some(130), "{name}: {}", said.all());
        assert!(
            said.err.contains("✓ lock_table ")
                && said.err.contains("not started: lock_table/recovery"),
            "{name}: {}",
            said.all()
        );
        let again = place.run(&args);
        assert_eq!(again.code, Some(0), "{name}: {}", again.all());
    }
}

/// `nohup` starts it so: it outlives its terminal.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_run_that_ignores_hang_ups_is_not_hung_up() {
    let emulator = Emulator::start().await;
    let (place, gate, _proxy) = behind_gates(&emulator, "CreateTable");
    let line = format!("bootstrap --env one {LINE} -y");
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            "trap '' HUP; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_tfbackend"),
        ])
        .args(line.split_whitespace());
    shell
        .current_dir(place.path())
        .env_clear()
        .envs(&place.vars)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = shell.spawn().expect("a shell");
    let waits = gate.lock().expect("a gate").clone();
    waits.wait_for_a_caller();
    signal("-HUP", &child);
    std::thread::sleep(Duration::from_millis(200));
    waits.open();
    let said = place.said(&child.wait_with_output().expect("it ends"));
    assert_eq!(said.code, Some(0), "{}", said.all());
}

/// Nobody is left to answer.
#[test]
fn a_question_ends_with_its_terminal() {
    let place = Place::at("http://127.0.0.1:1");
    let mut terminal = Terminal::start(&place, &["config", "init"]);
    terminal.wait_for("Environment");
    assert!(
        Command::new("kill")
            .args(["-HUP", &terminal.pid().to_string()])
            .status()
            .expect("kill")
            .success()
    );
    assert_eq!(terminal.end(), 130, "{}", terminal.screen());
    assert!(!place.path().join("tfbackend.toml").exists());
}

/// The answer that is waited for never comes.
#[test]
fn a_command_that_only_reads_ends_at_once() {
    let proxy = Proxy::start(None, |call, _| {
        if call.service == "sts" {
            Reply::caller_identity()
        } else {
            Reply::Wait(Gate::default())
        }
    });
    let place = Place::at(proxy.endpoint());
    let env = "--env dev --project acme --region eu-west-1";
    let bucket = "--bucket states --region eu-west-1";
    for line in [
        format!("plan {env}"),
        format!("bootstrap {env} -y"),
        format!("verify {env}"),
        format!("verify {bucket}"),
        format!("teardown {env} --plan"),
        format!("self-check {env}"),
        format!("state list {bucket}"),
        format!("state versions {bucket} --key a.tfstate"),
        format!("state pull {bucket} --key a.tfstate --out pulled"),
        format!("state backup {bucket}"),
        format!("state restore {env} --serial 1 -y"),
        format!("state check {env}"),
        format!("lock list {bucket}"),
        format!("lock release {env} --id x -y"),
        format!("lock migrate {env} --to both -y"),
    ] {
        let args: Vec<&str> = line.split(' ').collect();
        let child = place
            .command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        // It looks, and it is this one: a call of the one before may come late.
        let mut calls = vec![];
        while calls
            .iter()
            .skip_while(|call: &&String| !call.starts_with("sts:"))
            .all(|call| call.starts_with("sts:"))
        {
            std::thread::sleep(Duration::from_millis(10));
            calls.extend(proxy.take());
        }
        signal("-HUP", &child);
        let said = place.said(&child.wait_with_output().expect("it ends"));
        assert!(
            said.code == Some(130) && said.err.contains("interrupted"),
            "{line}: {}",
            said.all()
        );
    }
    assert_eq!(
        std::fs::read_dir(place.path()).expect("a folder").count(),
        0
    );
}
