//! As much of AWS as `terraform init` asks for: a caller, an empty bucket and an empty table.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

const CALLER: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
    <Arn>arn:aws:iam::ACCOUNT:root</Arn><UserId>ACCOUNT</UserId><Account>ACCOUNT</Account>\
    </GetCallerIdentityResult></GetCallerIdentityResponse>";
const LISTING: &str =
    "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>";

/// Answers for `account` until the tests end; its address.
pub(crate) fn start(account: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    let caller = CALLER.replace("ACCOUNT", account);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let caller = caller.clone();
            thread::spawn(move || answer(stream, &caller));
        }
    });
    format!("http://{address}")
}

fn answer(stream: TcpStream, caller: &str) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let (mut length, mut dynamodb) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        dynamodb |= line.starts_with("x-amz-target: dynamodb");
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    let (status, kind, body) = match first.split(' ').next()? {
        "POST" if dynamodb => ("200 OK", "application/x-amz-json-1.0", "{}"),
        "POST" => ("200 OK", "text/xml", caller),
        "GET" => ("200 OK", "application/xml", LISTING),
        _ => ("404 Not Found", "application/xml", ""),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: \
         close\r\n\r\n",
        body.len()
    );
    (&stream).write_all(format!("{head}{body}").as_bytes()).ok()
}
