//! Text from outside in HTML and XML: it is shown, and never becomes a part of the page.

use crate::report::safe::safe;

/// `text` on one line, with nothing in it that HTML or XML would read, in an attribute or outside
/// of one.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in safe(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML 1.0 has no way at all to write these two; control characters are escaped by
            // `safe`.
            '\u{fffe}' => out.push_str("\\u{fffe}"),
            '\u{ffff}' => out.push_str("\\u{ffff}"),
            c => out.push(c),
        }
    }
    out
}

/// A text of prose and names, as HTML: what is not plainly a word of a sentence, and what stands in
/// backticks, is `<code>`. There nobody is mentioned, nothing becomes a link, and no sign of
/// another markup means anything.
pub fn prose(text: &str) -> String {
    let text = safe(text);
    let mut pieces = text.split('`').peekable();
    let mut quoted = false;
    let mut out = String::new();
    while let Some(piece) = pieces.next() {
        // Without a second backtick, the first one opens nothing.
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

/// What sets a finding right: a command as one piece, or prose.
pub fn mend(text: &str) -> String {
    if super::is_command(text) {
        code(text)
    } else {
        prose(text)
    }
}

/// The id of a check, which leads to the vendor's page on the subject.
pub fn linked(id: &str, docs: &str) -> String {
    super::vendor_page(docs).map_or_else(
        || code(id),
        |page| format!("<a href=\"{}\">{}</a>", escape(page), code(id)),
    )
}

/// `<code>`, or nothing if there is nothing to put into it.
pub fn code(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("<code>{}</code>", escape(text))
    }
}

/// A word as it is if it cannot be anything else, otherwise as code; sentence marks around it stay
/// outside.
fn word(word: &str) -> String {
    let inner = word.trim_start_matches('(');
    let before = &word[..word.len() - inner.len()];
    // A bracket that was opened inside is closed inside.
    let closing = |c: char| ",.;:!?".contains(c) || c == ')' && !inner.contains('(');
    let inner = inner.trim_end_matches(closing);
    let after = &word[before.len() + inner.len()..];
    if is_plain(inner) {
        format!("{before}{inner}{after}")
    } else {
        format!("{before}{}{after}", code(inner))
    }
}

/// Letters, with single hyphens or apostrophes between them, or a number. What could be a commit's
/// hash is neither.
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
            prose("The bucket is open (to anybody), for 30 days: see it."),
            "The bucket is open (to anybody), for 30 days: see it."
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
