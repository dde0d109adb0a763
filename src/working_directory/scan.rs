//! The blocks that choose a backend, found in any text that Terraform takes: what else is there is only passed over.
//!
//! No parser but HashiCorp's own takes all that Terraform takes. So none is asked for more than the arguments of a block that
//! was found, each by itself.

use std::{ops::Range, path::Path};

use hcl_edit::structure::Body;

use super::{
    bounded::Unreadable,
    lexer::{Lexer, Malformed, Token},
    value::{self, Argument, Spot, Value},
};
use crate::lines::LineIndex;

/// Names of the blocks within `terraform` that choose a backend.
pub const NAMES: [&str; 3] = ["backend", "cloud", "state_store"];

/// A block that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundBlock {
    /// One of [`NAMES`].
    pub name: &'static str,
    /// As it is written, with its quotes.
    label: Option<Range<usize>>,
    /// Where its name is.
    at: usize,
    pub body: FoundBody,
}

/// The arguments of a block or of a partial configuration, as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundBody {
    items: Vec<Item>,
}

/// An argument or a block of its body.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    name: Range<usize>,
    is_block: bool,
    /// All its tokens.
    tokens: Vec<Range<usize>>,
}

/// What was found in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    pub blocks: Vec<FoundBlock>,
    /// All tokens of these blocks, and the heads and ends of the `terraform` blocks around them.
    tokens: Vec<Range<usize>>,
}

/// The head of an argument or block.
enum Head {
    Argument { name: Range<usize> },
    Block { name: Range<usize>, label: Option<Range<usize>> },
}

/// Goes through a text, and notes the tokens that may be kept.
struct Scanner<'t> {
    text: &'t [u8],
    lexer: Lexer<'t>,
    noted: Vec<Range<usize>>,
    is_noting: bool,
}

/// Finds the blocks of `text`.
///
/// # Errors
/// If the text is not HCL: Terraform refuses it as well.
pub fn scan(text: &[u8]) -> Result<Scan, Malformed> {
    let mut scanner = Scanner { text, lexer: Lexer::new(text), noted: vec![], is_noting: true };
    let mut found = Scan::default();
    loop {
        scanner.noted.clear();
        match scanner.head()? {
            None => break,
            Some(Head::Block { name, label: None }) if &text[name.clone()] == b"terraform" => scanner.terraform(&mut found)?,
            Some(head) => scanner.skip(&head)?,
        }
    }
    scanner.must_be_at_end()?;
    Ok(found)
}

/// The arguments at the top of `text`, which is a partial configuration.
///
/// # Errors
/// As [`scan`].
pub fn partial(text: &[u8]) -> Result<FoundBody, Malformed> {
    let mut scanner = Scanner { text, lexer: Lexer::new(text), noted: vec![], is_noting: true };
    let body = scanner.body(&mut vec![])?;
    scanner.must_be_at_end()?;
    Ok(body)
}

impl Scanner<'_> {
    fn next(&mut self) -> Result<(Token, Range<usize>), Malformed> {
        let (token, place) = self.lexer.next()?;
        if self.is_noting {
            self.noted.push(place.clone());
        }
        Ok((token, place))
    }

    /// The head of the next item; `None` before the end of the body.
    fn head(&mut self) -> Result<Option<Head>, Malformed> {
        let name = loop {
            let before = (self.lexer, self.noted.len());
            match self.next()? {
                (Token::Newline, _) => {}
                (Token::Identifier, name) => break name,
                (Token::Close(b'}') | Token::End, _) => {
                    self.lexer = before.0;
                    self.noted.truncate(before.1);
                    return Ok(None);
                }
                (_, place) => return Err(Malformed { at: place.start }),
            }
        };
        let mut label = None;
        loop {
            match self.next()? {
                (Token::Equals, _) if label.is_none() => return Ok(Some(Head::Argument { name })),
                (Token::Open(b'{'), _) => return Ok(Some(Head::Block { name, label })),
                (Token::Identifier | Token::Quoted, place) => drop(label.get_or_insert(place)),
                (_, place) => return Err(Malformed { at: place.start }),
            }
        }
    }

    fn must_be_at_end(&mut self) -> Result<(), Malformed> {
        match self.next()? {
            (Token::End, _) => Ok(()),
            (_, place) => Err(Malformed { at: place.start }),
        }
    }

    /// To the end of the line, or before the brace that ends the body.
    fn skip_expression(&mut self) -> Result<(), Malformed> {
        let (mut open, mut is_first) = (vec![], true);
        loop {
            let before = (self.lexer, self.noted.len());
            match self.next()? {
                (Token::Newline | Token::End | Token::Close(_), place) if is_first => return Err(Malformed { at: place.start }),
                (Token::Newline, _) if open.is_empty() => return Ok(()),
                (Token::Close(b'}') | Token::End, _) if open.is_empty() => {
                    self.lexer = before.0;
                    self.noted.truncate(before.1);
                    return Ok(());
                }
                (token, place) => balance(&mut open, token, place.start)?,
            }
            is_first = false;
        }
    }

    /// Passes over an item that does not matter, however long it is.
    fn skip(&mut self, head: &Head) -> Result<(), Malformed> {
        self.is_noting = false;
        let skipped = match head {
            Head::Argument { .. } => self.skip_expression(),
            Head::Block { .. } => self.skip_block(),
        };
        self.is_noting = true;
        skipped
    }

    /// To the brace that ends a block whose head is behind.
    fn skip_block(&mut self) -> Result<(), Malformed> {
        let mut open = vec![(b'{', self.noted.last().map_or(0, |brace| brace.start))];
        while !open.is_empty() {
            let (token, place) = self.next()?;
            balance(&mut open, token, place.start)?;
        }
        Ok(())
    }

    /// The brace that ends a body.
    fn end(&mut self, opened: usize) -> Result<(), Malformed> {
        match self.next()? {
            (Token::Close(b'}'), _) => Ok(()),
            _ => Err(Malformed { at: opened }),
        }
    }

    fn terraform(&mut self, found: &mut Scan) -> Result<(), Malformed> {
        let mut kept = std::mem::take(&mut self.noted);
        let opened = kept.last().map_or(0, |brace| brace.start);
        let before = found.blocks.len();
        loop {
            self.noted.clear();
            match self.head()? {
                None => break,
                Some(head @ Head::Argument { .. }) => self.skip(&head)?,
                Some(Head::Block { name, label }) => match NAMES.iter().find(|known| known.as_bytes() == &self.text[name.clone()]) {
                    Some(known) => {
                        let opened = self.noted.last().map_or(0, |brace| brace.start);
                        let body = self.body(&mut kept)?;
                        self.end(opened)?;
                        kept.append(&mut self.noted);
                        found.blocks.push(FoundBlock { name: known, label, at: name.start, body });
                    }
                    None => self.skip(&Head::Block { name, label })?,
                },
            }
        }
        self.noted.clear();
        self.end(opened)?;
        kept.append(&mut self.noted);
        if found.blocks.len() > before {
            found.tokens.append(&mut kept);
        }
        Ok(())
    }

    /// What is in it, up to its end. Its tokens, and those noted before, go to `kept`.
    fn body(&mut self, kept: &mut Vec<Range<usize>>) -> Result<FoundBody, Malformed> {
        let mut items = vec![];
        loop {
            kept.append(&mut self.noted);
            let (name, is_block) = match self.head()? {
                None => return Ok(FoundBody { items }),
                Some(Head::Argument { name }) => {
                    self.skip_expression()?;
                    (name, false)
                }
                Some(Head::Block { name, .. }) => {
                    self.skip_block()?;
                    (name, true)
                }
            };
            let tokens = self.noted.iter().skip_while(|place| place.start < name.start).cloned().collect();
            items.push(Item { name, is_block, tokens });
        }
    }
}

/// Keeps what is open, each with its place.
fn balance(open: &mut Vec<(u8, usize)>, token: Token, at: usize) -> Result<(), Malformed> {
    match token {
        Token::Open(bracket) => open.push((bracket, at)),
        Token::Close(bracket) => match (open.pop(), bracket) {
            (Some((b'{', _)), b'}') | (Some((b'[', _)), b']') | (Some((b'(', _)), b')') => {}
            _ => return Err(Malformed { at }),
        },
        Token::End => return Err(Malformed { at: open.last().map_or(at, |(_, opened)| *opened) }),
        _ => {}
    }
    Ok(())
}

impl FoundBlock {
    /// Its first label as text; empty without one.
    pub fn label(&self, text: &[u8]) -> String {
        let Some(written) = self.label.clone().and_then(|place| std::str::from_utf8(&text[place]).ok()) else { return String::new() };
        if !written.starts_with('"') {
            return written.to_owned();
        }
        let body = format!("x = {written}\n").parse::<Body>().ok();
        let value = body.and_then(|body| body.get_attribute("x").map(|x| Value::of_hcl("x", &x.value)));
        value.and_then(|value| value.as_text().map(str::to_owned)).unwrap_or_default()
    }

    /// The line of its name, from 1.
    pub fn line(&self, text: &[u8]) -> usize {
        line(text, self.at)
    }
}

impl FoundBody {
    /// Whether one of these blocks is in it.
    pub fn has_block(&self, text: &[u8], names: &[&str]) -> bool {
        self.items.iter().any(|item| item.is_block && names.iter().any(|name| name.as_bytes() == &text[item.name.clone()]))
    }

    /// Its arguments, in their order. What the parser does not take, and Terraform may, is no literal.
    ///
    /// # Errors
    /// If there are too many, or one is not text.
    pub fn arguments(&self, text: &[u8], path: &Path) -> Result<Vec<Argument>, Unreadable> {
        if self.items.len() > value::MOST {
            return Err(value::too_many(path));
        }
        let (mut at, mut line) = (0, 1);
        let argument = |Item { name, tokens, .. }: &Item| {
            line += newlines(&text[at..name.start]);
            at = name.start;
            let not_text = |_| Unreadable::new(path, format!("is not valid UTF-8 at line {line}"));
            let written = String::from_utf8(without_comments(text, tokens)).map_err(not_text)?;
            let parsed = match written.parse::<Body>() {
                Ok(body) => value::arguments_of(&body, &LineIndex::of(&written), path)?.pop(),
                Err(_) => None,
            };
            let unparsed = || (String::from_utf8_lossy(&text[name.clone()]).into_owned(), Value::NotLiteral);
            let (name, value) = parsed.map_or_else(unparsed, |argument| (argument.name, argument.value));
            Ok(Argument { name, value, at: Spot { path: path.to_owned(), line: Some(line) } })
        };
        self.items.iter().map(argument).collect()
    }
}

impl Scan {
    /// The text with nothing left in it but the blocks that were found, each byte where it was: what was found in the one has
    /// the same place in the other.
    pub fn only_blocks(&self, text: &str) -> String {
        let mut only: Vec<u8> = text.bytes().map(|byte| if byte == b'\n' { byte } else { b' ' }).collect();
        for place in &self.tokens {
            only[place.clone()].copy_from_slice(&text.as_bytes()[place.clone()]);
        }
        // Tokens of a text end where characters end.
        String::from_utf8(only).unwrap_or_default()
    }
}

/// The tokens with spaces between them, lines kept.
fn without_comments(text: &[u8], tokens: &[Range<usize>]) -> Vec<u8> {
    let (mut out, mut at) = (vec![], tokens.first().map_or(0, |first| first.start));
    for place in tokens {
        out.extend(text[at..place.start].iter().map(|_| b' '));
        out.extend_from_slice(&text[place.clone()]);
        at = place.end;
    }
    out
}

fn newlines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

fn line(text: &[u8], at: usize) -> usize {
    newlines(&text[..at]) + 1
}

/// Why a text is no HCL, without any of the text.
pub fn error(text: &[u8], Malformed { at }: Malformed) -> String {
    let before = &text[..at.min(text.len())];
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    format!("is not valid HCL at line {}, column {column}", line(text, before.len()))
}

#[cfg(test)]
mod tests;
