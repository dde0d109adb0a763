//! Formats numbers, lists, durations and prices.

use std::time::Duration;

/// `1 step`, `2 steps`.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// `0.12s`, `8.4s`, `1m 05s`.
pub(crate) fn took(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match duration.as_secs() {
        ..1 => format!("{seconds:.2}s"),
        1..60 => format!("{seconds:.1}s"),
        whole => format!("{}m {:02}s", whole / 60, whole % 60),
    }
}

/// `2026-11-30T09:15:00Z`: a time of a document, as people read it.
pub(crate) fn moment(text: &str) -> String {
    text.parse().map_or_else(
        |_| text.to_owned(),
        |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

/// `40 s`, `3 min`, `2 h 5 min`, `3 d 4 h`: how long something has been so.
pub(crate) fn age(duration: Duration) -> String {
    let minutes = duration.as_secs() / 60;
    match (minutes / (24 * 60), minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => format!("{} s", duration.as_secs()),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// `180 bytes`, `1.2 KiB`, `5.0 MiB`.
pub(crate) fn bytes(n: u64) -> String {
    const STEP: f64 = 1024.0;
    // What is lost of so many bytes is less than the one digit that is shown.
    #[allow(clippy::cast_precision_loss)]
    let kib = n as f64 / STEP;
    match n {
        ..1024 => count(usize::try_from(n).unwrap_or(usize::MAX), "byte", "bytes"),
        1024..1_048_576 => format!("{kib:.1} KiB"),
        1_048_576.. => format!("{:.1} MiB", kib / STEP),
    }
}

/// `$3.10`: US dollars, as AWS bills them.
pub(crate) fn dollars(amount: f64) -> String {
    format!("${amount:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_it_like_a_person() {
        assert_eq!(
            [
                count(0, "step", "steps"),
                count(1, "step", "steps"),
                count(2, "step", "steps")
            ],
            ["0 steps", "1 step", "2 steps"]
        );
        assert_eq!(
            [
                list::<&str>(&[]),
                list(&["a"]),
                list(&["a", "b"]),
                list(&["a", "b", "c"])
            ],
            ["", "a", "a and b", "a, b and c"]
        );
        assert_eq!(
            [120, 999, 8400, 59_940, 65_000].map(|ms| took(Duration::from_millis(ms))),
            ["0.12s", "1.00s", "8.4s", "59.9s", "1m 05s"]
        );
        assert_eq!(
            [0, 59, 60, 3_900, 273_700].map(|s| age(Duration::from_secs(s))),
            ["0 s", "59 s", "1 min", "1 h 5 min", "3 d 4 h"]
        );
        assert_eq!(
            [0, 1, 1023, 1536, 5 << 20].map(bytes),
            ["0 bytes", "1 byte", "1023 bytes", "1.5 KiB", "5.0 MiB"]
        );
        assert_eq!(
            [moment("2026-11-30T09:15:00.123456789Z"), moment("never")],
            ["2026-11-30T09:15:00Z", "never"]
        );
        assert_eq!([dollars(3.1), dollars(0.0)], ["$3.10", "$0.00"]);
    }
}
