//! What happens while a plan is carried out, for whoever watches.

use std::time::Duration;

use crate::engine::spec::Address;

#[derive(Clone, Debug, PartialEq)]
pub enum ApplyEvent {
    Started {
        address: Address,
    },
    Finished {
        address: Address,
        took: Duration,
    },
    Failed {
        address: Address,
        error: String,
    },
    /// Not tried, because what it needs, directly or not, failed or is blocked: `because` is that
    /// step.
    Skipped {
        address: Address,
        because: Address,
    },
    /// Ctrl-C: what runs is finished, nothing more is started.
    Interrupted {
        running: usize,
    },
}
