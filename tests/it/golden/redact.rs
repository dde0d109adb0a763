//! Placeholders for what differs from run to run: times, ages and sums. `Place` has those of ports,
//! folders and UUIDs.

/// Shapes in which `9` stands for a digit.
const TIMES: [&str; 6] = [
    "9999-99-99T99:99:99",
    "9999-99-99 99:99:99",
    "9999-99-99 99:99",
    "99999999T999999Z",
    "9999-99-99",
    "99:99:99",
];

/// Of what was said.
pub(super) fn redact(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", sums(&gaps(&ages(&times(line))))))
        .collect()
}

/// Of a file, whose spaces are its own.
pub(super) fn redact_file(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", sums(&times(line))))
        .collect()
}

/// Of a policy's language, which does not change.
const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];

fn times(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let in_number = out.ends_with(|c: char| c.is_ascii_alphanumeric());
        let is_version = VERSIONS.iter().any(|version| rest.starts_with(version));
        let hidden = !in_number && !is_version;
        match TIMES
            .iter()
            .find(|shape| hidden && begins_with(rest, shape))
        {
            Some(shape) => {
                out.push_str("[time]");
                let after = &rest[shape.len()..];
                let fraction = after.strip_prefix('.').map_or("", |fraction| {
                    &fraction[..fraction.bytes().take_while(u8::is_ascii_digit).count()]
                });
                rest = if fraction.is_empty() {
                    after
                } else {
                    &after[1 + fraction.len()..]
                };
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

/// Fields of JSON that are durations.
const DURATIONS: [&str; 2] = ["\"milliseconds\": ", "\"age_seconds\": "];

/// How long something took, or has been so.
fn ages(line: &str) -> String {
    for field in DURATIONS {
        if let Some((before, number)) = line.split_once(field) {
            let comma = if number.ends_with(',') { "," } else { "" };
            return format!("{before}{field}[number]{comma}");
        }
    }
    let mut out = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let len = duration(rest);
        let after = &rest[len..];
        let is_age = after.starts_with(" ago")
            || ["held for only ", "Age: ", "  "]
                .iter()
                .any(|before| out.ends_with(before))
            || (out.ends_with(" for ") && after.starts_with(", since "))
            || (out.ends_with('(') && after.starts_with(')'));
        if len > 0 && is_age && !out.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            out.push_str("[age]");
            rest = after;
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// Two spaces between columns: how wide one is depends on the times, paths and ages in it.
fn gaps(line: &str) -> String {
    let text = line.trim_start();
    let indent = &line[..line.len() - text.len()];
    let columns: Vec<&str> = text
        .split("  ")
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect();
    format!("{indent}{}", columns.join("  "))
}

/// The bytes of `5 s`, `331 d 17 h` or `4m 10s` that `text` begins with.
fn duration(text: &str) -> usize {
    let mut len = 0;
    loop {
        let rest = &text[len..];
        let number = rest.trim_start_matches(' ');
        let unit = number.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_number = unit.len() < number.len();
        let unit = unit.strip_prefix(' ').unwrap_or(unit);
        let Some(end) = unit
            .strip_prefix(['d', 'h', 'm', 's'])
            .filter(|_| is_number)
        else {
            break;
        };
        if end.starts_with(|c: char| c.is_ascii_alphabetic()) || (len == 0 && rest.starts_with(' '))
        {
            break;
        }
        len = text.len() - end.len();
    }
    len
}

/// What a rendered file and a saved plan say of their own text, which has a key in it.
fn sums(line: &str) -> String {
    let is_sum =
        |text: &&str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = line
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(is_sum);
    words.fold(line.to_owned(), |line, sum| line.replace(sum, "[sha256]"))
}

fn begins_with(text: &str, shape: &str) -> bool {
    text.len() >= shape.len()
        && text
            .bytes()
            .zip(shape.bytes())
            .all(|(byte, shape)| match shape {
                b'9' => byte.is_ascii_digit(),
                other => byte == other,
            })
}

#[test]
fn times_and_nothing_else_are_hidden() {
    for (text, hidden) in [
        ("at 2026-11-21T07:00:52.123Z", "at [time]Z"),
        ("x-20261121T154500Z.tar.zst", "x-[time].tar.zst"),
        ("2026-11-21 07:00 UTC", "[time] UTC"),
        ("2026-11-21T07:00:52Z    2", "[time]Z  2"),
        ("Since: 477660m 10s ago", "Since: [age] ago"),
        ("since then (331 d 17 h)", "since then ([age])"),
        ("  Age: 331 d 17 h", "  Age: [age]"),
        ("ID      331 d 17 h    ci", "ID  [age]  ci"),
        ("held for only 5 s: 90 days", "held for only [age]: 90 days"),
        ("  \"milliseconds\": 12,", "  \"milliseconds\": [number],"),
        (
            "serial 12, 119 checks, 1.11.4",
            "serial 12, 119 checks, 1.11.4",
        ),
        ("\"2012-10-17\" 2026-10-17.", "\"2012-10-17\" [time]."),
    ] {
        assert_eq!(redact(text), format!("{hidden}\n"));
    }
}
