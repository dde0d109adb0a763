//! What runs made of a backend: every state's encryption, digests, locks.

use super::{VerifyOptions, now};
use crate::{
    aws::{
        Aws,
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
    settings::{Settings, layer::LockMechanism},
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

/// States are read only if that was asked for.
pub async fn live_use(aws: &Aws, of: InUse<'_>, options: &VerifyOptions, cx: &mut Context<'_>) -> Result<Vec<Checked>, Failure> {
    let layout = Layout { key: Some(of.settings.key.to_string()), workspace_prefix: of.settings.workspace_key_prefix.to_string() };
    let address = StoreAddress { bucket: of.bucket.to_owned(), owner: aws.account().to_owned(), table: of.table, layout };
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
        Seen::NoTable(_) | Seen::NoListing(_) => None,
    }
}
