//! One check at many places: what does not hold, up to a number that a person can read, and a
//! count.

use crate::checks::{Check, CheckResult, CheckedPlace, Verdict};

/// More are counted, and not named: the first ones show what is wrong.
pub const NAMED: usize = 100;

#[derive(Debug)]
pub struct UsageTally {
    check: &'static Check,
    named: Vec<CheckResult>,
    /// What fails beyond those that are named.
    fails: usize,
    unreadable: usize,
    /// Where it cannot be told: counted, and not named.
    untold: usize,
}

impl UsageTally {
    pub fn new(check: &'static Check) -> Self {
        Self {
            check,
            named: vec![],
            fails: 0,
            unreadable: 0,
            untold: 0,
        }
    }

    pub fn add(&mut self, place: CheckedPlace, verdict: Verdict) {
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

    /// At `whole`: that it holds, or how many more there are.
    pub fn finish(self, whole: &CheckedPlace) -> Vec<CheckResult> {
        self.finish_or(whole, |places| Verdict::Untold {
            why: format!("it cannot be told of {places} places"),
        })
    }

    /// The same; `untold` says of how many places it cannot be told, where nothing else is wrong.
    pub fn finish_or(
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
            let mend = "as for those that are named".to_owned();
            at_whole(Verdict::Fails {
                what: format!("the same kind of fault in {fails} more places"),
                mend,
            });
        }
        if unreadable > 0 {
            at_whole(Verdict::Unreadable {
                error: format!("{unreadable} more places could not be looked at"),
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
