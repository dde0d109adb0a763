//! The one sanitizer: no text from outside can move the cursor, colour, hide or reorder anything.

use std::{borrow::Cow, fmt::Write};

/// `text` on one line, with every character that a terminal would act on, or that a reader could
/// not see, shown as an escape: `\n`, `\u{1b}`, `\u{202e}`.
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) => write!(out, "\\u{{{:x}}}", c as u32).expect("a string takes all that is written"),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether a character acts on a terminal, reorders what is around it, or takes no room.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, Arabic letter mark, Hangul fillers, Mongolian vowel separator.
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{180b}'..='\u{180f}'
            // Zero width, and the marks of direction.
            | '\u{200b}'..='\u{200f}'
            // Line and paragraph separators; embeddings and overrides of direction.
            | '\u{2028}'..='\u{202e}'
            // Invisible operators; isolates of direction; deprecated format characters.
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Variation selectors change what stands before them, and can carry hidden data, as tags can.
            | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_visible() {
        assert_eq!(safe("\x1b]52;c;aGk=\x07\x1b[2J"), r"\u{1b}]52;c;aGk=\u{7}\u{1b}[2J");
        assert_eq!(safe("a\u{202e}gpj.tfstate"), r"a\u{202e}gpj.tfstate");
        assert_eq!(safe("one\r\n\ttwo"), r"one\r\n\ttwo");
        assert_eq!(safe("\u{9b}31m\u{7f}\u{2028}\u{200b}\u{feff}\u{2066}"), r"\u{9b}31m\u{7f}\u{2028}\u{200b}\u{feff}\u{2066}");
        assert!(matches!(safe("Zürich – 東京 🦀"), Cow::Borrowed("Zürich – 東京 🦀")));
    }

    fn hostile() -> impl Strategy<Value = String> {
        let nasty = prop_oneof![
            any::<char>(),
            proptest::char::range('\0', '\u{9f}'),
            proptest::char::range('\u{2000}', '\u{2070}'),
            Just('\u{feff}'),
            Just('\u{e0041}'),
        ];
        proptest::collection::vec(nasty, 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(text in hostile()) {
            let out = safe(&text);
            prop_assert!(!out.contains(is_unsafe), "{out:?}");
            let listed = |c: char| {
                let control = c < ' ' || ('\u{7f}'..='\u{9f}').contains(&c);
                control || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
            };
            prop_assert!(!out.contains(listed), "{out:?}");
            prop_assert_eq!(safe(&out), out.as_ref(), "twice is once");
        }

        #[test]
        fn all_else_is_left_as_it_is(text in "[ -~äöüßé東京→✓]{0,40}") {
            prop_assert_eq!(safe(&text), text.as_str());
        }
    }
}
