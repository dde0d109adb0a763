//! The proxy's two sides: what comes over a connection, and the emulator's answer.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Instant,
};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{Exchange, Reply, Rule, When};
use crate::support::{
    emulator::Emulator,
    recorder::{Call, call},
};

/// One of the proxy's own.
pub(super) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

pub(super) struct Server {
    pub rule: Box<Rule>,
    pub behind: Option<Behind>,
    pub record: Mutex<Record>,
    pub answered: Condvar,
}

#[derive(Default)]
pub(super) struct Record {
    pub exchanges: Vec<Exchange>,
    /// How many were taken before the first of these.
    pub taken: usize,
    pub under_way: usize,
}

impl Record {
    fn begin(&mut self, call: Call) -> usize {
        self.exchanges.push(Exchange { call, start: Instant::now(), end: None });
        self.under_way += 1;
        self.taken + self.exchanges.len() - 1
    }

    fn end(&mut self, number: usize) {
        self.under_way -= 1;
        if let Some(exchange) = number.checked_sub(self.taken).and_then(|at| self.exchanges.get_mut(at)) {
            exchange.end = Some(Instant::now());
        }
    }
}

pub(super) struct Behind {
    address: String,
    tls: Arc<ClientConfig>,
}

impl Behind {
    pub fn new(emulator: &Emulator) -> Self {
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
    pub fn serve(&self, mut stream: TcpStream) {
        let Some(request) = read(&stream) else { return };
        let call = call(&request);
        let number = self.record.lock().expect("the record").begin(call.clone());
        let answer = self.bytes((self.rule)(&call, &request), &request);
        self.record.lock().expect("the record").end(number);
        self.answered.notify_all();
        // Whoever asked may be gone.
        let _ = stream.write_all(&answer);
    }

    /// Nothing, where the connection is cut.
    fn bytes(&self, reply: Reply, request: &HttpRequest) -> Vec<u8> {
        match reply {
            Reply::Forward => self.behind.as_ref().map_or_else(Vec::new, |behind| behind.answer(request)),
            Reply::Wait(gate) => {
                gate.pass();
                self.bytes(Reply::Forward, request)
            }
            Reply::Delay(time, then) => {
                thread::sleep(time);
                self.bytes(*then, request)
            }
            Reply::Answer { status, headers, body } => {
                let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
                written(Answer { status, headers, body: body.into_bytes() }, request)
            }
            Reply::Fail(failure) => written(failure.answer(request), request),
            Reply::Cut(When::Before) => vec![],
            Reply::Cut(When::After) => {
                self.bytes(Reply::Forward, request);
                vec![]
            }
            Reply::Kill(client, when) => {
                if when == When::After {
                    self.bytes(Reply::Forward, request);
                }
                client.kill();
                vec![]
            }
        }
    }
}

fn written(answer: Answer, request: &HttpRequest) -> Vec<u8> {
    let Answer { status, headers, body } = answer;
    let mut head = format!("HTTP/1.1 {status} Answer\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    let body = if request.method() == "HEAD" { &[] } else { &*body };
    [head.as_bytes(), b"\r\n", body].concat()
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
