//! The changes of a file: a unified diff for a file of tfbackend, and argument names for any other
//! file.

use crate::text::invisible::is_invisible;
use std::collections::BTreeMap;

use diffy::{DiffOptions, PatchFormatter};
use hcl_edit::structure::{Block, Body};

use crate::terraform::read::{ArgumentValue, arguments};

/// From `old`, which must be a file as we wrote it, to `new`. What could act on a terminal is left
/// out.
pub(crate) fn unified(name: &str, old: &str, new: &str) -> String {
    let ((old, more_old), (new, more_new)) = (shown(old), shown(new));
    let mut options = DiffOptions::new();
    options
        .set_context_len(3)
        .set_original_filename(name.to_owned())
        .set_modified_filename(format!("{name} (tfbackend)"));
    let diff = options.create_patch(&old, &new);
    bounded(
        &PatchFormatter::new()
            .suppress_blank_empty(false)
            .fmt_patch(&diff)
            .to_string(),
        more_old + more_new,
    )
}

/// From `old`, which tfbackend did not write, to `new`: which arguments come (`+`), go (`-`) and
/// change (`~`).
///
/// None of its values and comments are in it. Settings may name any file of the user's, and no list
/// of names or forms knows every secret.
pub(crate) fn by_argument(name: &str, old: &str, new: &str) -> String {
    let lines = old.lines().count();
    let head = format!(
        "--- {name} (content of {lines} line{} not shown)\n+++ {name} (tfbackend)\n",
        if lines == 1 { "" } else { "s" }
    );
    let (Some(theirs), Some(ours)) = (named(old), named(new)) else {
        return head + "its arguments are unknown: it is not HCL, or is too large\n";
    };
    let gone = theirs
        .keys()
        .filter(|name| !ours.contains_key(*name))
        .map(|name| ('-', name));
    let other = ours
        .iter()
        .filter_map(|(name, value)| match theirs.get(name) {
            None => Some(('+', name)),
            Some(there) if there != value => Some(('~', name)),
            Some(_) => None,
        });
    let mut names: Vec<(char, &String)> = gone.chain(other).collect();
    names.sort_by_key(|(_, name)| *name);
    if names.is_empty() {
        return head + "its arguments are the same; comments or layout differ\n";
    }
    let text: String = names
        .iter()
        .take(NAMES)
        .map(|(sign, name)| format!("{sign}{}\n", shown_name(name)))
        .collect();
    let more = names.len().saturating_sub(NAMES);
    head + &text
        + &(if more > 0 {
            format!("… and {more} more\n")
        } else {
            String::new()
        })
}

/// The maximum number of listed arguments, and of characters of each.
const NAMES: usize = 50;
const NAME: usize = 80;
/// In bytes: what is larger is not taken apart.
const LARGEST: usize = 256 << 10;

/// Every argument by its path, as in `terraform.backend "s3".encrypt`. Nothing of what is not HCL.
fn named(text: &str) -> Option<BTreeMap<String, ArgumentValue>> {
    let body: Body = if text.len() > LARGEST {
        return None;
    } else {
        text.parse().ok()?
    };
    let mut all = BTreeMap::new();
    collect(&body, "", &mut all);
    Some(all)
}

fn collect(body: &Body, path: &str, all: &mut BTreeMap<String, ArgumentValue>) {
    for attribute in body.attributes() {
        let name = attribute.key.to_string();
        all.insert(
            format!("{path}{name}"),
            ArgumentValue::of_hcl(&name, &attribute.value),
        );
    }
    for block in body.blocks() {
        let title = format!("{path}{}", title(block));
        if block.body.is_empty() {
            all.insert(title, ArgumentValue::Null);
        } else {
            collect(&block.body, &format!("{title}."), all);
        }
    }
}

fn title(block: &Block) -> String {
    let is_plain = |label: &str| {
        label.len() <= 64
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    };
    let label = |label: &str| {
        if is_plain(label) {
            format!(" \"{label}\"")
        } else {
            " …".to_owned()
        }
    };
    block
        .labels
        .iter()
        .fold(block.ident.to_string(), |title, next| {
            title + &label(next.as_str())
        })
}

fn shown_name(name: &str) -> String {
    let visible = |c: char| if is_invisible(c) { '\u{fffd}' } else { c };
    let cut = if name.chars().nth(NAME).is_some() {
        "…"
    } else {
        ""
    };
    name.chars().take(NAME).map(visible).collect::<String>() + cut
}

/// More lines than any file of tfbackend has; a longer file was written by the user, who knows its
/// content.
const LINES: usize = 200;
const CHARS: usize = 400;
/// The maximum number of compared lines of a file: more would take quadratic time, and would not be
/// shown.
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
    let compared = text
        .split_terminator('\n')
        .take(COMPARED)
        .map(|line| shown_line(line) + "\n")
        .collect();
    (compared, text.split_terminator('\n').skip(COMPARED).count())
}

/// A file of ours has no credential, unless an endpoint has one.
fn shown_line(line: &str) -> String {
    let line: String = line
        .chars()
        .map(|c| {
            if is_invisible(c) && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    let (name, value) = line.split_once('=').unwrap_or(("", &line));
    let value = value.trim().trim_matches('"');
    match arguments::is_secret(name.trim(), value) {
        true if name.is_empty() => "(sensitive)".to_owned(),
        true => format!("{name}= (sensitive)"),
        false => line,
    }
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
        let diff = unified(
            "backend.conf",
            &format!("{}\n{}", "é".repeat(1000), "# x\n".repeat(1000)),
            "bucket = \"a\"\n",
        );
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
        assert!(
            diff.ends_with(&format!("… and {} more lines\n", 2_000_000 + 3 - LINES)),
            "{}",
            &diff[diff.len() - 100..]
        );
    }

    #[test]
    fn hides_secrets_and_controls() {
        let old = "secret_key=\"CANARY\"\n  token = \"CANARY\"\n  s3 = \"https://user:CANARY@proxy\"\nhttps://a:CANARY@b\nmy_token = 1\nkey = \"\u{1b}[2J\u{202e}\"";
        assert_snapshot!(unified("backend.conf", old, ""), @r#"
        --- backend.conf
        +++ backend.conf (tfbackend)
        @@ -1,6 +0,0 @@
        -secret_key= (sensitive)
        -  token = (sensitive)
        -  s3 = (sensitive)
        -(sensitive)
        -my_token = 1
        -key = "�[2J�"
        "#);
    }

    #[test]
    fn of_what_is_not_ours_only_names_are_shown() {
        let ours = "# ours\nbucket = \"b\"\nkey = \"k\"\n";
        assert_snapshot!(by_argument("backend.conf", "key = \"CANARY\" # CANARY\nhttps_proxy = \"http://user:CANARY@p\"\nbucket = \"b\"\nsecret_key /* CANARY */ = <<EOT\nCANARY\nEOT\n", ours), @"
        --- backend.conf (content of 6 lines not shown)
        +++ backend.conf (tfbackend)
        -https_proxy
        ~key
        -secret_key
        ");
        assert_snapshot!(by_argument("backend.tf", "terraform {\n  backend \"local\" {}\n  backend \"CANARY CANARY\" { x = 1 }\n}\n", "terraform {\n  backend \"s3\" {\n    encrypt = true\n  }\n}\n"), @r#"
        --- backend.tf (content of 4 lines not shown)
        +++ backend.tf (tfbackend)
        -terraform.backend "local"
        +terraform.backend "s3".encrypt
        -terraform.backend ….x
        "#);
        for foreign in [
            "[default]\naws_secret_access_key = CANARY\n",
            "CANARY",
            "{ \"secret_key\": \"CANARY\" }",
            &format!("x = \"{}\"", "CANARY".repeat(60_000)),
        ] {
            let diff = by_argument("credentials.conf", foreign, ours);
            assert!(
                !diff.contains("CANARY")
                    && diff
                        .ends_with("its arguments are unknown: it is not HCL, or is too large\n"),
                "{diff}"
            );
        }
        assert!(
            by_argument("a", "bucket = \"b\"\nkey = \"k\"", ours)
                .ends_with("its arguments are the same; comments or layout differ\n")
        );
        let many: String = (0..60)
            .map(|number| format!("a{number} = \"CANARY\"\n"))
            .collect();
        assert!(by_argument("a", &many, ours).ends_with("… and 12 more\n"));
        assert!(
            by_argument("a", &format!("{} = 1", "a".repeat(1000)), ours)
                .lines()
                .all(|line| line.chars().count() < 100)
        );
    }
}
