//! Rules as a person writes them: `kms:CreateKey nth=1 cut-after`.

use std::{str::FromStr, time::Duration};

use super::{Failure, Faults, Reply, When, Which};

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    about: String,
    which: Which,
    /// Decides which ones, where that is left to chance.
    seed: Option<u64>,
    delay: Duration,
    then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Forward,
    Fail(Failure),
    Cut(When),
    Stale(Duration),
    DenyObjects,
}

/// What is wrong with a rule, in words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?}: {what}")]
pub(crate) struct NoRule {
    word: String,
    what: String,
}

const SHAPE: &str = "a rule is SERVICE:OPERATION, SERVICE:BEGINNING*, SERVICE: or all, then \
                     nth=N, from=N, for=TIME or percent=N (seed=N), and delay=TIME, fail=CODE, \
                     stale-answer=TIME, deny-objects, cut-before or cut-after";

impl FromStr for Written {
    type Err = NoRule;

    fn from_str(text: &str) -> Result<Self, NoRule> {
        let mut words = text.split_whitespace();
        let first = words.next().unwrap_or_default();
        let about = match first.split_once(':') {
            Some((service, _)) if !service.is_empty() => first.to_owned(),
            None if first == "all" => String::new(),
            _ => return Err(no_rule(first, SHAPE)),
        };
        let mut rule = Self {
            about,
            which: Which::All,
            seed: None,
            delay: Duration::ZERO,
            then: Then::Forward,
        };
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                ("nth", number) => rule.which = Which::Nth(parsed(word, number)?),
                ("from", number) => rule.which = Which::From(parsed(word, number)?),
                ("for", time) => rule.which = Which::For(duration(word, time)?),
                ("percent", number) => rule.which = Which::Percent(parsed(word, number)?),
                ("seed", number) => rule.seed = Some(parsed(word, number)?),
                ("delay", time) => rule.delay = duration(word, time)?,
                ("fail", code) => rule.then = Then::Fail(failure(word, code)?),
                ("stale-answer", time) => rule.then = Then::Stale(duration(word, time)?),
                ("deny-objects", "") => rule.then = Then::DenyObjects,
                ("cut-before", "") => rule.then = Then::Cut(When::Before),
                ("cut-after", "") => rule.then = Then::Cut(When::After),
                _ => return Err(no_rule(word, SHAPE)),
            }
        }
        if rule.delay.is_zero() && rule.then == Then::Forward {
            return Err(no_rule(
                text,
                "it says of which calls, and not what becomes of them: delay=, fail=, \
                 stale-answer=, deny-objects, cut-before or cut-after",
            ));
        }
        Ok(rule)
    }
}

impl Written {
    pub(crate) fn add_to(self, faults: Faults) -> Faults {
        let Self {
            about,
            which,
            seed,
            delay,
            then,
        } = self;
        let reply = move || {
            let reply = match then {
                Then::Forward => Reply::Forward,
                Then::Fail(failure) => Reply::Fail(failure),
                Then::Cut(when) => Reply::Cut(when),
                Then::Stale(lasts) => Reply::Stale(lasts),
                Then::DenyObjects => Reply::DenyObjects,
            };
            if delay.is_zero() {
                reply
            } else {
                Reply::Delay(delay, Box::new(reply))
            }
        };
        match seed {
            Some(seed) => faults.seeded_rule(&about, which, seed, reply),
            None => faults.rule(&about, which, reply),
        }
    }
}

fn no_rule(word: &str, what: &str) -> NoRule {
    NoRule {
        word: word.to_owned(),
        what: what.to_owned(),
    }
}

fn parsed<N: FromStr>(word: &str, number: &str) -> Result<N, NoRule> {
    number
        .parse()
        .map_err(|_| no_rule(word, "that is no number, or none that fits"))
}

/// As in `50ms` and `2s`.
fn duration(word: &str, time: &str) -> Result<Duration, NoRule> {
    if let Some(number) = time.strip_suffix("ms") {
        return Ok(Duration::from_millis(parsed(word, number)?));
    }
    let number = time
        .strip_suffix('s')
        .ok_or_else(|| no_rule(word, "a time is like 50ms or 2s"))?;
    Ok(Duration::from_secs(parsed(word, number)?))
}

fn failure(word: &str, code: &str) -> Result<Failure, NoRule> {
    let known = Failure::BAD_DAY
        .into_iter()
        .find(|(_, name)| *name == code)
        .map(|(failure, _)| failure);
    known.ok_or_else(|| {
        no_rule(
            word,
            &format!(
                "one of {}",
                Failure::BAD_DAY.map(|(_, name)| name).join(", ")
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::recorder::Call;

    fn replies(rules: &[&str], calls: &[&str]) -> Vec<String> {
        let read = |text: &&str| {
            text.parse::<Written>()
                .unwrap_or_else(|error| panic!("{error}"))
        };
        let faults = rules
            .iter()
            .map(read)
            .fold(Faults::seeded(7), |faults, rule| rule.add_to(faults));
        let said = |call: &&str| {
            let (service, operation) = call.split_once(':').expect("a call");
            let call = Call {
                service: service.to_owned(),
                operation: operation.to_owned(),
                expected_owner: None,
            };
            shown(&faults.reply(&call))
        };
        calls.iter().map(said).collect()
    }

    fn shown(reply: &Reply) -> String {
        match reply {
            Reply::Forward => "forward".to_owned(),
            Reply::Delay(time, then) => format!("{time:?} {}", shown(then)),
            Reply::Fail(failure) => format!("{failure:?}"),
            Reply::Cut(when) => format!("cut {when:?}"),
            Reply::Stale(lasts) => format!("stale for {lasts:?}"),
            Reply::DenyObjects => "objects denied".to_owned(),
            Reply::Wait(_) | Reply::Edit(_) | Reply::Answer { .. } | Reply::Kill(..) => {
                panic!("no rule says so")
            }
        }
    }

    #[test]
    fn each_word_does_what_it_says() {
        let rules = [
            "kms:CreateKey nth=2 cut-after",
            "s3: from=2 delay=50ms fail=SlowDown",
            "all delay=2s",
        ];
        let calls = [
            "kms:CreateKey",
            "kms:CreateKey",
            "s3:GetObject",
            "s3:PutObject",
            "iam:GetPolicy",
        ];
        assert_eq!(
            replies(&rules, &calls),
            [
                "2s forward",
                "cut After",
                "2s forward",
                "50ms SlowDown",
                "2s forward"
            ]
        );
        let rules = [
            "s3:GetBucket* stale-answer=20s",
            "s3:DeleteObjects nth=1 deny-objects",
        ];
        let calls = [
            "s3:GetBucketPolicy",
            "s3:GetObject",
            "s3:DeleteObjects",
            "s3:DeleteObjects",
        ];
        assert_eq!(
            replies(&rules, &calls),
            ["stale for 20s", "forward", "objects denied", "forward"]
        );
        assert_eq!(
            replies(
                &["sts: cut-before"],
                &["sts:GetCallerIdentity", "iam:GetUser"]
            ),
            ["cut Before", "forward"]
        );
        for (_, code) in Failure::BAD_DAY {
            assert_ne!(
                replies(&[&format!("all fail={code}")], &["s3:GetObject"]),
                ["forward"],
                "{code}"
            );
        }
    }

    #[test]
    fn a_time_ends() {
        let faults = "s3: for=1s cut-before"
            .parse::<Written>()
            .expect("a rule")
            .add_to(Faults::seeded(7));
        let call = Call {
            service: "s3".to_owned(),
            operation: "GetObject".to_owned(),
            expected_owner: None,
        };
        let said = || shown(&faults.reply(&call));
        assert_eq!([said(), said()], ["cut Before", "cut Before"]);
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(said(), "forward");
    }

    #[test]
    fn a_share_is_that_of_its_own_seed() {
        let share = |rule: &str| replies(&[rule], &["s3:GetObject"; 100]);
        assert_eq!(
            share("s3: percent=30 fail=SlowDown"),
            share("s3: percent=30 seed=7 fail=SlowDown"),
            "that of all"
        );
        assert_ne!(
            share("s3: percent=30 fail=SlowDown"),
            share("s3: percent=30 seed=8 fail=SlowDown")
        );
    }

    #[test]
    fn what_is_no_rule_is_said() {
        for (text, says) in [
            ("", "a rule is"),
            ("s3", "a rule is"),
            (":GetObject cut-after", "a rule is"),
            ("s3: nth=x cut-after", "no number"),
            ("s3: percent=300 cut-after", "none that fits"),
            ("s3: delay=5", "50ms or 2s"),
            ("s3: fail=Oops", "one of InternalError, SlowDown, "),
            ("s3: cut", "a rule is"),
            ("s3: cut-after=1", "a rule is"),
            ("s3: nth=1", "not what becomes of them"),
        ] {
            let error = text.parse::<Written>().expect_err(text).to_string();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }
}
