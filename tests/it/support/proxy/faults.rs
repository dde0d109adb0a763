//! Which calls go wrong, and how: rules, each for a service or an operation, for the nth call, for a share of them.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use super::{Failure, Reply};
use crate::support::recorder::Call;

/// Which of the calls that a rule is about.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    All,
    /// Counted from 1.
    Nth(usize),
    /// From this one on, counted from 1.
    From(usize),
    /// So many of a hundred, as the seed has it.
    Percent(u8),
}

/// The first rule that is about a call says what becomes of it; without one, it is forwarded.
pub struct Faults {
    rules: Vec<Rule>,
    state: Mutex<State>,
}

struct Rule {
    about: &'static str,
    which: Which,
    reply: Box<dyn Fn() -> Reply + Send + Sync>,
}

struct State {
    /// The calls that each rule has been about.
    counts: Vec<usize>,
    random: fastrand::Rng,
}

impl Faults {
    /// The seed decides about [`Which::Percent`] and nothing else.
    pub fn seeded(seed: u64) -> Self {
        Self { rules: vec![], state: Mutex::new(State { counts: vec![], random: fastrand::Rng::with_seed(seed) }) }
    }

    /// A rule about `s3:PutBucketPolicy`, about all of `s3:`, or about everything.
    #[must_use]
    pub fn rule(mut self, about: &'static str, which: Which, reply: impl Fn() -> Reply + Send + Sync + 'static) -> Self {
        self.rules.push(Rule { about, which, reply: Box::new(reply) });
        self.state.get_mut().expect("the counts").counts.push(0);
        self
    }

    pub fn reply(&self, call: &Call) -> Reply {
        let name = call.name();
        let mut state = self.state.lock().expect("the counts");
        for (number, rule) in self.rules.iter().enumerate() {
            if name != rule.about && !(rule.about.ends_with(':') && name.starts_with(rule.about)) && !rule.about.is_empty() {
                continue;
            }
            state.counts[number] += 1;
            let count = state.counts[number];
            let is_the_one = match rule.which {
                Which::All => true,
                Which::Nth(nth) => count == nth,
                Which::From(first) => count >= first,
                Which::Percent(share) => state.random.u8(0..100) < share,
            };
            if is_the_one {
                return (rule.reply)();
            }
        }
        Reply::Forward
    }
}

/// What a create is not seen by for a while: the operations, and the service's word for what is not there.
const UNSEEN: [(&str, &[&str], &str); 7] = [
    ("kms:CreateKey", &["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"], "NotFoundException"),
    ("kms:CreateAlias", &["kms:DescribeKey"], "NotFoundException"),
    ("dynamodb:CreateTable", &["dynamodb:DescribeTable", "dynamodb:DescribeContinuousBackups"], "ResourceNotFoundException"),
    ("iam:CreatePolicy", &["iam:GetPolicy", "iam:GetPolicyVersion"], "NoSuchEntity"),
    ("sns:CreateTopic", &["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"], "NotFound"),
    (
        "cloudtrail:CreateTrail",
        &["cloudtrail:GetTrail", "cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors"],
        "TrailNotFoundException",
    ),
    ("s3:CreateBucket", &["s3:HeadBucket", "s3:GetBucketVersioning", "s3:GetBucketPolicy"], "NoSuchBucket"),
];

/// What was made is not seen for so long: AWS is eventually consistent.
pub struct Stale {
    lasts: Duration,
    /// When each kind of thing was last made.
    made: Mutex<[Option<Instant>; UNSEEN.len()]>,
}

impl Stale {
    pub fn lasting(lasts: Duration) -> Self {
        Self { lasts, made: Mutex::default() }
    }

    pub fn reply(&self, call: &Call) -> Reply {
        let name = call.name();
        let mut made = self.made.lock().expect("times");
        for (made, (create, reads, word)) in made.iter_mut().zip(UNSEEN) {
            if name == create {
                *made = Some(Instant::now());
            }
            if reads.contains(&&*name) && made.is_some_and(|made| made.elapsed() < self.lasts) {
                return Reply::Fail(Failure::NotFound(word));
            }
        }
        Reply::Forward
    }
}
