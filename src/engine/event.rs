//! The events of an apply.

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
    /// Not started, because a direct or transitive dependency failed or is blocked: `because` is
    /// that step.
    Skipped {
        address: Address,
        because: Address,
    },
    /// Ctrl-C: running steps finish, no more steps are started.
    Interrupted {
        running: usize,
    },
}
