//! What runs made of a backend: every state's encryption, digests, locks.

use super::{VerifyOptions, now};
use crate::{
    aws::{
        Aws,
        probe::{Key, Target},
        store::{
            Store, StoreAddress,
            live::{Extent, Seen},
        },
        verify::{
            contents::{self, ToRead},
            usage::{self, Usage},
        },
    },
    cli::{context::Context, failure::Failure},
    settings::{Encryption, Settings, layer::LockMechanism},
    state::layout::{Layout, Located},
    verify::Checked,
};

/// Where states are in use.
pub struct InUse<'a> {
    pub bucket: &'a str,
    pub table: Option<String>,
    pub settings: &'a Settings,
    /// The ARN of the key that states should be encrypted with.
    pub key: Option<String>,
    /// `None` where nobody knows.
    pub lock: Option<LockMechanism>,
    /// The state key that is meant, with all its workspaces; all of them otherwise.
    pub only: Option<String>,
}

impl InUse<'_> {
    fn address(&self, aws: &Aws) -> StoreAddress {
        let layout = Layout { key: Some(self.settings.key.to_string()), workspace_prefix: self.settings.workspace_key_prefix.to_string() };
        StoreAddress { bucket: self.bucket.to_owned(), owner: aws.account().to_owned(), table: self.table.clone(), layout }
    }

    /// What a probe is to try out.
    pub fn target(&self, aws: &Aws) -> Target {
        let lock_files = self.lock.is_none_or(LockMechanism::uses_lockfile);
        let key = match (&self.key, &self.settings.encryption) {
            (Some(arn), _) => Key::Arn(arn.clone()),
            (None, Encryption::OwnKey { arn }) => Key::Arn(arn.to_string()),
            (None, Encryption::NewKey { .. }) => Key::Unknown,
            (None, Encryption::SseS3) => Key::OfS3,
        };
        Target { address: self.address(aws), lock_files, key }
    }
}

/// States are read only if that was asked for.
pub async fn live_use(aws: &Aws, of: InUse<'_>, options: &VerifyOptions, cx: &mut Context<'_>) -> Result<Vec<Checked>, Failure> {
    let address = of.address(aws);
    let expected =
        usage::Expected { bucket: of.bucket.to_owned(), key: of.key, lock: of.lock, stale_after: options.stale_after, now: now(cx) };
    let store = Store::new(aws, &address);
    let (mut usage, mut to_read) = (Usage::new(expected), vec![]);
    let walk = store.walk(Extent::All, usage::AT_ONCE, |seen| {
        if of.only.as_deref().is_some_and(|only| located(&seen).is_some_and(|located| located.key != only)) {
            return;
        }
        if let (true, Seen::State(state)) = (options.read_states, &seen) {
            to_read.push(ToRead::of(state));
        }
        usage.see(&seen);
    });
    cx.look(walk).await?;
    let mut checked = usage.finish();
    checked.extend(cx.look(contents::checks(&store, to_read, of.lock)).await?);
    Ok(checked)
}

fn located(seen: &Seen) -> Option<&Located> {
    match seen {
        Seen::State(state) => Some(&state.located),
        Seen::Lock(lock) => Some(&lock.located),
        Seen::Orphan { located, .. } => Some(located),
        Seen::Elsewhere { .. } | Seen::NoTable(_) | Seen::NoListing(_) => None,
    }
}
