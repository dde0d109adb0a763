//! Unicode's normalization form C, in which Terraform holds every text: the key of a state is another than the bytes in the file
//! if those are decomposed, as macOS writes names.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

/// From the Unicode Character Database; its first lines say how it is written.
const DATA: &str = include_str!("nfc.txt");

/// Below it, every character is as it should be.
const FIRST_MARK: char = '\u{300}';

#[derive(Default)]
struct Tables {
    decomposed: HashMap<char, Vec<char>>,
    composed: HashMap<(char, char), char>,
    class: HashMap<char, u8>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(Tables::read);

// Of Hangul, whose syllables are counted through: https://www.unicode.org/versions/latest/core-spec/chapter-3/#G24646
const SYLLABLE: u32 = 0xac00;
const LEADING: u32 = 0x1100;
const VOWEL: u32 = 0x1161;
/// One before the first.
const TRAILING: u32 = 0x11a7;
const VOWELS: u32 = 21;
const TRAILINGS: u32 = 28;
const SYLLABLES: u32 = 19 * VOWELS * TRAILINGS;

/// The text in normalization form C.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c < FIRST_MARK) {
        return Cow::Borrowed(text);
    }
    let mut all = vec![];
    text.chars().for_each(|c| decompose(c, &mut all));
    // Marks in the order of their classes; what is between two characters of class 0 stays between them.
    for marks in all.chunk_by_mut(|one, other| class(*one) != 0 && class(*other) != 0) {
        marks.sort_by_key(|c| class(*c));
    }
    Cow::Owned(compose(&all))
}

fn class(c: char) -> u8 {
    TABLES.class.get(&c).copied().unwrap_or(0)
}

fn decompose(c: char, all: &mut Vec<char>) {
    if let Some(parts) = TABLES.decomposed.get(&c) {
        return parts.iter().for_each(|part| decompose(*part, all));
    }
    match u32::from(c).checked_sub(SYLLABLE).filter(|index| *index < SYLLABLES) {
        Some(index) => {
            let (leading, vowel, trailing) = (index / (VOWELS * TRAILINGS), index % (VOWELS * TRAILINGS) / TRAILINGS, index % TRAILINGS);
            let parts = [Some(LEADING + leading), Some(VOWEL + vowel), (trailing > 0).then_some(TRAILING + trailing)];
            all.extend(parts.into_iter().flatten().filter_map(char::from_u32));
        }
        None => all.push(c),
    }
}

fn compose(all: &[char]) -> String {
    let mut out: Vec<char> = vec![];
    // The last character of class 0, and the class of what was put behind it.
    let mut starter: Option<usize> = None;
    let mut last = 0;
    for c in all.iter().copied() {
        let class = class(c);
        // A mark reaches the starter unless one of its own class, or of a higher one, is between them.
        let reached = starter.filter(|at| *at + 1 == out.len() || (last != 0 && last < class));
        if let Some(at) = reached
            && let Some(composed) = pair(out[at], c)
        {
            out[at] = composed;
            continue;
        }
        if class == 0 {
            starter = Some(out.len());
        }
        last = class;
        out.push(c);
    }
    out.into_iter().collect()
}

fn pair(one: char, other: char) -> Option<char> {
    let within = |c: char, start: u32, count: u32| u32::from(c).checked_sub(start).filter(|index| *index < count);
    if let (Some(leading), Some(vowel)) = (within(one, LEADING, 19), within(other, VOWEL, VOWELS)) {
        return char::from_u32(SYLLABLE + (leading * VOWELS + vowel) * TRAILINGS);
    }
    if let (Some(syllable), Some(trailing)) = (within(one, SYLLABLE, SYLLABLES), within(other, TRAILING, TRAILINGS))
        && syllable % TRAILINGS == 0
        && trailing > 0
    {
        return char::from_u32(u32::from(one) + trailing);
    }
    TABLES.composed.get(&(one, other)).copied()
}

impl Tables {
    fn read() -> Self {
        let mut tables = Self::default();
        let of_hex = |hex: &str| u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
        for entry in DATA.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split(' ')) {
            if let Some((range, class)) = entry.split_once(':') {
                let ends = range.split_once('-').and_then(|(first, last)| Some((of_hex(first)?, of_hex(last)?)));
                if let (Some((first, last)), Ok(class)) = (ends, class.parse()) {
                    tables.class.extend((first..=last).map(|c| (c, class)));
                }
            } else if let Some((whole, parts)) = entry.split_once(['=', '>']) {
                let parts: Vec<char> = parts.split('+').filter_map(of_hex).collect();
                let Some(whole) = of_hex(whole) else { continue };
                if let ([one, other], true) = (&parts[..], entry.contains('=')) {
                    tables.composed.insert((*one, *other), whole);
                }
                tables.decomposed.insert(whole, parts);
            }
        }
        tables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_composed() {
        for (text, expected) in [
            ("gr\u{f6}\u{df}e", "gr\u{f6}\u{df}e"),
            ("gro\u{308}\u{df}e", "gr\u{f6}\u{df}e"),
            // Marks in any order; one that does not compose stays.
            ("a\u{323}\u{302}", "\u{1ead}"),
            ("a\u{302}\u{323}", "\u{1ead}"),
            ("a\u{302}\u{302}\u{323}", "\u{1ead}\u{302}"),
            ("q\u{307}\u{323}", "q\u{323}\u{307}"),
            // One of the same class keeps the next from its letter.
            ("a\u{5ae}\u{300}\u{301}", "\u{e0}\u{5ae}\u{301}"),
            ("\u{212b}", "\u{c5}"),
            ("\u{2126}\u{f900}", "\u{3a9}\u{8c48}"),
            ("\u{958}", "\u{915}\u{93c}"),
            ("\u{1100}\u{1161}\u{11a8}", "\u{ac01}"),
            ("\u{ac00}\u{11a8}\u{ac01}\u{11a8}", "\u{ac01}\u{ac01}\u{11a8}"),
            ("\u{301}a", "\u{301}a"),
            ("", ""),
        ] {
            assert_eq!(nfc(text), expected, "{text}");
            assert_eq!(nfc(expected), expected, "once is enough: {text}");
        }
    }

    #[test]
    fn the_tables_are_complete() {
        let Tables { decomposed, composed, class } = &*TABLES;
        assert_eq!((decomposed.len(), composed.len(), class.len()), (2061, 941, 912));
    }
}
