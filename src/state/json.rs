//! Parses JSON like Go, without keeping it: numbers keep their text, nesting can have any depth,
//! and invalid UTF-8 or an unpaired surrogate is U+FFFD.

use std::{
    borrow::Cow,
    hash::{BuildHasher, DefaultHasher, Hash},
    ops::Range,
};

use super::fingerprint::{KEYS, ValueFingerprint, ValueShape};

/// The rest of a text that is known to be JSON. Each function reads one value; `None` means that
/// the text is not JSON after all.
pub(crate) struct JsonWalk<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A value that is neither an object nor a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum JsonScalar<'a> {
    Text(String),
    /// The unmodified text.
    Number(&'a str),
    Null,
    /// A boolean, or a skipped object or list.
    Other,
}

enum JsonToken<'a> {
    Object,
    List,
    End,
    /// A comma or a colon.
    Between,
    /// With its quotes.
    Text(&'a [u8]),
    /// `null`, `true`, `false` or a number.
    Word(&'a str),
}

/// The parent of a value.
enum JsonLevel {
    List(DefaultHasher),
    Object {
        fields: ValueFingerprint,
        /// The field whose value is next.
        name: Option<String>,
    },
}

impl<'a> JsonWalk<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Calls `field` with the name of each field, whose value it reads. Another value has no
    /// fields.
    pub(crate) fn object(
        &mut self,
        mut field: impl FnMut(&mut Self, String) -> Option<()>,
    ) -> Option<()> {
        if self.peek()? != b'{' {
            return self.skip();
        }
        self.at += 1;
        loop {
            match self.token()? {
                JsonToken::End => return Some(()),
                JsonToken::Between => {}
                JsonToken::Text(name) => {
                    self.token()?;
                    field(self, decoded(name))?;
                }
                JsonToken::Object | JsonToken::List | JsonToken::Word(_) => return None,
            }
        }
    }

    /// Calls `item` for each item, which it reads. Another value has no items.
    pub(crate) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if self.peek()? != b'[' {
            return self.skip();
        }
        self.at += 1;
        loop {
            match self.peek()? {
                b']' => {
                    self.at += 1;
                    return Some(());
                }
                b',' => self.at += 1,
                _ => item(self)?,
            }
        }
    }

    pub(crate) fn scalar(&mut self) -> Option<JsonScalar<'a>> {
        if matches!(self.peek()?, b'{' | b'[') {
            self.skip()?;
            return Some(JsonScalar::Other);
        }
        match self.token()? {
            JsonToken::Text(text) => Some(JsonScalar::Text(decoded(text))),
            JsonToken::Word("null") => Some(JsonScalar::Null),
            JsonToken::Word("true" | "false") => Some(JsonScalar::Other),
            JsonToken::Word(number) => Some(JsonScalar::Number(number)),
            JsonToken::Object | JsonToken::List | JsonToken::End | JsonToken::Between => None,
        }
    }

    /// Skips a value and returns its position.
    pub(crate) fn place(&mut self) -> Option<Range<usize>> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        Some(start..self.at)
    }

    /// Reads a text; the inner `None` means another type.
    pub(crate) fn text(&mut self) -> Option<Option<String>> {
        let JsonScalar::Text(text) = self.scalar()? else {
            return Some(None);
        };
        Some(Some(text))
    }

    pub(crate) fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.token()? {
                JsonToken::Object | JsonToken::List => depth += 1,
                JsonToken::End => depth = depth.checked_sub(1)?,
                JsonToken::Between if depth == 0 => return None,
                JsonToken::Between | JsonToken::Text(_) | JsonToken::Word(_) => {}
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// The order of fields makes no difference.
    pub(crate) fn fingerprint(&mut self) -> Option<ValueFingerprint> {
        let mut levels: Vec<JsonLevel> = vec![];
        loop {
            let value = match self.token()? {
                JsonToken::Between => continue,
                JsonToken::List => {
                    let mut hasher = KEYS.build_hasher();
                    ValueShape::List.hash(&mut hasher);
                    levels.push(JsonLevel::List(hasher));
                    continue;
                }
                JsonToken::Object => {
                    levels.push(JsonLevel::Object {
                        fields: ValueFingerprint::nothing(),
                        name: None,
                    });
                    continue;
                }
                JsonToken::End => match levels.pop()? {
                    JsonLevel::List(hasher) => ValueFingerprint::finished(&hasher),
                    JsonLevel::Object { fields, .. } => {
                        ValueFingerprint::of((ValueShape::Object, fields))
                    }
                },
                JsonToken::Text(text) => {
                    let text = decoded(text);
                    if let Some(JsonLevel::Object {
                        name: name @ None, ..
                    }) = levels.last_mut()
                    {
                        *name = Some(text);
                        continue;
                    }
                    ValueFingerprint::of((ValueShape::Text, text))
                }
                JsonToken::Word("null") => ValueFingerprint::of(ValueShape::Nothing),
                JsonToken::Word(word @ ("true" | "false")) => {
                    ValueFingerprint::of((ValueShape::Bool, word))
                }
                JsonToken::Word(number) => ValueFingerprint::of((ValueShape::Number, number)),
            };
            match levels.last_mut() {
                None => return Some(value),
                Some(JsonLevel::List(hasher)) => value.hash(hasher),
                Some(JsonLevel::Object { fields, name }) => {
                    *fields = fields.with(&name.take()?, value)
                }
            }
        }
    }

    /// Returns the next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.bytes.get(self.at..)?;
        self.at += rest.iter().position(|byte| !b" \t\r\n".contains(byte))?;
        self.bytes.get(self.at).copied()
    }

    fn token(&mut self) -> Option<JsonToken<'a>> {
        let first = self.peek()?;
        let start = self.at;
        self.at += 1;
        match first {
            b'{' => return Some(JsonToken::Object),
            b'[' => return Some(JsonToken::List),
            b'}' | b']' => return Some(JsonToken::End),
            b',' | b':' => return Some(JsonToken::Between),
            b'"' => {
                self.at = end_of_text(self.bytes, start)?;
                return Some(JsonToken::Text(&self.bytes[start..self.at]));
            }
            _ => {}
        }
        let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let length = self.bytes[start..]
            .iter()
            .take_while(|byte| is_of_word(byte))
            .count();
        self.at = start + length;
        let word = std::str::from_utf8(&self.bytes[start..self.at]).ok()?;
        (length > 0).then_some(JsonToken::Word(word))
    }
}

/// Returns the position after the text that begins at `at`.
fn end_of_text(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at + 1;
    loop {
        match bytes.get(end)? {
            b'"' => return Some(end + 1),
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
}

/// Returns JSON as Go's `encoding/json` reads it: each invalid UTF-8 byte and each unpaired
/// surrogate is one U+FFFD.
pub(crate) fn as_go_reads(json: &[u8]) -> Cow<'_, str> {
    let mut text = match std::str::from_utf8(json) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let chunks = json.utf8_chunks();
            Cow::Owned(
                chunks
                    .flat_map(|chunk| {
                        [
                            chunk.valid().to_owned(),
                            "\u{fffd}".repeat(chunk.invalid().len()),
                        ]
                    })
                    .collect(),
            )
        }
    };
    let mut at = 0;
    while let Some(escape) = text.get(at..).and_then(|rest| rest.find('\\')) {
        at += escape;
        let half = |at: usize| surrogate(text.as_bytes().get(at..at + 6)?);
        at += match (half(at), half(at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(_), _) => {
                text.to_mut().replace_range(at..at + 6, "\\ufffd");
                6
            }
            // Another escape, of at least two characters.
            (None, _) => 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
        };
    }
    text
}

/// Returns the surrogate of such an escape.
fn surrogate(escape: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16)
        .ok()
        .filter(|unit| is_hex && (0xD800..=0xDFFF).contains(unit))
}

/// Returns the text between the quotes, as Go reads it.
pub(crate) fn decoded(quoted: &[u8]) -> String {
    serde_json::from_str(&as_go_reads(quoted)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
