//! A store whose process dies at one of its calls: before the call has an effect, or after it and
//! before its answer.

use std::{num::NonZeroUsize, sync::Mutex};

use async_trait::async_trait;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tfbackend::{
    kind::BackendKind,
    state::lock::LockInfo,
    store::state_store::{
        Capabilities, Expected, FetchedState, LockGuard, Release, Revision, StateId,
        StateLockError, StateStore, StoreError, StoredLock, StoredState, StoredVersion, VersionId,
        WriteError,
    },
};

use super::proxy::When;

/// Counts the calls of several stores, and ends them all at one of them.
#[derive(Debug)]
pub(crate) struct CallCutter {
    /// The call, from 1; without it, all calls are carried out.
    at: Option<(usize, When)>,
    calls: Mutex<Vec<String>>,
    /// Writes other bytes than it is given.
    pub lies: bool,
}

impl CallCutter {
    pub(crate) fn new(at: Option<(usize, When)>) -> Self {
        Self {
            at,
            calls: Mutex::new(vec![]),
            lies: false,
        }
    }

    /// The calls that were made, each with what it is about.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().expect("no panic").clone()
    }

    /// Returns whether the call is carried out, and its answer received.
    fn next(&self, name: &str, about: &str) -> (bool, bool) {
        let mut calls = self.calls.lock().expect("no panic");
        let ended = self.at.is_some_and(|(at, _)| calls.len() >= at);
        if ended {
            return (false, false);
        }
        calls.push(format!("{name} {about}"));
        match self.at {
            Some((at, when)) if calls.len() == at => (matches!(when, When::After), false),
            _ => (true, true),
        }
    }
}

fn dead() -> StoreError {
    StoreError::Failed {
        message: "the process died".to_owned(),
        source: None,
    }
}

#[derive(Debug)]
pub(crate) struct CutStore<'a> {
    pub inner: &'a dyn StateStore,
    pub cutter: &'a CallCutter,
}

/// The answer of a call, if the process lives to receive it.
macro_rules! call {
    ($cutter:expr, $name:literal, $about:expr, $call:expr) => {{
        // Others run meanwhile.
        tokio::task::yield_now().await;
        let (carried_out, answered) = $cutter.next($name, &$about);
        if !carried_out {
            return Err(dead().into());
        }
        let answer = $call;
        if !answered {
            return Err(dead().into());
        }
        answer
    }};
}

impl CutStore<'_> {
    fn stream<'s, T: Send + 's>(
        &self,
        name: &'static str,
        inner: BoxStream<'s, Result<T, StoreError>>,
    ) -> BoxStream<'s, Result<T, StoreError>> {
        match self.cutter.next(name, "") {
            (true, true) => inner,
            _ => stream::iter([Err(dead())]).boxed(),
        }
    }
}

#[async_trait]
impl StateStore for CutStore<'_> {
    fn kind(&self) -> BackendKind {
        self.inner.kind()
    }

    fn location(&self) -> Vec<(&'static str, String)> {
        self.inner.location()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn concurrency(&self) -> NonZeroUsize {
        self.inner.concurrency()
    }

    fn locate(&self, workspace: &str) -> Result<StateId, StoreError> {
        self.inner.locate(workspace)
    }

    fn address(&self, id: &StateId) -> String {
        self.inner.address(id)
    }

    fn list(&self) -> BoxStream<'_, Result<StoredState, StoreError>> {
        self.stream("list", self.inner.list())
    }

    async fn read(
        &self,
        id: &StateId,
        version: Option<&VersionId>,
        max: usize,
    ) -> Result<Option<FetchedState>, StoreError> {
        call!(
            self.cutter,
            "read",
            self.address(id),
            self.inner.read(id, version, max).await
        )
    }

    fn versions(&self, id: &StateId) -> BoxStream<'_, Result<StoredVersion, StoreError>> {
        self.stream("versions", self.inner.versions(id))
    }

    async fn write(
        &self,
        id: &StateId,
        bytes: &[u8],
        expected: Expected<'_>,
        lock: &dyn LockGuard,
    ) -> Result<Revision, WriteError> {
        let mut bytes = bytes.to_vec();
        if self.cutter.lies {
            bytes.push(b' ');
        }
        call!(
            self.cutter,
            "write",
            self.address(id),
            self.inner.write(id, &bytes, expected, lock).await
        )
    }

    async fn delete(
        &self,
        id: &StateId,
        expected: &Revision,
        lock: &dyn LockGuard,
    ) -> Result<(), WriteError> {
        call!(
            self.cutter,
            "delete",
            self.address(id),
            self.inner.delete(id, expected, lock).await
        )
    }

    fn locks(&self) -> BoxStream<'_, Result<StoredLock, StoreError>> {
        self.stream("locks", self.inner.locks())
    }

    async fn lock<'a>(
        &'a self,
        id: &StateId,
        info: &LockInfo,
    ) -> Result<Box<dyn LockGuard + 'a>, StateLockError> {
        let inner = call!(
            self.cutter,
            "lock",
            self.address(id),
            self.inner.lock(id, info).await
        )?;
        Ok(Box::new(CutLock {
            inner,
            cutter: self.cutter,
        }))
    }

    async fn release(&self, lock: &StoredLock) -> Result<Release, StoreError> {
        call!(
            self.cutter,
            "release",
            self.address(&lock.id),
            self.inner.release(lock).await
        )
    }
}

#[derive(Debug)]
struct CutLock<'a> {
    inner: Box<dyn LockGuard + 'a>,
    cutter: &'a CallCutter,
}

#[async_trait]
impl LockGuard for CutLock<'_> {
    fn info(&self) -> &LockInfo {
        self.inner.info()
    }

    fn id(&self) -> &StateId {
        self.inner.id()
    }

    async fn release(self: Box<Self>) -> Result<Release, StoreError> {
        call!(self.cutter, "unlock", "", self.inner.release().await)
    }

    async fn keep(self: Box<Self>, expected: &Revision) -> Result<(), WriteError> {
        call!(self.cutter, "keep", "", self.inner.keep(expected).await)
    }
}
