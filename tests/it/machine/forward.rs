//! A proxy of the kind that companies have: it is asked to connect, and breaks TLS open with a
//! certificate of its own.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, pem::PemObject},
};

/// The names of AWS that are called in eu-west-1.
const NAMES: [&str; 5] = [
    "*.amazonaws.com",
    "*.eu-west-1.amazonaws.com",
    "*.ddb.eu-west-1.amazonaws.com",
    "*.s3.eu-west-1.amazonaws.com",
    "*.s3-control.eu-west-1.amazonaws.com",
];

/// Whom it was asked to connect to, and what was said of who asks.
pub(super) struct Asked {
    pub host: String,
    pub authorization: Option<String>,
}

pub(super) struct Forward {
    pub url: String,
    /// What has to be trusted, as PEM.
    pub ca: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Forward {
    /// All that is asked for is answered by `endpoint`.
    pub(super) fn to(endpoint: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = listener.local_addr().expect("an address").to_string();
        let (ca, config) = certificates();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (written, to) = (
            Arc::clone(&asked),
            endpoint
                .strip_prefix("http://")
                .expect("plain HTTP")
                .to_owned(),
        );
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (written, config, to) = (Arc::clone(&written), Arc::clone(&config), to.clone());
                // What goes wrong is for the program to find out.
                thread::spawn(move || serve(stream, &written, config, &to));
            }
        });
        Self { url, ca, asked }
    }

    pub(super) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().expect("the record"))
    }
}

fn certificates() -> (String, Arc<ServerConfig>) {
    let (ca_key, key) = (
        KeyPair::generate().expect("a key"),
        KeyPair::generate().expect("a key"),
    );
    let mut ca = CertificateParams::new(Vec::new()).expect("no names");
    ca.distinguished_name
        .push(DnType::CommonName, "the company's CA");
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let pem = ca.self_signed(&ca_key).expect("a CA").pem();
    let mut leaf = CertificateParams::new(NAMES.map(str::to_owned).to_vec()).expect("names");
    leaf.distinguished_name
        .push(DnType::CommonName, "the company's proxy");
    let leaf = leaf
        .signed_by(&key, &Issuer::new(ca, ca_key))
        .expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .expect("a certificate and its key");
    (pem, Arc::new(config))
}

fn serve(
    mut stream: TcpStream,
    asked: &Mutex<Vec<Asked>>,
    config: Arc<ServerConfig>,
    to: &str,
) -> io::Result<()> {
    let head = head(&mut stream)?;
    let host = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next())
        .unwrap_or(&head)
        .to_owned();
    asked.lock().expect("the record").push(Asked {
        host,
        authorization: header(&head, "proxy-authorization").map(str::to_owned),
    });
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let mut client = StreamOwned::new(ServerConnection::new(config).expect("a connection"), stream);
    let request = self::head(&mut client)?;
    let mut body = vec![
        0;
        header(&request, "content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0)
    ];
    client.read_exact(&mut body)?;
    let mut answer = vec![];
    let mut server = TcpStream::connect(to)?;
    server.write_all(once(&request).as_bytes())?;
    server.write_all(&body)?;
    server.read_to_end(&mut answer)?;
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(answer.len(), |at| at + 4);
    client.write_all(once(&String::from_utf8_lossy(&answer[..end])).as_bytes())?;
    client.write_all(&answer[end..])?;
    client.conn.send_close_notify();
    client.flush()
}

/// One request and its answer, and no more on this connection.
fn once(head: &str) -> String {
    let (first, rest) = head.split_once("\r\n").unwrap_or((head, "\r\n"));
    format!("{first}\r\nconnection: close\r\n{rest}")
}

fn head(from: &mut impl Read) -> io::Result<String> {
    let (mut head, mut byte) = (vec![], [0]);
    while !head.ends_with(b"\r\n\r\n") {
        from.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}
