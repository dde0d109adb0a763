//! An endpoint of the test's own before the emulator, or before nothing: it writes down each call,
//! and may answer itself, or wait.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{
    emulator::Emulator,
    recorder::{Call, call},
};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

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
    server: Arc<Server>,
}

/// Ends with the process; each test is one.
impl Proxy {
    pub fn start(emulator: Option<&Emulator>, rule: impl Fn(&Call, &HttpRequest) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let behind = emulator.map(Behind::new);
        let server = Arc::new(Server {
            calls: Mutex::default(),
            under_way: Mutex::default(),
            answered: Condvar::new(),
            rule: Box::new(rule),
            behind,
        });
        let serving = Arc::clone(&server);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = Arc::clone(&serving);
                thread::spawn(move || server.serve(stream));
            }
        });
        Self { endpoint, server }
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The operations since the last time, as in `sts:GetCallerIdentity`.
    pub fn take(&self) -> Vec<String> {
        let calls = std::mem::take(&mut *self.server.calls.lock().expect("the calls"));
        calls.into_iter().map(|call| format!("{}:{}", call.service, call.operation)).collect()
    }

    /// Waits until all that was called is done, whether or not somebody still waits for the answer.
    pub fn wait_until_answered(&self) {
        let under_way = self.server.under_way.lock().expect("a count");
        let (left, _) = self.server.answered.wait_timeout_while(under_way, PATIENCE, |left| *left > 0).expect("a count");
        assert_eq!(*left, 0, "calls are not answered");
    }
}

struct Server {
    calls: Mutex<Vec<Call>>,
    under_way: Mutex<usize>,
    answered: Condvar,
    rule: Box<Rule>,
    behind: Option<Behind>,
}

struct Behind {
    address: String,
    tls: Arc<ClientConfig>,
}

impl Behind {
    fn new(emulator: &Emulator) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(emulator.ca_file()).expect("a CA")).expect("a root");
        // Without ALPN, so that it is HTTP/1.1: what comes is handed on as it is.
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address: emulator.endpoint().strip_prefix("https://").expect("TLS").to_owned(), tls: Arc::new(tls) }
    }

    /// The emulator's answer, head and all. The signature holds for the host that the program called, which stays.
    fn answer(&self, request: &HttpRequest) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", request.method(), request.uri()).into_bytes();
        for (name, value) in request.headers() {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(request.body().bytes().expect("a body"));
        let connection = ClientConnection::new(Arc::clone(&self.tls), "127.0.0.1".try_into().expect("a name")).expect("a connection");
        let mut stream = StreamOwned::new(connection, TcpStream::connect(&self.address).expect("the emulator"));
        stream.write_all(&bytes).expect("sent");
        let mut answer = vec![];
        // It ends the connection without a word, as many do.
        match stream.read_to_end(&mut answer) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => panic!("{error}"),
            _ => answer,
        }
    }
}

impl Server {
    /// Answers what comes over one connection. What goes wrong with it is for the program to find out.
    fn serve(&self, mut stream: TcpStream) {
        let Some(request) = read(&stream) else { return };
        *self.under_way.lock().expect("a count") += 1;
        let answer = self.answer(&request);
        *self.under_way.lock().expect("a count") -= 1;
        self.answered.notify_all();
        // Whoever asked may be gone.
        let _ = stream.write_all(&answer);
    }

    fn answer(&self, request: &HttpRequest) -> Vec<u8> {
        let call = call(request);
        self.calls.lock().expect("the calls").push(call.clone());
        match (self.rule)(&call, request) {
            Reply::Answer { status, headers, body } => {
                let mut answer = format!("HTTP/1.1 {status} Answer\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
                headers.iter().for_each(|(name, value)| answer.push_str(&format!("{name}: {value}\r\n")));
                let body = if request.method() == "HEAD" { "" } else { &body };
                format!("{answer}\r\n{body}").into_bytes()
            }
            Reply::Forward => self.forward(request),
            Reply::Wait(gate) => {
                gate.pass();
                self.forward(request)
            }
        }
    }

    fn forward(&self, request: &HttpRequest) -> Vec<u8> {
        self.behind.as_ref().map_or_else(Vec::new, |behind| behind.answer(request))
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
        let (way, _) = self.0.1.wait_timeout_while(way, PATIENCE, |way| way.waiting == 0).expect("a gate");
        assert!(way.waiting > 0, "nobody came");
    }

    /// Stands before it until it is open.
    pub fn pass(&self) {
        let mut way = self.0.0.lock().expect("a gate");
        way.waiting += 1;
        self.0.1.notify_all();
        drop(self.0.1.wait_while(way, |way| !way.open).expect("a gate"));
    }
}
