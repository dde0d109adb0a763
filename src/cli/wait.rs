//! Shows what a command waits for until AWS returns it: a spinner in a terminal, otherwise one
//! line.

use std::time::{Duration, Instant};

use indicatif::ProgressDrawTarget;

use super::context::Context;
use crate::{engine::spec::Address, report::progress::bars::WaitSpinner, text::words};

/// Shorter waits are not logged.
const UNSAID: Duration = Duration::from_secs(5);
/// No more addresses fit into a line.
const NAMED: usize = 3;

pub(crate) struct WaitReport {
    /// As in `AWS shows`.
    until: &'static str,
    patience: Duration,
    since: Instant,
    said: bool,
    spinner: Option<WaitSpinner>,
}

impl WaitReport {
    pub(crate) fn new(until: &'static str, patience: Duration) -> Self {
        Self {
            until,
            patience,
            since: Instant::now(),
            said: false,
            spinner: None,
        }
    }

    /// Says that it goes on, for these.
    pub(crate) fn on(&mut self, addresses: &[Address], cx: &mut Context<'_>) {
        if cx.global.quiet || cx.global.json() {
            return;
        }
        let text = text(self.until, addresses, self.patience);
        if cx.host.err_is_terminal {
            let style = cx.global.view(cx.host).style;
            self.spinner
                .get_or_insert_with(|| WaitSpinner::new(style, ProgressDrawTarget::stderr()))
                .show(&text);
        } else if !self.said && self.since.elapsed() >= UNSAID {
            self.said = true;
            cx.status(&text);
        }
    }
}

fn text(until: &str, addresses: &[Address], patience: Duration) -> String {
    let named: Vec<&str> = addresses.iter().take(NAMED).map(Address::as_str).collect();
    let more = addresses.len().saturating_sub(NAMED);
    let and_more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let minutes = words::count(
        usize::try_from(patience.as_secs() / 60).unwrap_or(usize::MAX),
        "minute",
        "minutes",
    );
    format!(
        "waiting until {until} {}{and_more} (up to {minutes})",
        named.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_named_and_how_long() {
        let addresses = [
            "state_bucket/policy",
            "key",
            "lock_table/recovery",
            "trail",
            "topic",
        ]
        .map(Address::new);
        assert_eq!(
            text("AWS shows", &addresses, Duration::from_secs(180)),
            "waiting until AWS shows state_bucket/policy, key, lock_table/recovery and 2 more (up \
             to 3 minutes)"
        );
        assert_eq!(
            text("AWS shows", &addresses[..1], Duration::from_secs(60)),
            "waiting until AWS shows state_bucket/policy (up to 1 minute)"
        );
    }
}
