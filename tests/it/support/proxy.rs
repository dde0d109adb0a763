//! An endpoint of the test's own before the emulator, or before nothing: it writes down each call, and whatever can
//! happen to a call on its way can be made to happen.

use std::{
    net::TcpListener,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use super::{emulator::Emulator, recorder::Call};

mod client;
mod failure;
mod faults;
mod gate;
mod server;

pub use client::Client;
pub use failure::Failure;
pub use faults::{Faults, Stale, Which};
pub use gate::Gate;
use server::{Behind, Server};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What becomes of a call.
pub enum Reply {
    /// The emulator answers.
    Forward,
    /// It is forwarded once the gate opens.
    Wait(Gate),
    /// It takes longer.
    Delay(Duration, Box<Reply>),
    Answer {
        status: u16,
        headers: &'static [(&'static str, &'static str)],
        body: String,
    },
    /// AWS says no, in the form that was asked in.
    Fail(Failure),
    /// The connection ends without an answer.
    Cut(When),
    /// The process that calls is killed.
    Kill(Client, When),
}

/// Whether AWS has acted already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

impl Reply {
    /// An error as the services with an XML API write it; S3 and STS differ in what is around it.
    pub fn xml(status: u16, code: &str, message: &str) -> Self {
        let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Self::Answer { status, headers: &[("content-type", "text/xml")], body: format!("<ErrorResponse>{error}</ErrorResponse>") }
    }

    /// The same as S3 does.
    pub fn s3(status: u16, code: &str, message: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Self::Answer { status, headers: &[("content-type", "application/xml")], body }
    }
}

/// A call, and when it came and was answered.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub call: Call,
    pub start: Instant,
    pub end: Option<Instant>,
}

type Rule = dyn Fn(&Call, &HttpRequest) -> Reply + Send + Sync;

pub struct Proxy {
    endpoint: String,
    server: Arc<Server>,
}

/// Ends with the process; each test is one.
impl Proxy {
    pub fn start(emulator: Option<&Emulator>, rule: impl Fn(&Call, &HttpRequest) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let behind = emulator.map(Behind::new);
        let server = Arc::new(Server { rule: Box::new(rule), behind, record: Mutex::default(), answered: Condvar::new() });
        let serving = Arc::clone(&server);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = Arc::clone(&serving);
                thread::spawn(move || server.serve(stream));
            }
        });
        Self { endpoint, server }
    }

    /// By rules.
    pub fn with(emulator: &Emulator, faults: Faults) -> Self {
        Self::start(Some(emulator), move |call, _| faults.reply(call))
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The operations since the last time, as in `sts:GetCallerIdentity`.
    pub fn take(&self) -> Vec<String> {
        self.take_record().iter().map(|exchange| exchange.call.name()).collect()
    }

    /// The calls since the last time, in the order in which they came.
    pub fn take_record(&self) -> Vec<Exchange> {
        let mut record = self.server.record.lock().expect("the record");
        record.taken += record.exchanges.len();
        std::mem::take(&mut record.exchanges)
    }

    /// Waits until all that was called is done, whether or not somebody still waits for the answer.
    pub fn wait_until_answered(&self) {
        let record = self.server.record.lock().expect("the record");
        let (_record, timeout) =
            self.server.answered.wait_timeout_while(record, PATIENCE, |record| record.under_way > 0).expect("the record");
        assert!(!timeout.timed_out(), "calls are not answered");
    }
}
