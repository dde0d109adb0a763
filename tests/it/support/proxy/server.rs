//! The proxy's side to the program: each call is written down, a rule is asked about it, and what
//! it says happens.

use std::{error::Error, fmt, net, sync::Arc};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    header::HeaderValue,
    http::request::Parts,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, runtime, task};

use super::{Behind, Memory, Record, Reply, Rule, When, memory::Question};
use crate::support::recorder::{Call, call};

/// One of the proxy's own.
#[derive(Clone)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

pub(super) struct Server {
    pub rule: Box<Rule>,
    pub behind: Option<Behind>,
    pub memory: Memory,
    pub record: Record,
}

/// What ends a connection without an answer.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut, as the rule says")
    }
}

impl Error for Cut {}

type Answered = Response<Full<Bytes>>;

impl Server {
    /// Until the process ends.
    pub(super) fn serve(self: Arc<Self>, listener: net::TcpListener) {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            listener.set_nonblocking(true).expect("a listener");
            let listener = TcpListener::from_std(listener).expect("a listener");
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                // What is answered is small, and waits for nothing more.
                let _ = stream.set_nodelay(true);
                let server = Arc::clone(&self);
                let service = service_fn(move |request| Arc::clone(&server).answer(request));
                // What goes wrong with a connection is for the program to find out; what time it
                // is, whoever answers says.
                tokio::spawn(
                    http1::Builder::new()
                        .auto_date_header(false)
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Answered, Cut> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
        // Whoever asked may be gone before it is done.
        task::spawn(self.answer_all(parts, body))
            .await
            .ok()
            .flatten()
            .ok_or(Cut)
    }

    async fn answer_all(self: Arc<Self>, parts: Parts, body: Bytes) -> Option<Answered> {
        let request = readable(&parts, &body);
        let call = call(&request);
        let mut under_way = self.record.begin(call.clone());
        let (asked, about) = (Arc::clone(&self), call.clone());
        let (reply, request) =
            task::spawn_blocking(move || ((asked.rule)(&about, &request), request))
                .await
                .ok()?;
        let question = Question::new(&call, &request);
        let stale = match reply {
            Reply::Stale(lasts) => self.memory.stale(&question, lasts),
            _ => None,
        };
        let answer = match stale {
            Some(stale) => Some(written(stale)),
            None => {
                self.remembered(
                    &call,
                    question,
                    self.done(reply, &request, parts, body).await,
                )
                .await
            }
        };
        under_way.answered_with(answer.as_ref().map(|answer| answer.status().as_u16()));
        answer
    }

    /// The same answer, kept for later if it is one to a read.
    async fn remembered(
        &self,
        call: &Call,
        question: Question,
        answer: Option<Answered>,
    ) -> Option<Answered> {
        if call.is_write() {
            self.memory.written(call);
            return answer;
        }
        let (parts, body) = answer?.into_parts();
        let Ok(body) = body.collect().await;
        let body = body.to_bytes();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect();
        self.memory
            .remember(question, parts.status.as_u16(), headers, body.clone());
        Some(Response::from_parts(parts, Full::from(body)))
    }

    /// None where the connection is cut.
    async fn done(
        &self,
        mut reply: Reply,
        request: &HttpRequest,
        parts: Parts,
        body: Bytes,
    ) -> Option<Answered> {
        while let Reply::Delay(time, then) = reply {
            tokio::time::sleep(time).await;
            reply = *then;
        }
        let forward = || async {
            match &self.behind {
                Some(behind) => Some(behind.answer(parts, body).await),
                None => None,
            }
        };
        match reply {
            Reply::Delay(..) => unreachable!("it was waited for"),
            // There is nothing that was answered before.
            Reply::Forward | Reply::Stale(_) => forward().await,
            Reply::DenyObjects => Some(written(denied_objects(request))),
            Reply::Wait(gate) => {
                gate.passed().await;
                forward().await
            }
            Reply::Edit(edit) => Some(edited(forward().await?, edit).await),
            Reply::Answer {
                status,
                headers,
                body,
            } => {
                let headers = headers
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect();
                Some(written(Answer {
                    status,
                    headers,
                    body: body.into_bytes(),
                }))
            }
            Reply::Fail(failure) => Some(written(failure.answer(request))),
            Reply::Cut(When::Before) => None,
            Reply::Cut(When::After) => {
                forward().await;
                None
            }
            Reply::Kill(client, when) => {
                if when == When::After {
                    forward().await;
                }
                task::spawn_blocking(move || client.kill())
                    .await
                    .expect("the client is killed");
                None
            }
        }
    }
}

/// Without what is true of the answer before.
async fn edited(answer: Answered, edit: fn(&str) -> String) -> Answered {
    let (mut parts, body) = answer.into_parts();
    let Ok(body) = body.collect().await;
    for name in ["content-length", "x-amz-crc32"] {
        parts.headers.remove(name);
    }
    Response::from_parts(
        parts,
        Full::from(edit(&String::from_utf8_lossy(&body.to_bytes()))),
    )
}

/// Of what was asked for, each with its version.
fn denied_objects(request: &HttpRequest) -> Answer {
    let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
    let objects = body
        .split("<Object>")
        .skip(1)
        .filter_map(|rest| rest.split_once("</Object>"))
        .map(|(object, _)| object);
    let why = "<Code>AccessDenied</Code><Message>Access Denied</Message>";
    let errors: String = objects
        .map(|object| format!("<Error>{object}{why}</Error>"))
        .collect();
    Answer {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/xml".to_owned())],
        body: format!("<DeleteResult>{errors}</DeleteResult>").into_bytes(),
    }
}

fn written(answer: Answer) -> Answered {
    let Answer {
        status,
        headers,
        body,
    } = answer;
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Full::from(body)).expect("an answer")
}

/// For the rules, which read what the SDK writes.
fn readable(parts: &Parts, body: &Bytes) -> HttpRequest {
    let mut request = HttpRequest::new(SdkBody::from(body.clone()));
    request.set_method(parts.method.as_str()).expect("a method");
    request
        .set_uri(parts.uri.path_and_query().map_or("/", |path| path.as_str()))
        .expect("a path");
    for (name, value) in &parts.headers {
        request.headers_mut().append(
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        );
    }
    request
}
