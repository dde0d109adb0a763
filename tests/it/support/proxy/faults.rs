//! Which calls go wrong, and how: rules, each for a service or an operation, for the nth call, for
//! a share of them.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use super::{Failure, Reply};
use crate::support::recorder::Call;

/// Which of the calls that a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    /// Counted from 1.
    Nth(usize),
    /// From this one on, counted from 1.
    From(usize),
    /// Those that come within this time of the first.
    For(Duration),
    /// So many of a hundred, as the seed has it.
    Percent(u8),
}

/// The first rule that is about a call says what becomes of it; without one, it is forwarded.
pub(crate) struct Faults {
    seed: u64,
    rules: Vec<Rule>,
}

struct Rule {
    about: String,
    which: Which,
    reply: Box<dyn Fn() -> Reply + Send + Sync>,
    met: Mutex<Met>,
}

struct Met {
    /// The calls that it has been about.
    count: usize,
    since: Option<Instant>,
    random: fastrand::Rng,
}

impl Faults {
    /// The seed decides about [`Which::Percent`] and nothing else.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self {
            seed,
            rules: vec![],
        }
    }

    /// A rule about `s3:PutBucketPolicy`, about all that begin as `s3:GetBucket*`, about all of
    /// `s3:`, or about everything.
    #[must_use]
    pub(crate) fn rule(
        self,
        about: &str,
        which: Which,
        reply: impl Fn() -> Reply + Send + Sync + 'static,
    ) -> Self {
        let seed = self.seed;
        self.seeded_rule(about, which, seed, reply)
    }

    /// One that leaves to another seed what is left to chance.
    #[must_use]
    pub(crate) fn seeded_rule(
        mut self,
        about: &str,
        which: Which,
        seed: u64,
        reply: impl Fn() -> Reply + Send + Sync + 'static,
    ) -> Self {
        let met = Mutex::new(Met {
            count: 0,
            since: None,
            random: fastrand::Rng::with_seed(seed),
        });
        self.rules.push(Rule {
            about: about.to_owned(),
            which,
            reply: Box::new(reply),
            met,
        });
        self
    }

    pub(crate) fn reply(&self, call: &Call) -> Reply {
        let name = call.name();
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.is_about(&name) && rule.strikes());
        rule.map_or(Reply::Forward, |rule| (rule.reply)())
    }
}

impl Rule {
    fn is_about(&self, name: &str) -> bool {
        let begins = |prefix: &str| name.starts_with(prefix);
        self.about.is_empty()
            || name == self.about
            || self.about.ends_with(':') && begins(&self.about)
            || self.about.strip_suffix('*').is_some_and(begins)
    }

    /// Whether this call is one of those that something becomes of.
    fn strikes(&self) -> bool {
        let mut met = self.met.lock().expect("a count");
        met.count += 1;
        match self.which {
            Which::All => true,
            Which::Nth(nth) => met.count == nth,
            Which::From(first) => met.count >= first,
            Which::For(time) => met.since.get_or_insert_with(Instant::now).elapsed() < time,
            Which::Percent(share) => met.random.u8(0..100) < share,
        }
    }
}

/// What a create is not seen by for a while: the operations, and the service's word for what is not
/// there.
const UNSEEN: [(&str, &[&str], &str); 7] = [
    (
        "kms:CreateKey",
        &[
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListResourceTags",
        ],
        "NotFoundException",
    ),
    ("kms:CreateAlias", &["kms:DescribeKey"], "NotFoundException"),
    (
        "dynamodb:CreateTable",
        &[
            "dynamodb:DescribeTable",
            "dynamodb:DescribeContinuousBackups",
        ],
        "ResourceNotFoundException",
    ),
    (
        "iam:CreatePolicy",
        &["iam:GetPolicy", "iam:GetPolicyVersion"],
        "NoSuchEntity",
    ),
    (
        "sns:CreateTopic",
        &["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"],
        "NotFound",
    ),
    (
        "cloudtrail:CreateTrail",
        &[
            "cloudtrail:GetTrail",
            "cloudtrail:GetTrailStatus",
            "cloudtrail:GetEventSelectors",
        ],
        "TrailNotFoundException",
    ),
    (
        "s3:CreateBucket",
        &[
            "s3:HeadBucket",
            "s3:GetBucketVersioning",
            "s3:GetBucketPolicy",
        ],
        "NoSuchBucket",
    ),
];

/// What was made is not seen for so long: AWS is eventually consistent.
pub(crate) struct Stale {
    lasts: Duration,
    /// When each kind of thing was last made.
    made: Mutex<[Option<Instant>; UNSEEN.len()]>,
}

impl Stale {
    pub(crate) fn lasting(lasts: Duration) -> Self {
        Self {
            lasts,
            made: Mutex::default(),
        }
    }

    pub(crate) fn reply(&self, call: &Call) -> Reply {
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
