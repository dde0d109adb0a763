//! The blocks that choose a backend, found in any text that Terraform takes: what else is there is
//! only passed over.
//!
//! No parser but HashiCorp's own takes all that Terraform takes. So none is asked for more than the
//! arguments of a block that was found, each by itself.

use std::ops::Range;

use super::{
    lexer::{HclError, HclLexer, HclToken},
    value,
};

mod contents;

/// Names of the blocks within `terraform` that choose a backend.
pub(crate) const NAMES: [&str; 3] = ["backend", "cloud", "state_store"];

/// The argument of `terraform` that says which versions may run.
pub(crate) const REQUIRED_VERSION: &str = "required_version";

/// The longest argument that is looked into, in bytes. No backend takes a longer one.
const LONGEST: usize = 256 << 10;
/// The maximum analyzed size of one file, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// The maximum number of blocks per file: Terraform fails at the second.
pub(crate) const MOST_BLOCKS: usize = 100;
/// Brackets that are open at once. Terraform runs out of stack before.
const DEEPEST: usize = 1 << 20;

/// A block that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundBlock {
    /// One of [`NAMES`].
    pub name: &'static str,
    /// As it is written, with its quotes.
    label: Option<Range<usize>>,
    /// The offset of its name.
    at: usize,
    /// The offset behind the brace that ends it.
    end: usize,
    pub body: FoundBody,
}

/// The arguments of a block or of a partial configuration, as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FoundBody {
    items: Vec<ScannedItem>,
}

/// An argument or a block of its body.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ScannedItem {
    name: Range<usize>,
    is_block: bool,
    /// All its tokens; none of what is too long.
    tokens: Vec<Range<usize>>,
}

/// The result of scanning a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HclScan {
    pub blocks: Vec<FoundBlock>,
    /// Each [`REQUIRED_VERSION`].
    pub required_versions: FoundBody,
    /// All tokens of these blocks, and the heads and ends of the `terraform` blocks around them.
    tokens: Vec<Range<usize>>,
    /// True if some of them were too long, or too many.
    is_cut: bool,
}

/// The head of an argument or block.
enum ScannedHead {
    Argument {
        name: Range<usize>,
    },
    Block {
        name: Range<usize>,
        label: Option<Range<usize>>,
        opened: usize,
    },
}

/// Goes through a text, and notes the tokens that may be kept.
struct HclScanner<'t> {
    text: &'t [u8],
    lexer: HclLexer<'t>,
    noted: Vec<Range<usize>>,
    is_noting: bool,
    /// No token that ends behind this is noted.
    until: usize,
    /// True if there was one since this was asked.
    is_cut: bool,
    /// The remaining size that may be recorded, in bytes.
    left: usize,
}

/// Finds the blocks of `text`.
///
/// # Errors
/// If the text is not HCL: Terraform refuses it as well.
pub(crate) fn scan(text: &[u8]) -> Result<HclScan, HclError> {
    let mut scanner = HclScanner::new(text);
    let mut found = HclScan::default();
    loop {
        scanner.noted.clear();
        match scanner.head()? {
            None => break,
            Some(ScannedHead::Block {
                name,
                label: None,
                opened,
            }) if &text[name.clone()] == b"terraform" => scanner.terraform(opened, &mut found)?,
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
pub(crate) fn partial(text: &[u8]) -> Result<FoundBody, HclError> {
    let mut scanner = HclScanner::new(text);
    let body = scanner.body(&mut HclScan::default())?;
    scanner.must_be_at_end()?;
    Ok(body)
}

impl<'t> HclScanner<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self {
            text,
            lexer: HclLexer::new(text),
            noted: vec![],
            is_noting: true,
            until: usize::MAX,
            is_cut: false,
            left: MOST_BYTES,
        }
    }

    fn next(&mut self) -> Result<(HclToken, Range<usize>), HclError> {
        let (token, place) = self.lexer.next()?;
        if self.is_noting {
            match place.end <= self.until {
                true => self.noted.push(place.clone()),
                false => self.is_cut = true,
            }
        }
        Ok((token, place))
    }

    /// Returns whether all was noted since the last head.
    fn was_whole(&mut self) -> bool {
        !std::mem::take(&mut self.is_cut)
    }

    /// The head of the next item; `None` before the end of the body.
    fn head(&mut self) -> Result<Option<ScannedHead>, HclError> {
        (self.until, self.is_cut) = (usize::MAX, false);
        let name = loop {
            let before = (self.lexer, self.noted.len());
            match self.next()? {
                (HclToken::Newline, _) => self.noted.truncate(before.1),
                (HclToken::Identifier, name) => break name,
                (HclToken::Close(b'}') | HclToken::End, _) => {
                    self.lexer = before.0;
                    self.noted.truncate(before.1);
                    return Ok(None);
                }
                (_, place) => return Err(HclError { at: place.start }),
            }
        };
        let mut label = None;
        self.until = name.start + LONGEST.min(self.left);
        loop {
            match self.next()? {
                (HclToken::Equals, _) if label.is_none() => {
                    return Ok(Some(ScannedHead::Argument { name }));
                }
                (HclToken::Open(b'{'), brace) => {
                    return Ok(Some(ScannedHead::Block {
                        name,
                        label,
                        opened: brace.start,
                    }));
                }
                (HclToken::Identifier | HclToken::Quoted, place) => _ = label.get_or_insert(place),
                (_, place) => return Err(HclError { at: place.start }),
            }
        }
    }

    fn must_be_at_end(&mut self) -> Result<(), HclError> {
        match self.next()? {
            (HclToken::End, _) => Ok(()),
            (_, place) => Err(HclError { at: place.start }),
        }
    }

    /// To the end of the line, or before the brace that ends the body.
    fn skip_expression(&mut self) -> Result<(), HclError> {
        let (mut open, mut is_first) = (vec![], true);
        loop {
            let before = (self.lexer, self.noted.len(), self.is_cut);
            match self.next()? {
                (HclToken::Newline | HclToken::End | HclToken::Close(_), place) if is_first => {
                    return Err(HclError { at: place.start });
                }
                (end @ (HclToken::Newline | HclToken::Close(b'}') | HclToken::End), _)
                    if open.is_empty() =>
                {
                    if end != HclToken::Newline {
                        self.lexer = before.0;
                    }
                    self.noted.truncate(before.1);
                    self.is_cut = before.2;
                    return Ok(());
                }
                (token, place) => balance(&mut open, token, place.start)?,
            }
            is_first = false;
        }
    }

    /// Passes over an item that does not matter, however long it is.
    fn skip(&mut self, head: &ScannedHead) -> Result<(), HclError> {
        self.is_noting = false;
        let skipped = match head {
            ScannedHead::Argument { .. } => self.skip_expression(),
            ScannedHead::Block { opened, .. } => self.skip_block(*opened),
        };
        self.is_noting = true;
        skipped
    }

    /// To the brace that ends a block whose head is behind.
    fn skip_block(&mut self, opened: usize) -> Result<(), HclError> {
        let mut open = vec![(b'{', opened)];
        while !open.is_empty() {
            let (token, place) = self.next()?;
            balance(&mut open, token, place.start)?;
        }
        Ok(())
    }

    /// The brace that ends a body, and the offset behind it.
    fn end(&mut self, opened: usize) -> Result<usize, HclError> {
        match self.next()? {
            (HclToken::Close(b'}'), place) => Ok(place.end),
            _ => Err(HclError { at: opened }),
        }
    }

    /// The body of a `terraform` block whose head is behind.
    fn terraform(&mut self, opened: usize, found: &mut HclScan) -> Result<(), HclError> {
        let mut here = HclScan {
            tokens: std::mem::take(&mut self.noted),
            ..HclScan::default()
        };
        loop {
            self.noted.clear();
            match self.head()? {
                None => break,
                Some(ScannedHead::Argument { name })
                    if &self.text[name.clone()] == REQUIRED_VERSION.as_bytes() =>
                {
                    self.skip_expression()?;
                    let item = self.item(name, false);
                    if found.required_versions.items.len() + here.required_versions.items.len()
                        < MOST_BLOCKS
                    {
                        here.required_versions.items.push(item);
                    }
                }
                Some(head @ ScannedHead::Argument { .. }) => self.skip(&head)?,
                Some(ScannedHead::Block {
                    name,
                    label,
                    opened,
                }) => {
                    match NAMES
                        .iter()
                        .find(|known| known.as_bytes() == &self.text[name.clone()])
                    {
                        Some(known) => {
                            here.is_cut |= !self.was_whole();
                            self.left = self.left.saturating_sub(opened - name.start);
                            let body = self.body(&mut here)?;
                            let end = self.end(opened)?;
                            self.keep_noted(&mut here);
                            if found.blocks.len() + here.blocks.len() < MOST_BLOCKS {
                                here.blocks.push(FoundBlock {
                                    name: known,
                                    label,
                                    at: name.start,
                                    end,
                                    body,
                                });
                            } else {
                                here.is_cut = true;
                            }
                        }
                        None => self.skip(&ScannedHead::Block {
                            name,
                            label,
                            opened,
                        })?,
                    }
                }
            }
        }
        self.noted.clear();
        self.end(opened)?;
        self.keep_noted(&mut here);
        found
            .required_versions
            .items
            .append(&mut here.required_versions.items);
        if !here.blocks.is_empty() {
            found.tokens.append(&mut here.tokens);
        }
        found.blocks.append(&mut here.blocks);
        found.is_cut |= here.is_cut;
        Ok(())
    }

    /// Scans a body to its end. Adds its tokens, and those recorded before, to `found`.
    fn body(&mut self, found: &mut HclScan) -> Result<FoundBody, HclError> {
        let mut items = vec![];
        loop {
            self.keep_noted(found);
            let (name, is_block) = match self.head()? {
                None => return Ok(FoundBody { items }),
                Some(ScannedHead::Argument { name }) => {
                    self.skip_expression()?;
                    (name, false)
                }
                Some(ScannedHead::Block { name, opened, .. }) => {
                    self.skip_block(opened)?;
                    (name, true)
                }
            };
            found.is_cut |= self.is_cut || items.len() > value::MOST;
            let item = self.item(name, is_block);
            // One more tells that there are too many.
            if items.len() > value::MOST {
                self.noted.clear();
            } else {
                items.push(item);
            }
        }
    }

    fn keep_noted(&mut self, found: &mut HclScan) {
        if found.is_cut {
            (self.noted, found.tokens) = (vec![], vec![]);
        } else {
            found.tokens.append(&mut self.noted);
        }
    }

    /// The item that was just passed over.
    fn item(&mut self, name: Range<usize>, is_block: bool) -> ScannedItem {
        let whole = self.was_whole();
        if !whole {
            self.noted.clear();
        }
        let tokens: Vec<Range<usize>> = self
            .noted
            .iter()
            .skip_while(|place| place.start < name.start)
            .cloned()
            .collect();
        self.left = self
            .left
            .saturating_sub(tokens.last().map_or(0, |last| last.end - name.start));
        ScannedItem {
            name,
            is_block,
            tokens,
        }
    }
}

/// Keeps what is open, each with its place.
fn balance(open: &mut Vec<(u8, usize)>, token: HclToken, at: usize) -> Result<(), HclError> {
    match token {
        HclToken::Open(_) if open.len() == DEEPEST => return Err(HclError { at }),
        HclToken::Open(bracket) => open.push((bracket, at)),
        HclToken::Close(bracket) => match (open.pop(), bracket) {
            (Some((b'{', _)), b'}') | (Some((b'[', _)), b']') | (Some((b'(', _)), b')') => {}
            _ => return Err(HclError { at }),
        },
        HclToken::End => {
            return Err(HclError {
                at: open.last().map_or(at, |(_, opened)| *opened),
            });
        }
        _ => {}
    }
    Ok(())
}

fn newlines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

fn line(text: &[u8], at: usize) -> usize {
    newlines(&text[..at]) + 1
}

/// Returns the position of a syntax error in HCL, without any of the text.
pub(crate) fn error(text: &[u8], HclError { at }: HclError) -> String {
    let before = &text[..at.min(text.len())];
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    format!(
        "is not valid HCL at line {}, column {column}",
        line(text, before.len())
    )
}

#[cfg(test)]
mod tests;
