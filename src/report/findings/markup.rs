//! Escapes external text in HTML and XML, so that it never becomes markup.

use crate::report::safe::safe;

/// Returns `text` on one line, escaped for HTML and XML, inside and outside of attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in safe(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML 1.0 cannot represent these two; control characters are escaped by `safe`.
            '\u{fffe}' => out.push_str("\\u{fffe}"),
            '\u{ffff}' => out.push_str("\\u{ffff}"),
            c => out.push(c),
        }
    }
    out
}

/// Returns prose as HTML: words that are not plain, and text in backticks, become `<code>`, where
/// mentions, links and other markup have no effect.
pub(super) fn prose(text: &str) -> String {
    let text = safe(text);
    let mut pieces = text.split('`').peekable();
    let mut quoted = false;
    let mut out = String::new();
    while let Some(piece) = pieces.next() {
        // A single backtick is literal.
        if quoted && pieces.peek().is_some() {
            out.push_str(&code(piece));
        } else {
            if quoted {
                out.push_str(&code("`"));
            }
            let words: Vec<String> = piece.split(' ').map(word).collect();
            out.push_str(&words.join(" "));
        }
        quoted = !quoted;
    }
    out
}

/// Returns a fix: a command as one `<code>`, or prose.
pub(super) fn remediation(text: &str) -> String {
    if super::is_command(text) {
        code(text)
    } else {
        prose(text)
    }
}

/// Returns the ID of a check, linked to the vendor's documentation.
pub(super) fn linked(id: &str, docs: &str) -> String {
    super::vendor_page(docs).map_or_else(
        || code(id),
        |page| format!("<a href=\"{}\">{}</a>", escape(page), code(id)),
    )
}

/// Returns `<code>`, or an empty text for an empty text.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("<code>{}</code>", escape(text))
    }
}

/// Returns a plain word unchanged, otherwise as code; punctuation around it stays outside.
fn word(word: &str) -> String {
    let inner = word.trim_start_matches('(');
    let before = &word[..word.len() - inner.len()];
    // A bracket that is opened inside is closed inside.
    let closing = |c: char| ",.;:!?".contains(c) || c == ')' && !inner.contains('(');
    let inner = inner.trim_end_matches(closing);
    let after = &word[before.len() + inner.len()..];
    if is_plain(inner) {
        format!("{before}{inner}{after}")
    } else {
        format!("{before}{}{after}", code(inner))
    }
}

/// Returns whether it consists of letters with single hyphens or apostrophes, or is a number. A
/// possible commit hash is neither.
fn is_plain(word: &str) -> bool {
    let hash = word.len() >= 7 && word.chars().all(|c| c.is_ascii_hexdigit());
    let number = word.chars().all(|c| c.is_ascii_digit());
    let letters = word
        .split(['-', '\''])
        .all(|part| !part.is_empty() && part.chars().all(char::is_alphabetic));
    word.is_empty() || (!hash && (number || letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_stand_bare() {
        assert_eq!(
            prose("One's own, [x](http://a.b)."),
            "One's own, <code>[x](http://a.b)</code>."
        );
        assert_eq!(
            prose("The bucket is open (to everyone), for 30 days: see it."),
            "The bucket is open (to everyone), for 30 days: see it."
        );
        assert_eq!(
            prose("SSE-KMS with arn:aws:kms:x, run `tfbackend plan`."),
            "SSE-KMS with <code>arn:aws:kms:x</code>, run <code>tfbackend plan</code>."
        );
        assert_eq!(
            prose("@all #1 www.a.b a.b deadbeef 12345678 ABC-1 **x** :tada: a@b.c"),
            "<code>@all</code> <code>#1</code> <code>www.a.b</code> <code>a.b</code> \
             <code>deadbeef</code> <code>12345678</code> <code>ABC-1</code> <code>**x**</code> \
             <code>:tada</code>: <code>a@b.c</code>"
        );
    }

    #[test]
    fn backticks_pair_up() {
        assert_eq!(prose("a `<b>` c"), "a <code>&lt;b&gt;</code> c");
        assert_eq!(prose("a ` @b"), "a <code>`</code> <code>@b</code>");
        assert_eq!(prose("`"), "<code>`</code>");
        assert_eq!(prose("```@a```"), "<code>@a</code>");
    }

    #[test]
    fn nothing_is_left_to_read() {
        assert_eq!(
            escape("<a href=\"x\" b='&'>\n\u{0}\u{ffff}"),
            "&lt;a href=&quot;x&quot; b=&#39;&amp;&#39;&gt;\\n\\u{0}\\u{ffff}"
        );
    }
}
