//! Edits the lock arguments in a text of the user: no other byte of it changes.
//!
//! The text is parsed only to find the places; what is written is the text itself with lines put
//! in, taken out, or a value replaced. Other edits are left to the user, with the reason.

use std::ops::Range;

use hcl_edit::{
    Span,
    structure::{Attribute, Body},
};

use super::{
    hcl,
    header::{self, FileHeader},
};
use crate::terraform::read::{SourcedArgument, scan, value::ArgumentValue};

pub(crate) mod json;
mod own;

const FILE: &str = "use_lockfile";
const TABLE: &str = "dynamodb_table";
const BUCKET: &str = "bucket";

/// The wanted lock arguments, and the backend that they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WantedArguments<'a> {
    pub bucket: &'a str,
    /// The table that there is, whether or not it is wanted.
    pub table: Option<&'a str>,
    pub use_table: bool,
    pub use_file: bool,
}

impl WantedArguments<'_> {
    /// Returns whether a text, which may be an ARN, names the table.
    pub(crate) fn is_table(&self, named: &str) -> bool {
        let same = |ours: &str| {
            named == ours
                || named.ends_with(&format!(":table/{ours}"))
                || ours.ends_with(&format!(":table/{named}"))
        };
        self.table.is_some_and(same)
    }
}

/// The position of the arguments in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArgumentForm {
    /// In `backend "s3"` blocks.
    Configuration,
    /// At its top.
    Partial,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LockEdit {
    /// It is about another backend, or about none.
    NotOurs,
    /// No edit is needed.
    Current,
    Edited(String),
    /// The reason why the user has to make the edit.
    ByHand(String),
}

/// The text with the arguments that are wanted.
pub(crate) fn edit(text: &str, form: ArgumentForm, wanted: &WantedArguments<'_>) -> LockEdit {
    let body = match parsed(text, form) {
        Ok(body) => body,
        Err(why) => return LockEdit::ByHand(why),
    };
    let mut changes = vec![];
    let mut ours = false;
    for body in bodies(&body, form) {
        match changes_of(text, body, wanted) {
            Ok(Some(more)) => {
                ours = true;
                changes.extend(more);
            }
            Ok(None) => {}
            Err(why) => return LockEdit::ByHand(why),
        }
    }
    match (ours, changes.is_empty()) {
        (false, _) => LockEdit::NotOurs,
        (true, true) => LockEdit::Current,
        (true, false) => match checked(text, &spliced(text, changes), form) {
            LockEdit::Edited(edited) => LockEdit::Edited(
                own::rewritten(text, wanted)
                    .filter(|_| form == ArgumentForm::Partial)
                    .unwrap_or(edited),
            ),
            by_hand => by_hand,
        },
    }
}

/// The arguments of one backend that choose a lock. What is no plain value is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LockArguments {
    /// `None` where the text leaves it to another.
    pub bucket: Option<String>,
    /// To Terraform, null and an empty name are no table.
    pub table: Option<String>,
    pub use_file: Option<bool>,
}

impl LockArguments {
    /// As they are among the arguments of a block or a file.
    pub(crate) fn of(arguments: &[SourcedArgument]) -> Self {
        // The last of a name counts, as for Terraform.
        Self::from_values(|name| {
            Some(
                arguments
                    .iter()
                    .rfind(|argument| argument.name == name)?
                    .value
                    .clone(),
            )
        })
    }

    fn from_values(value: impl Fn(&str) -> Option<ArgumentValue>) -> Self {
        let text = |name| {
            value(name)
                .and_then(|value| value.as_text().map(str::to_owned))
                .filter(|text| !text.is_empty())
        };
        Self {
            bucket: text(BUCKET),
            table: text(TABLE),
            use_file: value(FILE).and_then(|value| value.as_bool()),
        }
    }
}

/// Those of every backend in the text; of what cannot be read, nothing.
pub(crate) fn read(text: &str, form: ArgumentForm) -> Vec<LockArguments> {
    let Ok(body) = parsed(text, form) else {
        return vec![];
    };
    let of = |body: &Body| {
        LockArguments::from_values(|name| {
            Some(ArgumentValue::of_hcl(
                name,
                &body.get_attribute(name)?.value,
            ))
        })
    };
    bodies(&body, form).into_iter().map(of).collect()
}

/// The arguments with their places in the text. Of a configuration, all but its backend blocks is
/// left out, so that nothing else has to be what the parser takes.
fn parsed(text: &str, form: ArgumentForm) -> Result<Body, String> {
    let malformed = |malformed| scan::error(text.as_bytes(), malformed);
    let only_blocks = match form {
        ArgumentForm::Partial => {
            scan::partial(text.as_bytes()).map_err(malformed)?;
            None
        }
        ArgumentForm::Configuration => {
            let scan = scan::scan(text.as_bytes()).map_err(malformed)?;
            Some(
                scan.only_blocks(text)
                    .ok_or("has arguments that are too long, or too many arguments")?,
            )
        }
    };
    // Terraform may take it all the same.
    let not_parsed = |error: hcl_edit::parser::Error| {
        let at = error.location();
        format!(
            "has syntax at line {}, column {} that cannot be edited safely",
            at.line(),
            at.column()
        )
    };
    only_blocks
        .as_deref()
        .unwrap_or(text)
        .parse()
        .map_err(not_parsed)
}

fn bodies(body: &Body, form: ArgumentForm) -> Vec<&Body> {
    match form {
        ArgumentForm::Partial => vec![body],
        ArgumentForm::Configuration => {
            let inside = body
                .get_blocks("terraform")
                .flat_map(|terraform| terraform.body.get_blocks("backend"));
            inside
                .filter(|backend| {
                    backend
                        .labels
                        .first()
                        .is_some_and(|kind| kind.as_str() == "s3")
                })
                .map(|backend| &backend.body)
                .collect()
        }
    }
}

/// A place in the text, and what is to stand there.
type TextChange = (Range<usize>, String);

/// `None` if it is not about this backend.
fn changes_of(
    text: &str,
    body: &Body,
    wanted: &WantedArguments<'_>,
) -> Result<Option<Vec<TextChange>>, String> {
    let plain = |name: &str| -> Result<Option<(&Attribute, ArgumentValue)>, String> {
        let Some(attribute) = body.get_attribute(name) else {
            return Ok(None);
        };
        match ArgumentValue::of_hcl(name, &attribute.value) {
            ArgumentValue::NotLiteral | ArgumentValue::Secret(_) => {
                Err(format!("`{name}` is not a literal value there"))
            }
            value => Ok(Some((attribute, value))),
        }
    };
    let (bucket, table, file) = (plain(BUCKET)?, plain(TABLE)?, plain(FILE)?);
    let said = |argument: &Option<(&Attribute, ArgumentValue)>| {
        argument.as_ref().and_then(|(_, value)| {
            value
                .as_text()
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        })
    };
    if !is_ours(
        said(&bucket).as_deref(),
        said(&table).as_deref(),
        file.as_ref().map(|(_, value)| value),
        wanted,
    )? {
        return Ok(None);
    }
    let mut changes = vec![];
    let anchor = table
        .as_ref()
        .or(file.as_ref())
        .map(|(attribute, _)| *attribute);
    match (&file, wanted.use_file) {
        (Some((attribute, value)), true) if value.as_bool() != Some(true) => {
            changes.push((span(attribute.value.span())?, "true".to_owned()))
        }
        (Some((attribute, value)), false) if value.as_bool() != Some(false) => {
            changes.push((line_of(text, attribute)?, String::new()))
        }
        (None, true) => changes.push(after(text, body, anchor, FILE, "true")?),
        (Some(_), true | false) | (None, false) => {}
    }
    match (&table, wanted.use_table, wanted.table) {
        (Some((attribute, _)), false, _) => {
            changes.push((line_of(text, attribute)?, String::new()))
        }
        // Null, or empty.
        (Some((attribute, _)), true, Some(name)) if said(&table).is_none() => {
            changes.push((span(attribute.value.span())?, hcl::quoted(name)));
        }
        (None, true, Some(name)) => {
            changes.push(after(text, body, anchor, TABLE, &hcl::quoted(name))?)
        }
        (Some(_), true, _) | (None, false, _) | (None, true, None) => {}
    }
    Ok(Some(changes))
}

/// Returns whether arguments are of the backend that is meant; an error says why this cannot be
/// told or
/// done.
fn is_ours(
    bucket: Option<&str>,
    table: Option<&str>,
    file: Option<&ArgumentValue>,
    wanted: &WantedArguments<'_>,
) -> Result<bool, String> {
    match (bucket, table.map(|table| (table, wanted.is_table(table)))) {
        (Some(bucket), _) if bucket != wanted.bucket => Ok(false),
        (Some(_), Some((named, false))) => Err(match wanted.table {
            Some(ours) => format!(
                "`{TABLE}` names {} there, not {}",
                hcl::quoted(named),
                hcl::quoted(ours)
            ),
            None => {
                format!(
                    "`{TABLE}` names {} there, which may belong to another backend: pass --table \
                     if it belongs to this one",
                    hcl::quoted(named)
                )
            }
        }),
        (Some(_), _) | (None, Some((_, true))) => Ok(true),
        (None, Some((_, false))) => Ok(false),
        (None, None) => {
            // Only the user knows which backend it completes.
            let as_wanted = |value: &ArgumentValue| {
                value.as_bool() == Some(wanted.use_file) && !wanted.use_table
            };
            match file {
                Some(value) if !as_wanted(value) => {
                    Err(format!("`{FILE}` is set there without a bucket"))
                }
                Some(_) | None => Ok(false),
            }
        }
    }
}

/// The whole line of an argument that has it for itself, but for a comment at its end.
fn line_of(text: &str, attribute: &Attribute) -> Result<Range<usize>, String> {
    let (key, value) = (span(attribute.key.span())?, span(attribute.value.span())?);
    let start = text[..key.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[value.end..]
        .find('\n')
        .map_or(text.len(), |at| value.end + at + 1);
    let (before, behind) = (&text[start..key.start], text[value.end..end].trim());
    let comment = behind.is_empty() || behind.starts_with('#') || behind.starts_with("//");
    if before.trim().is_empty() && comment && !text[key.start..value.end].contains('\n') {
        Ok(start..end)
    } else {
        Err(format!("`{}` is not on its own line", &*attribute.key))
    }
}

/// A line put in behind another argument, its `=` below that one's.
fn after(
    text: &str,
    body: &Body,
    anchor: Option<&Attribute>,
    name: &str,
    value: &str,
) -> Result<TextChange, String> {
    let of_one_line = |attribute: &&Attribute| line_of(text, attribute).is_ok();
    let anchor = anchor.or_else(|| body.attributes().filter(of_one_line).last());
    let anchor = anchor.ok_or_else(|| "no argument there is on its own line".to_owned())?;
    let line = line_of(text, anchor)?;
    let key = span(anchor.key.span())?;
    let indent = &text[line.start..key.start];
    // Where no space is before its `=`, nothing is aligned.
    let before = text[key.start..line.end]
        .split('=')
        .next()
        .unwrap_or_default();
    let aligned = before.ends_with(' ').then(|| before.len() - 1);
    let whole = &text[line.clone()];
    let ending = if whole.ends_with("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let opening = if whole.ends_with('\n') { "" } else { ending };
    let ending = if whole.ends_with('\n') { ending } else { "" };
    let room = aligned.unwrap_or_default().max(name.len());
    Ok((
        line.end..line.end,
        format!("{opening}{indent}{name:room$} = {value}{ending}"),
    ))
}

fn span(span: Option<Range<usize>>) -> Result<Range<usize>, String> {
    span.ok_or_else(|| "its position is unknown".to_owned())
}

fn spliced(text: &str, mut changes: Vec<TextChange>) -> String {
    // What is put in where a line is taken out comes before it.
    changes.sort_by_key(|(place, _)| (place.start, place.end));
    let (mut out, mut at) = (String::with_capacity(text.len() + 64), 0);
    for (place, replacement) in changes {
        out.push_str(&text[at.min(place.start)..place.start]);
        out.push_str(&replacement);
        at = place.end;
    }
    out.push_str(&text[at..]);
    out
}

/// Verifies that the new text differs only in these two arguments, and that a file of tfbackend
/// remains one.
fn checked(before: &str, after: &str, form: ArgumentForm) -> LockEdit {
    let rest = |text: &str| -> Option<Vec<String>> {
        let body = parsed(text, form).ok()?;
        let attributes = |body: &Body| -> Vec<String> {
            let kept = body
                .attributes()
                .filter(|attribute| ![FILE, TABLE].contains(&attribute.key.as_str()));
            kept.map(|attribute| format!("{}={}", attribute.key.as_str(), hcl_text(attribute)))
                .collect()
        };
        Some(
            bodies(&body, form)
                .into_iter()
                .flat_map(attributes)
                .collect(),
        )
    };
    if rest(before).is_none() || rest(before) != rest(after) {
        return LockEdit::ByHand("its syntax cannot be edited safely".to_owned());
    }
    match header::read(&before.replace("\r\n", "\n")) {
        FileHeader::Intact(_) if !before.contains('\r') => LockEdit::Edited(header::restamp(after)),
        FileHeader::Intact(_) | FileHeader::Changed | FileHeader::Foreign => {
            LockEdit::Edited(after.to_owned())
        }
    }
}

fn hcl_text(attribute: &Attribute) -> String {
    let value = &attribute.value;
    value.to_string().trim().to_owned()
}

#[cfg(test)]
mod tests;
