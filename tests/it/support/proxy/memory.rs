//! What reads were answered, so that a read after a write can be answered as before: AWS is
//! eventually consistent.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use hyper::body::Bytes;

use super::server::Answer;
use crate::support::recorder::Call;

/// No state or backup: settings are small.
const LONGEST: usize = 64 * 1024;

/// The last answer to each read, and since when there was a write that may have changed it.
#[derive(Default)]
pub(super) struct Memory(Mutex<HashMap<Question, Remembered>>);

/// The service, and all that makes up the question: method, path and body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    service: String,
    text: String,
}

struct Remembered {
    answer: Answer,
    written_at: Option<Instant>,
}

impl Question {
    pub(super) fn new(call: &Call, request: &HttpRequest) -> Self {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
        Self {
            service: call.service.clone(),
            text: format!(
                "{} {} {} {body}",
                call.operation,
                request.method(),
                request.uri()
            ),
        }
    }
}

impl Memory {
    /// What is to be answered once more.
    pub(super) fn stale(&self, question: &Question, lasts: Duration) -> Option<Answer> {
        let memory = self.all();
        let remembered = memory.get(question)?;
        remembered
            .written_at
            .is_some_and(|written| written.elapsed() < lasts)
            .then(|| remembered.answer.clone())
    }

    pub(super) fn remember(
        &self,
        question: Question,
        status: u16,
        headers: Vec<(String, String)>,
        body: Bytes,
    ) {
        if body.len() <= LONGEST {
            let answer = Answer {
                status,
                headers,
                body: body.to_vec(),
            };
            self.all().insert(
                question,
                Remembered {
                    answer,
                    written_at: None,
                },
            );
        }
    }

    pub(super) fn written(&self, call: &Call) {
        for (question, remembered) in &mut *self.all() {
            if question.service == call.service {
                remembered.written_at.get_or_insert_with(Instant::now);
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Question, Remembered>> {
        self.0.lock().expect("the memory")
    }
}
