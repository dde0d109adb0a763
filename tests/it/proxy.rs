//! `make proxy`: the proxy of the tests, to be used by hand before the sandbox or whatever else
//! speaks as AWS does.

// What only tests use of it is not used here.
#![allow(dead_code, unused_imports)]

mod support {
    pub(crate) mod chain;
    pub(crate) mod proxy;
    pub(crate) mod recorder;
}

use std::{
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    thread,
};

use clap::Parser;
use support::proxy::{Exchange, Faults, Proxy, Upstream, written::Written};

/// Stand before an AWS emulator and make its calls late, fail or end, as rules say
#[derive(Parser)]
struct Args {
    /// What is behind it
    #[arg(long = "to", value_name = "URL", env = "AWS_ENDPOINT_URL")]
    endpoint: String,
    /// PEM file of the CA that signed its certificate
    #[arg(long = "ca", value_name = "FILE", env = "AWS_CA_BUNDLE")]
    ca_file: PathBuf,
    /// Port on 127.0.0.1 [default: a free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Decides what is left to chance [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// As in `kms:CreateKey nth=1 cut-after` or `s3: percent=30 fail=SlowDown`; the first one
    /// about a call counts
    #[arg(value_name = "RULE")]
    rules: Vec<Written>,
}

impl Upstream for Args {
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn ca_file(&self) -> &Path {
        &self.ca_file
    }
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    let faults = args
        .rules
        .iter()
        .fold(Faults::seeded(seed), |faults, rule| {
            rule.clone().add_to(faults)
        });
    let proxy = Proxy::watched(
        TcpListener::bind(("127.0.0.1", args.port))?,
        &args,
        faults,
        Box::new(show),
    );
    println!(
        "{} before {} (seed {seed})",
        proxy.endpoint(),
        args.endpoint
    );
    loop {
        thread::park();
    }
}

fn show(exchange: &Exchange) {
    let status = exchange
        .status
        .map_or("cut".to_owned(), |status| status.to_string());
    let took = exchange
        .end
        .map_or_else(Default::default, |end| end - exchange.start);
    println!(
        "{status} {:>6} ms  {}",
        took.as_millis(),
        exchange.call.name()
    );
}
