//! Characters that do not show, or that change how others show.

/// Returns whether a character acts on a terminal, reorders its neighbours, or takes no room.
///
/// The marks of direction are those of Unicode's technical report 36 and of "Trojan Source"
/// (CVE-2021-42574).
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, grapheme joiner, Arabic letter mark, fillers, vowel separators.
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}'
            // Zero width, and the marks of direction.
            | '\u{200b}'..='\u{200f}'
            // Line and paragraph separators; embeddings and overrides of direction.
            | '\u{2028}'..='\u{202e}'
            // Invisible operators; isolates of direction; deprecated format characters.
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Variation selectors and tags can carry hidden data.
            | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}
