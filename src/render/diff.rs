//! What would change in a file, as a unified diff that is fit to be shown.

use diffy::{DiffOptions, PatchFormatter};

use super::hcl;

/// Arguments of a backend whose values are secret, also as keys of JSON.
const SECRET: [&str; 6] = ["access_key", "secret_key", "token", "sse_customer_key", "web_identity_token", "password"];

/// From `old` to `new`. Secrets in it are masked, and what could act on a terminal is left out.
pub fn unified(name: &str, old: &str, new: &str) -> String {
    let ((old, more_old), (new, more_new)) = (shown(old), shown(new));
    let mut options = DiffOptions::new();
    options.set_context_len(3).set_original_filename(name.to_owned()).set_modified_filename(format!("{name} (tfbackend)"));
    let diff = options.create_patch(&old, &new);
    bounded(&PatchFormatter::new().suppress_blank_empty(false).fmt_patch(&diff).to_string(), more_old + more_new)
}

/// More than any file of ours has; what is longer was made by somebody else, who knows what is in it.
const LINES: usize = 200;
const CHARS: usize = 400;
/// How many lines of a file are compared: all others take their time squared, and would not be shown.
const COMPARED: usize = 10 * LINES;

/// `more` lines are not in it.
fn bounded(diff: &str, more: usize) -> String {
    let more = more + diff.lines().count().saturating_sub(LINES);
    let mut out = String::with_capacity(diff.len().min(LINES * CHARS));
    for line in diff.lines().take(LINES) {
        match line.char_indices().nth(CHARS) {
            Some((at, _)) => out.extend([&line[..at], "…\n"]),
            None => out.extend([line, "\n"]),
        }
    }
    if more > 0 {
        out.push_str(&format!("… and {more} more lines\n"));
    }
    out
}

/// The lines that are compared, and how many are not.
fn shown(text: &str) -> (String, usize) {
    // Each with its end, also the last one.
    let compared = text.split_terminator('\n').take(COMPARED).map(|line| shown_line(line) + "\n").collect();
    (compared, text.split_terminator('\n').skip(COMPARED).count())
}

fn shown_line(line: &str) -> String {
    let line: String = line.chars().map(|c| if hcl::is_hidden(c) && c != '\t' { '\u{fffd}' } else { c }).collect();
    match SECRET.iter().filter_map(|name| value_of(name, &line)).min() {
        Some(at) => format!("{} (sensitive)", &line[..at]),
        None => line,
    }
}

/// Where the value of the argument `name` starts in `line`, if it is given one there.
fn value_of(name: &str, line: &str) -> Option<usize> {
    line.match_indices(name).find_map(|(at, _)| {
        let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let rest = &line[at + name.len()..];
        let sign = rest.find(|c| !matches!(c, '"' | ' ' | '\t'))?;
        (!line[..at].ends_with(goes_on) && rest[sign..].starts_with(['=', ':'])).then_some(at + name.len() + sign + 1)
    })
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn shows_what_changes() {
        assert_snapshot!(unified("backend.conf", "bucket = \"a\"\nkey = \"k\"\n", "bucket = \"b\"\nkey = \"k\"\n"), @r#"
        --- backend.conf
        +++ backend.conf (tfbackend)
        @@ -1,2 +1,2 @@
        -bucket = "a"
        +bucket = "b"
         key = "k"
        "#);
    }

    #[test]
    fn what_is_long_is_cut_short() {
        let diff = unified("backend.conf", &format!("{}\n{}", "é".repeat(1000), "# x\n".repeat(1000)), "bucket = \"a\"\n");
        assert_eq!(diff.lines().count(), LINES + 1);
        assert!(diff.ends_with("… and 805 more lines\n"), "{diff}");
        assert!(diff.lines().all(|line| line.chars().count() <= CHARS + 1));
    }

    #[test]
    fn what_is_very_long_takes_no_longer() {
        let (ours, theirs) = ("a\n".repeat(1_000_000), "b\n".repeat(1_000_000));
        let begun = std::time::Instant::now();
        let diff = unified("backend.conf", &theirs, &ours);
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
        assert!(diff.ends_with(&format!("… and {} more lines\n", 2_000_000 + 3 - LINES)), "{}", &diff[diff.len() - 100..]);
    }

    #[test]
    fn hides_secrets_and_controls() {
        let old = "  access_key = \"CANARY\"\nsecret_key=\"CANARY\"\n# token = CANARY\n{ \"secret_key\": \"CANARY\", \"access_key\" : \"CANARY\" }\nterraform { backend \"s3\" { token = \"CANARY\" } }\nmy_token = 1\nkey = \"\u{1b}[2J\u{202e}\"";
        assert_snapshot!(unified("backend.conf", old, ""), @r#"
        --- backend.conf
        +++ backend.conf (tfbackend)
        @@ -1,7 +0,0 @@
        -  access_key = (sensitive)
        -secret_key= (sensitive)
        -# token = (sensitive)
        -{ "secret_key": (sensitive)
        -terraform { backend "s3" { token = (sensitive)
        -my_token = 1
        -key = "�[2J�"
        "#);
    }
}
