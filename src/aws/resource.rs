//! The shape that every resource file has: look, write, and delete.
//!
//! A file says in its first line what the resource is for, then: the settings as a struct; `look`
//! (reads only; the codes that mean absence stand beside it); `write` (creates, or changes exactly
//! what differs from what was seen); `delete` (that it is gone is success); `over` and `blocked_by` where they differ from the default.

use std::future::Future;

use tokio::sync::OnceCell;

use super::{
    Aws,
    error::AwsError,
    key::find::{self, FoundKey},
};
use crate::{observation::Owner, spec::Spec};

pub trait Resource: Spec {
    /// `None` if it is certain that there is nothing.
    fn look(&self, look: &Look<'_>) -> impl Future<Output = Result<Option<Found<Self>>, AwsError>> + Send;

    /// Makes `self` true, starting from `from`, and returns what the node gives out. Doing it
    /// again is harmless.
    fn write(&self, aws: &Aws, from: Option<&Self>) -> impl Future<Output = Result<Option<String>, AwsError>> + Send;

    /// Takes down what was seen. That it is gone already is success.
    ///
    /// What goes with its whole, or is only used, has nothing to do.
    fn delete(&self, aws: &Aws) -> impl Future<Output = Result<(), AwsError>> + Send {
        let _ = aws;
        std::future::ready(Ok(()))
    }
}

/// What was seen of one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<S> {
    pub spec: S,
    pub output: Option<String>,
    pub owner: Owner,
}

impl<S> Found<S> {
    /// A part, or anything else without tags of its own: it has its parent's owner.
    pub fn part(spec: S) -> Self {
        Self { spec, output: None, owner: Owner::Unmanaged }
    }
}

/// One observation: what several resources need to look up is looked up once.
pub struct Look<'a> {
    pub aws: &'a Aws,
    key: OnceCell<Option<FoundKey>>,
}

impl<'a> Look<'a> {
    pub fn new(aws: &'a Aws) -> Self {
        Self { aws, key: OnceCell::new() }
    }

    /// The environment's own key: behind its alias, or by its tags after a run that was cut off
    /// between making the key and naming it.
    pub async fn key(&self, alias: &str) -> Result<Option<&FoundKey>, AwsError> {
        Ok(self.key.get_or_try_init(|| find::find(self.aws, alias)).await?.as_ref())
    }
}
