//! The sanitizer: no external text can move the cursor, color, hide or reorder output, or pass a
//! command to the CI system that reads the output of a job.

use crate::text::invisible::is_invisible;
use std::{borrow::Cow, fmt::Write};

/// Prefixes of CI commands that are recognized anywhere in a line: GitHub Actions (`##[`), Azure
/// Pipelines, TeamCity.
const COMMANDS: [&str; 3] = ["##[", "##vso[", "##teamcity["];

/// Returns `text` on one line, with control and invisible characters shown as escapes: `\n`,
/// `\u{1b}`, `\u{202e}`. The first character of a CI command is escaped, too: `\u{3a}:add-mask::`.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) && !text.contains("::") && !text.contains("##") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    // Text is wrapped at spaces, so that any word may start a line.
    let mut starts_word = true;
    for (at, c) in text.char_indices() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_invisible(c)
                || is_command(&text[at..])
                || starts_word && is_workflow_command(&text[at..]) =>
            {
                write!(out, "\\u{{{:x}}}", c as u32).expect("writing to a string never fails");
            }
            c => out.push(c),
        }
        starts_word = c.is_whitespace() && !is_invisible(c);
    }
    Cow::Owned(out)
}

/// In characters: longer than a state key or an ARN.
const LONGEST_WORD: usize = 1_100;
/// In characters: longer than any message of tfbackend on one line.
const LONGEST_LINE: usize = 16_384;
/// The number of characters that are kept of longer ones.
const SHOWN: usize = 100;

/// Returns a line of readable length: a word or line that is too long is replaced by its beginning
/// and length.
pub(crate) fn shortened(line: &str) -> Cow<'_, str> {
    if line.len() <= LONGEST_WORD {
        return Cow::Borrowed(line);
    }
    let cut = |text: &str, longest: usize| match text.chars().count() {
        count if count > longest => format!(
            "{}… ({count} characters)",
            text.chars().take(SHOWN).collect::<String>()
        ),
        _ => text.to_owned(),
    };
    let words: String = line
        .split_inclusive(char::is_whitespace)
        .map(|word| {
            let bare = word.trim_end();
            cut(bare, LONGEST_WORD) + &word[bare.len()..]
        })
        .collect();
    Cow::Owned(cut(&words, LONGEST_LINE))
}

/// Returns whether an argument is longer than what is shown of it.
pub(crate) fn is_too_long(text: &str) -> bool {
    text.len() > LONGEST_WORD
}

/// Returns whether `text` starts with a CI command that is recognized anywhere in a line.
pub(super) fn is_command(text: &str) -> bool {
    COMMANDS.iter().any(|command| {
        text.get(..command.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(command))
    })
}

/// Returns whether `text` starts with a GitHub Actions command that is recognized at the start of a
/// line, after any white space.
fn is_workflow_command(text: &str) -> bool {
    text.strip_prefix("::")
        .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_visible() {
        assert_eq!(
            safe("\x1b]52;c;aGk=\x07\x1b[2J"),
            r"\u{1b}]52;c;aGk=\u{7}\u{1b}[2J"
        );
        assert_eq!(safe("a\u{202e}gpj.tfstate"), r"a\u{202e}gpj.tfstate");
        assert_eq!(safe("one\r\n\ttwo"), r"one\r\n\ttwo");
        assert_eq!(
            safe("\u{9b}31m\u{7f}\u{2028}\u{200b}\u{feff}\u{2066}"),
            r"\u{9b}31m\u{7f}\u{2028}\u{200b}\u{feff}\u{2066}"
        );
        assert!(matches!(
            safe("Zürich – 東京 🦀"),
            Cow::Borrowed("Zürich – 東京 🦀")
        ));
    }

    #[test]
    fn commands_to_ci_systems_are_text() {
        assert_eq!(safe("::add-mask::x.tfstate"), r"\u{3a}:add-mask::x.tfstate");
        assert_eq!(
            safe("a \u{a0}::set-output name=x::y ::error::z"),
            "a \u{a0}\\u{3a}:set-output name=x::y \\u{3a}:error::z"
        );
        assert_eq!(
            safe("##vso[task.setvariable variable=A]b"),
            r"\u{23}#vso[task.setvariable variable=A]b"
        );
        assert_eq!(
            safe("a###[add-mask]b ##VSO[x] ##TeamCity[y]"),
            r"a#\u{23}#[add-mask]b \u{23}#VSO[x] \u{23}#TeamCity[y]"
        );
        for text in [
            "provider::aws::arn",
            "::1",
            "https://[::1]:443",
            "a::b ::",
            "## Heading [x]",
            "#[x] ##",
        ] {
            assert_eq!(safe(text), text);
        }
    }

    fn hostile() -> impl Strategy<Value = String> {
        let nasty = prop_oneof![
            any::<char>(),
            proptest::char::range('\0', '\u{9f}'),
            proptest::char::range('\u{2000}', '\u{2070}'),
            Just('\u{feff}'),
            Just('\u{e0041}'),
        ];
        let piece = prop_oneof![
            4 => nasty.prop_map(String::from),
            1 => proptest::sample::select(vec!["::add-mask::", "##[", "##vso[", "##teamcity[", " ", ":", "#"]).prop_map(str::to_owned),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(text in hostile()) {
            let out = safe(&text);
            prop_assert!(!out.contains(is_invisible), "{out:?}");
            let listed = |c: char| {
                let control = c < ' ' || ('\u{7f}'..='\u{9f}').contains(&c);
                control || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
            };
            prop_assert!(!out.contains(listed), "{out:?}");
            prop_assert!(COMMANDS.iter().all(|command| !out.to_ascii_lowercase().contains(command)), "{out:?}");
            prop_assert!(out.split(char::is_whitespace).all(|word| !is_workflow_command(word)), "{out:?}");
            prop_assert_eq!(safe(&out), out.as_ref(), "twice is once");
        }

        #[test]
        fn all_else_is_left_as_it_is(text in "[ -~äöüßé東京→✓]{0,40}") {
            prop_assume!(!text.contains("::") && !text.contains("##"));
            prop_assert_eq!(safe(&text), text.as_str());
        }
    }
}
