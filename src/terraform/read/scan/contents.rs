//! What is in the blocks that were found: labels and arguments, and the text that is left of a
//! file.

use std::{ops::Range, path::Path};

use hcl_edit::structure::Body;

use super::{FoundBlock, FoundBody, HclScan, LONGEST, ScannedItem, line, newlines};
use crate::{
    terraform::read::{
        bounded::UnreadableFile,
        value::{self, ArgumentValue, SourcePosition, SourcedArgument},
    },
    text::lines::LineIndex,
};

impl FoundBlock {
    /// Its first label as text; empty without one.
    pub(crate) fn label(&self, text: &[u8]) -> String {
        let label = self.label.clone().filter(|place| place.len() <= LONGEST);
        let Some(written) = label.and_then(|place| std::str::from_utf8(&text[place]).ok()) else {
            return String::new();
        };
        if !written.starts_with('"') {
            return written.to_owned();
        }
        let body = format!("x = {written}\n").parse::<Body>().ok();
        let value = body.and_then(|body| {
            body.get_attribute("x")
                .map(|x| ArgumentValue::of_hcl("x", &x.value))
        });
        value
            .and_then(|value| value.as_text().map(str::to_owned))
            .unwrap_or_default()
    }

    /// From its name to the brace that ends it.
    pub(crate) fn place(&self) -> Range<usize> {
        self.at..self.end
    }

    /// The line of its name, from 1.
    pub(crate) fn line(&self, text: &[u8]) -> usize {
        line(text, self.at)
    }
}

impl FoundBody {
    /// Returns whether one of these blocks is in it.
    pub(crate) fn has_block(&self, text: &[u8], names: &[&str]) -> bool {
        self.items.iter().any(|item| {
            item.is_block
                && names
                    .iter()
                    .any(|name| name.as_bytes() == &text[item.name.clone()])
        })
    }

    /// Its arguments, in their order. What the parser does not take, and Terraform may, is no
    /// literal; nor is what is too long.
    ///
    /// # Errors
    /// If there are too many, or one is not text.
    pub(crate) fn arguments(
        &self,
        text: &[u8],
        path: &Path,
    ) -> Result<Vec<SourcedArgument>, UnreadableFile> {
        if self.items.len() > value::MOST {
            return Err(value::too_many(path));
        }
        let (mut at, mut line) = (0, 1);
        let argument = |ScannedItem { name, tokens, .. }: &ScannedItem| {
            line += newlines(&text[at..name.start]);
            at = name.start;
            let not_text =
                |_| UnreadableFile::new(path, format!("is not valid UTF-8 at line {line}"));
            let written = String::from_utf8(without_comments(text, tokens)).map_err(not_text)?;
            let parsed = match written.parse::<Body>() {
                Ok(body) => value::arguments_of(&body, &LineIndex::of(&written), path)?.pop(),
                Err(_) => None,
            };
            let shown = &text[name.start..name.end.min(name.start + LONGEST)];
            let unparsed = || {
                (
                    String::from_utf8_lossy(shown).into_owned(),
                    ArgumentValue::NotLiteral,
                )
            };
            let (name, value) =
                parsed.map_or_else(unparsed, |argument| (argument.name, argument.value));
            Ok(SourcedArgument {
                name,
                value,
                at: SourcePosition {
                    path: path.to_owned(),
                    line: Some(line),
                },
            })
        };
        self.items.iter().map(argument).collect()
    }
}

impl HclScan {
    /// The text with nothing left in it but the blocks that were found, each byte where it was:
    /// what was found in the one has the same place in the other. `None` where not all of them
    /// was looked into.
    pub(crate) fn only_blocks(&self, text: &str) -> Option<String> {
        if self.is_cut {
            return None;
        }
        let mut only: Vec<u8> = text
            .bytes()
            .map(|byte| if byte == b'\n' { byte } else { b' ' })
            .collect();
        for place in &self.tokens {
            only[place.clone()].copy_from_slice(&text.as_bytes()[place.clone()]);
        }
        // Tokens of a text end where characters end.
        String::from_utf8(only).ok()
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
