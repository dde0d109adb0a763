//! Clock skew between this machine and AWS.

use std::fmt;

use jiff::{SignedDuration, Timestamp, Unit, fmt::rfc2822};

/// The maximum clock skew for signatures in AWS; S3 allows three times as much.
const TAKEN: SignedDuration = SignedDuration::from_mins(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockSkew {
    pub here: Timestamp,
    pub aws: Timestamp,
}

impl ClockSkew {
    /// `date` is in the HTTP format.
    pub(crate) fn new(here: Timestamp, date: &str) -> Option<Self> {
        let aws = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
        Some(Self {
            here: here.round(Unit::Second).ok()?,
            aws,
        })
    }

    /// Returns whether a signature may have failed only because of clock skew.
    pub(crate) fn disagree(&self) -> bool {
        self.difference() >= TAKEN
    }

    /// Regardless of which clock is ahead.
    pub(crate) fn difference(&self) -> SignedDuration {
        self.here.duration_since(self.aws).abs()
    }
}

impl fmt::Display for ClockSkew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { here, aws } = self;
        write!(f, "here it is {here}, at AWS {aws}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_said_and_compared() {
        let here: Timestamp = "2026-11-21T18:54:08.6Z".parse().expect("a time");
        for (date, disagree) in [
            ("Sat, 21 Nov 2026 18:54:08 GMT", false),
            ("Sat, 21 Nov 2026 18:59:00 GMT", false),
            ("Sat, 21 Nov 2026 19:00:00 GMT", true),
            ("Sat, 21 Nov 2026 18:40:00 GMT", true),
            ("Mon, 21 Nov 2016 18:54:08 GMT", true),
        ] {
            assert_eq!(
                ClockSkew::new(here, date).map(|clocks| clocks.disagree()),
                Some(disagree),
                "{date}"
            );
        }
        for date in ["", "yesterday", "Sat, 99 Nov 2026 18:54:08 GMT"] {
            assert_eq!(ClockSkew::new(here, date), None);
        }
        let clocks = ClockSkew::new(here, "Sat, 21 Nov 2026 19:00:00 GMT").expect("a date");
        assert_eq!(
            clocks.to_string(),
            "here it is 2026-11-21T18:54:09Z, at AWS 2026-11-21T19:00:00Z"
        );
    }
}
