//! Empties a bucket as `tfbackend teardown` does, and says what it took. The environment says where
//! and as whom.

use std::{env, fs, time::Instant};

use tfbackend::backend::aws::{
    AwsProvider,
    caller::Caller,
    clients::{Clients, ConnectionOptions, connect},
    http::{self, ProxyPolicy},
    ownership::EnvironmentId,
    teardown::empty::{AT_ONCE, BucketEmptier},
};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() {
    let bucket = env::args().nth(1).expect("the name of a bucket");
    let vars = |name: &str| env::var(name).ok();
    let client = http::http_client(None, ProxyPolicy::Direct).expect("a client");
    let clients = Clients::new(
        &connect(&ConnectionOptions::default(), client, &vars)
            .await
            .expect("a connection"),
    );
    let caller = Caller::ask(&clients).await.expect("credentials");
    let mark = EnvironmentId {
        project: "bench".to_owned(),
        env: "bench".to_owned(),
    };
    let aws = AwsProvider::new(
        clients,
        caller,
        vars("AWS_REGION").expect("AWS_REGION"),
        mark,
    );
    let emptying = BucketEmptier {
        aws: &aws,
        bucket: &bucket,
        owner: aws.account(),
        prefix: "",
        ours: &|_| true,
        until: None,
        parallelism: AT_ONCE,
        cancel: &CancellationToken::new(),
    };
    let started = Instant::now();
    let emptied = emptying.run(&mut |_| {}).await.expect("emptied");
    let took = started.elapsed();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or("unknown")
        .trim();
    println!(
        "{} versions, {} delete markers, {} calls, {took:.1?}, peak {peak}",
        emptied.versions, emptied.markers, emptied.calls
    );
}
