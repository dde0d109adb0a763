//! What came, in its order, and what became of it.

use std::{
    sync::{Condvar, Mutex, MutexGuard},
    time::Instant,
};

use super::{Ended, Exchange, PATIENCE};
use crate::support::recorder::Call;

pub(super) struct Record {
    calls: Mutex<Calls>,
    answered: Condvar,
    /// Told of each call that has ended.
    ended: Box<Ended>,
}

#[derive(Default)]
struct Calls {
    exchanges: Vec<Exchange>,
    /// How many were taken before the first of these.
    taken: usize,
    under_way: usize,
}

/// A call that is under way until this is dropped.
pub(super) struct UnderWay<'a> {
    record: &'a Record,
    number: usize,
    exchange: Exchange,
}

impl Record {
    pub(super) fn watched(ended: Box<Ended>) -> Self {
        Self {
            calls: Mutex::default(),
            answered: Condvar::new(),
            ended,
        }
    }

    pub(super) fn begin(&self, call: Call) -> UnderWay<'_> {
        let exchange = Exchange {
            call,
            start: Instant::now(),
            end: None,
            status: None,
        };
        let mut calls = self.calls();
        calls.exchanges.push(exchange.clone());
        calls.under_way += 1;
        UnderWay {
            record: self,
            number: calls.taken + calls.exchanges.len() - 1,
            exchange,
        }
    }

    pub(super) fn take(&self) -> Vec<Exchange> {
        let mut calls = self.calls();
        calls.taken += calls.exchanges.len();
        std::mem::take(&mut calls.exchanges)
    }

    pub(super) fn wait_until_answered(&self) {
        let (_calls, timeout) = self
            .answered
            .wait_timeout_while(self.calls(), PATIENCE, |calls| calls.under_way > 0)
            .expect("the record");
        assert!(!timeout.timed_out(), "calls are not answered");
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().expect("the record")
    }
}

impl UnderWay<'_> {
    pub(super) fn answered_with(&mut self, status: Option<u16>) {
        self.exchange.status = status;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.exchange.end = Some(Instant::now());
        let mut calls = self.record.calls();
        calls.under_way -= 1;
        if let Some(kept) = self
            .number
            .checked_sub(calls.taken)
            .and_then(|at| calls.exchanges.get_mut(at))
        {
            kept.clone_from(&self.exchange);
        }
        drop(calls);
        self.record.answered.notify_all();
        (self.record.ended)(&self.exchange);
    }
}
