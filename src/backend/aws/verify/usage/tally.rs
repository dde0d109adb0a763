//! One check at many places: lists the first findings and counts the others.

use crate::checks::{Check, CheckResult, CheckedPlace, Verdict};

/// The number of findings that are listed; further ones are only counted.
pub(super) const NAMED: usize = 100;

#[derive(Debug)]
pub(super) struct UsageTally {
    check: &'static Check,
    named: Vec<CheckResult>,
    /// Failed places that are not listed.
    fails: usize,
    unreadable: usize,
    /// Places with an unknown result: counted, not listed.
    untold: usize,
}

impl UsageTally {
    pub(super) fn new(check: &'static Check) -> Self {
        Self {
            check,
            named: vec![],
            fails: 0,
            unreadable: 0,
            untold: 0,
        }
    }

    pub(super) fn add(&mut self, place: CheckedPlace, verdict: Verdict) {
        match verdict {
            Verdict::Holds | Verdict::FailsWith { .. } => {}
            Verdict::Untold { .. } => self.untold += 1,
            verdict if self.named.len() < NAMED => self
                .named
                .push(CheckResult::new(self.check, place, verdict)),
            Verdict::Fails { .. } => self.fails += 1,
            Verdict::Unreadable { .. } => self.unreadable += 1,
        }
    }

    /// Adds a result at `whole`: a passed check, or the number of further places.
    pub(super) fn finish(self, whole: &CheckedPlace) -> Vec<CheckResult> {
        self.finish_or(whole, |places| Verdict::Untold {
            why: format!("the result is unknown for {places} places"),
        })
    }

    /// The same; `untold` returns the result for places with an unknown result, if nothing else
    /// failed.
    pub(super) fn finish_or(
        self,
        whole: &CheckedPlace,
        untold: impl Fn(usize) -> Verdict,
    ) -> Vec<CheckResult> {
        let Self {
            check,
            mut named,
            fails,
            unreadable,
            untold: places,
        } = self;
        let mut at_whole = |verdict| named.push(CheckResult::new(check, whole.clone(), verdict));
        if fails > 0 {
            let remediation = "as for the listed places".to_owned();
            at_whole(Verdict::Fails {
                found: format!("the same finding at {fails} more places"),
                remediation,
            });
        }
        if unreadable > 0 {
            at_whole(Verdict::Unreadable {
                error: format!("{unreadable} more places cannot be read"),
            });
        }
        if named.is_empty() {
            let verdict = if places > 0 {
                untold(places)
            } else {
                Verdict::Holds
            };
            named.push(CheckResult::new(check, whole.clone(), verdict));
        }
        named
    }
}
