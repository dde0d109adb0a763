//! The tokens of HCL, as far as they tell where a block begins and ends.
//!
//! In bytes, as Terraform's own scanner: it takes any encoding in a comment. Templates are passed
//! over whole, and no nesting is too deep.

use std::ops::Range;

/// A token without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HclToken {
    Newline,
    Identifier,
    /// A quoted template, with all that is interpolated in it.
    Quoted,
    /// From `<<` to the delimiter at its end.
    Heredoc,
    /// `{`, `[` or `(`.
    Open(u8),
    /// `}`, `]` or `)`.
    Close(u8),
    /// `=` alone.
    Equals,
    Other,
    End,
}

/// The text is not HCL; where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HclError {
    pub at: usize,
}

/// Templates and interpolations that are open at once. Terraform runs out of stack before.
const DEEPEST: usize = 1 << 20;

/// Reads a text token by token. Spaces and comments are passed over.
#[derive(Clone, Copy, Debug)]
pub(super) struct HclLexer<'t> {
    text: &'t [u8],
    at: usize,
}

/// An open construct in a template.
enum OpenTemplate<'t> {
    /// `"`, and where it began.
    Quote(usize),
    /// The delimiter, and where it began.
    Heredoc(&'t [u8], usize),
    /// `${` or `%{`.
    Interpolation,
    Brace,
}

impl<'t> HclLexer<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The next token, and its place.
    ///
    /// # Errors
    /// If a comment, a string or a heredoc does not end.
    pub(super) fn next(&mut self) -> Result<(HclToken, Range<usize>), HclError> {
        self.skip_spaces()?;
        let start = self.at;
        let two = self.text.get(start..start + 2);
        let (token, length) = match self.peek() {
            None => (HclToken::End, 0),
            Some(b'\n') => (HclToken::Newline, 1),
            Some(b'"') => {
                self.at += 1;
                self.skip_template(OpenTemplate::Quote(start))?;
                return Ok((HclToken::Quoted, start..self.at));
            }
            Some(b'<') => match self.heredoc_start() {
                Some(delimiter) => {
                    self.skip_template(OpenTemplate::Heredoc(delimiter, start))?;
                    return Ok((HclToken::Heredoc, start..self.at));
                }
                None => (HclToken::Other, 1),
            },
            Some(open @ (b'{' | b'[' | b'(')) => (HclToken::Open(open), 1),
            Some(close @ (b'}' | b']' | b')')) => (HclToken::Close(close), 1),
            Some(b'=') if two == Some(b"==") || two == Some(b"=>") => (HclToken::Other, 2),
            Some(b'=') => (HclToken::Equals, 1),
            Some(byte) if begins_identifier(byte) => {
                (HclToken::Identifier, self.identifier_length(start))
            }
            Some(_) => (HclToken::Other, 1),
        };
        self.at = start + length;
        Ok((token, start..self.at))
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn starts_with(&self, start: &[u8]) -> bool {
        self.text[self.at..].starts_with(start)
    }

    fn skip_spaces(&mut self) -> Result<(), HclError> {
        while self.starts_with(b" ")
            || self.starts_with(b"\t")
            || self.starts_with(b"\r")
            || self.skip_comment()?
        {
            self.at += usize::from(matches!(self.peek(), Some(b' ' | b'\t' | b'\r')));
        }
        Ok(())
    }

    /// Returns whether one was there. The newline at its end stays.
    fn skip_comment(&mut self) -> Result<bool, HclError> {
        let rest = &self.text[self.at..];
        if rest.starts_with(b"#") || rest.starts_with(b"//") {
            self.at += rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len());
            return Ok(true);
        }
        if rest.starts_with(b"/*") {
            let end = rest[2..].windows(2).position(|two| two == b"*/");
            self.at += end.ok_or(HclError { at: self.at })? + 4;
            return Ok(true);
        }
        Ok(false)
    }

    fn identifier_length(&self, start: usize) -> usize {
        let inside = |byte: &u8| begins_identifier(*byte) || byte.is_ascii_digit() || *byte == b'-';
        self.text[start..]
            .iter()
            .take_while(|byte| inside(byte))
            .count()
    }

    /// The delimiter of a heredoc that begins here, in which case its first line is behind. There
    /// is nothing between the delimiter and the end of that line.
    fn heredoc_start(&mut self) -> Option<&'t [u8]> {
        let text: &'t [u8] = self.text;
        let rest = text[self.at..].strip_prefix(b"<<")?;
        let rest = rest.strip_prefix(b"-").unwrap_or(rest);
        let start = text.len() - rest.len();
        let length = rest
            .first()
            .filter(|byte| begins_identifier(**byte))
            .map(|_| self.identifier_length(start))?;
        let behind = rest[length..]
            .strip_prefix(b"\r")
            .unwrap_or(&rest[length..])
            .strip_prefix(b"\n")?;
        self.at = text.len() - behind.len();
        Some(&rest[..length])
    }

    /// Passes over a template that has begun, with all that is nested in it.
    fn skip_template(&mut self, outermost: OpenTemplate<'t>) -> Result<(), HclError> {
        let mut open = vec![outermost];
        let mut is_line_start = true;
        while let Some(inner) = open.last() {
            if open.len() > DEEPEST {
                return Err(HclError { at: self.at });
            }
            let Some(byte) = self.peek() else {
                let begun = open.iter().rev().find_map(|open| match open {
                    OpenTemplate::Quote(at) | OpenTemplate::Heredoc(_, at) => Some(*at),
                    OpenTemplate::Interpolation | OpenTemplate::Brace => None,
                });
                return Err(HclError {
                    at: begun.unwrap_or(self.at),
                });
            };
            match inner {
                OpenTemplate::Quote(_) if byte == b'"' => {
                    self.at += 1;
                    open.pop();
                }
                OpenTemplate::Quote(begun) if byte == b'\n' => return Err(HclError { at: *begun }),
                OpenTemplate::Quote(_) if byte == b'\\' => {
                    self.at += if self.starts_with(b"\\\n") {
                        1
                    } else {
                        2.min(self.text.len() - self.at)
                    }
                }
                OpenTemplate::Heredoc(delimiter, _)
                    if is_line_start && self.line() == *delimiter =>
                {
                    self.at += self.text[self.at..]
                        .windows(delimiter.len())
                        .position(|some| some == *delimiter)
                        .unwrap_or(0);
                    self.at += delimiter.len();
                    open.pop();
                    is_line_start = false;
                }
                OpenTemplate::Quote(_) | OpenTemplate::Heredoc(..) => {
                    is_line_start = byte == b'\n';
                    let rest = &self.text[self.at + 1..];
                    match byte {
                        // Doubled, it is text.
                        b'$' | b'%' if rest.starts_with(&[byte, b'{']) => self.at += 3,
                        b'$' | b'%' if rest.starts_with(b"{") => {
                            self.at += 2;
                            open.push(OpenTemplate::Interpolation);
                        }
                        _ => self.at += 1,
                    }
                }
                OpenTemplate::Interpolation | OpenTemplate::Brace => {
                    if self.skip_comment()? {
                        continue;
                    }
                    if byte == b'<'
                        && let Some(delimiter) = self.heredoc_start()
                    {
                        open.push(OpenTemplate::Heredoc(delimiter, self.at));
                        is_line_start = true;
                        continue;
                    }
                    self.at += 1;
                    match byte {
                        b'"' => open.push(OpenTemplate::Quote(self.at - 1)),
                        b'{' => open.push(OpenTemplate::Brace),
                        b'}' => {
                            open.pop();
                            is_line_start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// The rest of the line, trimmed as Go's `bytes.TrimSpace` does it.
    fn line(&self) -> &'t [u8] {
        let text: &'t [u8] = self.text;
        let line = text[self.at..]
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        std::str::from_utf8(line).map_or_else(|_| line.trim_ascii(), |line| line.trim().as_bytes())
    }
}

/// Bytes of other scripts are taken for letters.
fn begins_identifier(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}
