//! An endpoint of the test's own before the emulator, or before nothing: it writes down each call,
//! and whatever can happen to a call on its way can be made to happen. `make proxy` puts it before
//! the sandbox.

use std::{
    net::TcpListener,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use super::recorder::Call;

mod behind;
mod client;
mod failure;
mod faults;
mod gate;
mod memory;
mod record;
mod server;
pub(crate) mod written;

use behind::Behind;
pub(crate) use client::Client;
pub(crate) use failure::Failure;
pub(crate) use faults::{Faults, Stale, Which};
pub(crate) use gate::Gate;
use memory::Memory;
use record::Record;
use server::Server;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What becomes of a call.
pub(crate) enum Reply {
    /// The emulator answers.
    Forward,
    /// It is forwarded once the gate opens.
    Wait(Gate),
    /// The emulator answers, and this is what comes of its answer.
    Edit(fn(&str) -> String),
    /// It takes longer.
    Delay(Duration, Box<Reply>),
    Answer {
        status: u16,
        headers: &'static [(&'static str, &'static str)],
        body: String,
    },
    /// A read answers what it answered before the first write on the same service since, for this
    /// long after that write.
    Stale(Duration),
    /// S3 denies each object of a `DeleteObjects`, in an answer with 200.
    DenyObjects,
    /// AWS says no, in the form that was asked in.
    Fail(Failure),
    /// The connection ends without an answer.
    Cut(When),
    /// The process that calls is killed.
    Kill(Client, When),
}

/// Whether AWS has acted already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    After,
}

impl Reply {
    /// An error as the services with an XML API write it; S3 and STS differ in what is around it.
    pub(crate) fn xml(status: u16, code: &str, message: &str) -> Self {
        let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Self::Answer {
            status,
            headers: &[("content-type", "text/xml")],
            body: format!("<ErrorResponse>{error}</ErrorResponse>"),
        }
    }

    /// Who calls, as STS says it.
    pub(crate) fn caller_identity() -> Self {
        let who = "<Arn>arn:aws:iam::111122223333:user/me</Arn><UserId>ME</\
                   UserId><Account>111122223333</Account>";
        let body = format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult>{who}</GetCallerIdentityResult></\
             GetCallerIdentityResponse>"
        );
        Self::Answer {
            status: 200,
            headers: &[("content-type", "text/xml")],
            body,
        }
    }

    /// The same as S3 does.
    pub(crate) fn s3(status: u16, code: &str, message: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Self::Answer {
            status,
            headers: &[("content-type", "application/xml")],
            body,
        }
    }
}

/// A call, when it came, and when and with which status it was answered.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub call: Call,
    pub start: Instant,
    pub end: Option<Instant>,
    /// None where the connection was cut.
    pub status: Option<u16>,
}

/// What stands behind a proxy and speaks HTTP as AWS does.
pub(crate) trait Upstream {
    /// As in `https://127.0.0.1:14566`.
    fn endpoint(&self) -> &str;
    /// The PEM file of the CA that signed its certificate.
    fn ca_file(&self) -> &Path;
}

type Rule = dyn Fn(&Call, &HttpRequest) -> Reply + Send + Sync;
type Ended = dyn Fn(&Exchange) + Send + Sync;

pub(crate) struct Proxy {
    endpoint: String,
    server: Arc<Server>,
}

/// Ends with the process; each test is one.
impl Proxy {
    /// The rule may take its time, and block: it is asked on a thread of its own.
    pub(crate) fn start(
        upstream: Option<&dyn Upstream>,
        rule: impl Fn(&Call, &HttpRequest) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::on(free(), upstream, Box::new(rule), Box::new(|_| {}))
    }

    /// By rules.
    pub(crate) fn with(upstream: &dyn Upstream, faults: Faults) -> Self {
        Self::watched(free(), upstream, faults, Box::new(|_| {}))
    }

    /// By rules, and somebody looks on.
    pub(crate) fn watched(
        listener: TcpListener,
        upstream: &dyn Upstream,
        faults: Faults,
        ended: Box<Ended>,
    ) -> Self {
        Self::on(
            listener,
            Some(upstream),
            Box::new(move |call, _| faults.reply(call)),
            ended,
        )
    }

    fn on(
        listener: TcpListener,
        upstream: Option<&dyn Upstream>,
        rule: Box<Rule>,
        ended: Box<Ended>,
    ) -> Self {
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let behind = upstream.map(|upstream| Behind::new(upstream.endpoint(), upstream.ca_file()));
        let server = Arc::new(Server {
            rule,
            behind,
            memory: Memory::default(),
            record: Record::watched(ended),
        });
        let serving = Arc::clone(&server);
        // A test may block its own runtime.
        thread::spawn(move || serving.serve(listener));
        Self { endpoint, server }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The operations since the last time, as in `sts:GetCallerIdentity`.
    pub(crate) fn take(&self) -> Vec<String> {
        self.take_record()
            .iter()
            .map(|exchange| exchange.call.name())
            .collect()
    }

    /// The calls since the last time, in the order in which they came.
    pub(crate) fn take_record(&self) -> Vec<Exchange> {
        self.server.record.take()
    }

    /// Waits until all that was called is done, whether or not somebody still waits for the answer.
    pub(crate) fn wait_until_answered(&self) {
        self.server.record.wait_until_answered();
    }
}

fn free() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a port")
}
