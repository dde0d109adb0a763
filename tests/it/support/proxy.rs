//! An endpoint of the test's own before the emulator, or before nothing: it writes down each call,
//! and may answer itself, or wait.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use tfbackend::aws::http;
use tokio::runtime::Runtime;

use super::{
    emulator::Emulator,
    recorder::{Call, call},
};

/// What becomes of a call.
pub enum Reply {
    /// The emulator answers.
    Forward,
    /// It is forwarded once the gate opens.
    Wait(Gate),
    Answer {
        status: u16,
        headers: &'static [(&'static str, &'static str)],
        body: String,
    },
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

type Rule = dyn Fn(&Call, &HttpRequest) -> Reply + Send + Sync;

pub struct Proxy {
    endpoint: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

/// Ends with the process; each test is one.
impl Proxy {
    pub fn start(emulator: Option<&Emulator>, rule: impl Fn(&Call, &HttpRequest) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let behind = emulator.map(|emulator| Behind::new(emulator));
        let server = Arc::new(Server { calls: Arc::clone(&calls), rule: Box::new(rule), behind });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = Arc::clone(&server);
                thread::spawn(move || server.serve(stream));
            }
        });
        Self { endpoint, calls }
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The operations since the last time, as in `sts:GetCallerIdentity`.
    pub fn take(&self) -> Vec<String> {
        let calls = std::mem::take(&mut *self.calls.lock().expect("the calls"));
        calls.into_iter().map(|call| format!("{}:{}", call.service, call.operation)).collect()
    }
}

struct Server {
    calls: Arc<Mutex<Vec<Call>>>,
    rule: Box<Rule>,
    behind: Option<Behind>,
}

struct Behind {
    endpoint: String,
    connector: SharedHttpConnector,
    runtime: Runtime,
}

impl Behind {
    fn new(emulator: &Emulator) -> Self {
        let ca = std::fs::read(emulator.ca_file()).expect("a CA");
        let connector = http::connector(Some(&ca), http::Proxy::Direct, &HttpConnectorSettings::default()).expect("a connector");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        Self { endpoint: emulator.endpoint().to_owned(), connector, runtime }
    }
}

impl Server {
    /// Answers what comes over one connection. What goes wrong with it is for the program to find out.
    fn serve(&self, mut stream: TcpStream) {
        let Some(request) = read(&stream) else { return };
        let call = call(&request);
        self.calls.lock().expect("the calls").push(call.clone());
        let head = request.method() == "HEAD";
        let (status, headers, body) = match (self.rule)(&call, &request) {
            Reply::Answer { status, headers, body } => {
                (status, headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(), body.into_bytes())
            }
            Reply::Forward => self.forward(request),
            Reply::Wait(gate) => {
                gate.pass();
                self.forward(request)
            }
        };
        let mut answer = format!("HTTP/1.1 {status} Answer\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers.iter().filter(|(name, _)| !["content-length", "transfer-encoding", "connection"].contains(&&**name)) {
            answer.push_str(&format!("{name}: {value}\r\n"));
        }
        answer.push_str("\r\n");
        let body = if head { &[][..] } else { &body };
        let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.write_all(body));
    }

    fn forward(&self, mut request: HttpRequest) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let behind = self.behind.as_ref().unwrap_or_else(|| panic!("nobody answers {request:?}"));
        request.set_uri(format!("{}{}", behind.endpoint, request.uri())).expect("a URL");
        behind.runtime.block_on(async {
            let answer = behind.connector.call(request).await.expect("the emulator answers");
            let (status, headers) =
                (answer.status().as_u16(), answer.headers().iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect());
            let body = ByteStream::new(answer.into_body()).collect().await.expect("a body");
            (status, headers, body.to_vec())
        })
    }
}

fn read(stream: &TcpStream) -> Option<HttpRequest> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let (method, rest) = line.split_once(' ')?;
    let path = rest.split(' ').next()?;
    let mut headers = vec![];
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method(method).ok()?;
    request.set_uri(path).ok()?;
    for (name, value) in headers.into_iter().filter(|(name, _)| name != "connection") {
        request.headers_mut().append(name, value);
    }
    Some(request)
}

/// Shut until somebody opens it.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<Way>, Condvar)>);

#[derive(Default)]
struct Way {
    open: bool,
    waiting: usize,
}

impl Gate {
    pub fn open(&self) {
        self.0.0.lock().expect("a gate").open = true;
        self.0.1.notify_all();
    }

    /// Waits until a call stands before it.
    pub fn wait_for_somebody(&self) {
        let way = self.0.0.lock().expect("a gate");
        let (way, _) = self.0.1.wait_timeout_while(way, Duration::from_secs(60), |way| way.waiting == 0).expect("a gate");
        assert!(way.waiting > 0, "nobody came");
    }

    fn pass(&self) {
        let mut way = self.0.0.lock().expect("a gate");
        way.waiting += 1;
        self.0.1.notify_all();
        drop(self.0.1.wait_while(way, |way| !way.open).expect("a gate"));
    }
}
