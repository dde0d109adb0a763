//! The backend kinds, one folder each.

use crate::{checks::Check, kind::BackendKind, store::state_store::Capabilities};

pub mod aws;
pub mod local;
pub mod provider;

/// What the states and locks of a kind can do.
pub fn capabilities(kind: BackendKind) -> Capabilities {
    match kind {
        BackendKind::S3 => aws::store::state_store::CAPABILITIES,
        BackendKind::Local => local::store::CAPABILITIES,
    }
}

/// The checks of all kinds, each once.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    aws::verify::catalogue::every().chain(local::verify::ALL)
}
