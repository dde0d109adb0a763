//! Wraps text at spaces to a width.

use unicode_width::UnicodeWidthStr;

/// Returns the width of `text` in a terminal, for text without escapes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Returns lines of at most `width` columns: the first starts with `first`, all others with `rest`.
/// A word that is too long is not broken, and neither is a command in backticks, so that it can be
/// copied.
pub(crate) fn wrap(first: &str, rest: &str, text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![];
    let mut line = first.to_owned();
    let mut empty = true;
    for word in words(text) {
        if !empty && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    // A single backtick is literal.
    let mut left = text.matches('`').count() / 2 * 2;
    let mut quoted = false;
    text.split(move |c: char| {
        if c == '`' && left > 0 {
            left -= 1;
            quoted = !quoted;
        }
        c == ' ' && !quoted
    })
}

/// Pads `text` with spaces to `columns`.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn breaks_at_spaces_and_hangs() {
        assert_eq!(
            wrap("- ", "  ", "one two three", 9),
            ["- one two", "  three"]
        );
        assert_eq!(
            wrap("", "  ", "see arn:aws:s3:::bucket now", 10),
            ["see", "  arn:aws:s3:::bucket", "  now"]
        );
        assert_eq!(
            wrap("", "  ", "run `tfbackend plan --env prod` first", 12),
            ["run", "  `tfbackend plan --env prod`", "  first"]
        );
        assert_eq!(wrap("", "", "a ` is a tick", 6), ["a ` is", "a tick"]);
        assert_eq!(wrap("x", "", "", 10), ["x"]);
        assert_eq!(wrap("", "", "東京 東京", 5), ["東京", "東京"]);
    }

    proptest! {
        #[test]
        fn fits_and_loses_nothing(words in proptest::collection::vec("[a-z東]{1,12}", 1..20), columns in 1usize..60) {
            let text = words.join(" ");
            let lines = wrap("> ", "  ", &text, columns);
            for line in &lines {
                prop_assert!(width(line) <= columns || !line[2..].contains(' '), "{line:?}");
            }
            prop_assert_eq!(lines.iter().map(|line| &line[2..]).collect::<Vec<_>>().join(" "), text);
        }
    }
}
