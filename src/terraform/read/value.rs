//! A value of a configuration: what a literal stands for, and where it stands.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use hcl_edit::{
    Span,
    expr::{Expression, ObjectKey},
    structure::Body,
    template::Template,
};
use serde_json::Value as Json;

use super::{arguments, bounded::UnreadableFile};
use crate::{
    state::{fingerprint::ValueFingerprint, layout::normalized},
    text::lines::LineIndex,
};

/// A value as far as it is known without running anything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArgumentValue {
    /// As if it were not said.
    Null,
    Text(String),
    Bool(bool),
    /// As it is written.
    Number(String),
    List(Vec<ArgumentValue>),
    Object(BTreeMap<String, ArgumentValue>),
    /// A credential. It was there, and is not kept: two can be told apart, and no more.
    Secret(ValueFingerprint),
    /// A variable, a function, a template: Terraform refuses them in a backend.
    NotLiteral,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePosition {
    pub path: PathBuf,
    /// From 1; `None` in JSON.
    pub line: Option<usize>,
}

/// One argument of a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcedArgument {
    pub name: String,
    pub value: ArgumentValue,
    pub at: SourcePosition,
}

impl fmt::Display for SourcePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

impl ArgumentValue {
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            _ => None,
        }
    }

    /// As Terraform converts it: `"true"` is true.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) => match text.as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the texts of a list of texts.
    pub fn as_texts(&self) -> Option<Vec<String>> {
        let Self::List(items) = self else { return None };
        items
            .iter()
            .map(|item| item.as_text().map(str::to_owned))
            .collect()
    }

    pub fn as_object(&self) -> Option<&BTreeMap<String, Self>> {
        let Self::Object(fields) = self else {
            return None;
        };
        Some(fields)
    }

    /// Returns whether it, or anything in it, is no literal.
    pub fn has_no_literal(&self) -> bool {
        match self {
            Self::NotLiteral => true,
            Self::List(items) => items.iter().any(Self::has_no_literal),
            Self::Object(fields) => fields.values().any(Self::has_no_literal),
            Self::Null | Self::Text(_) | Self::Bool(_) | Self::Number(_) | Self::Secret(_) => false,
        }
    }

    /// The value of an argument of this name, written in HCL.
    pub fn of_hcl(name: &str, expression: &Expression) -> Self {
        hcl(expression).without_secrets(name)
    }

    /// The value of an argument of this name in a configuration that is JSON. A text like `${…}` in
    /// it is taken as it is by Terraform, and evaluated by OpenTofu: what is meant is not
    /// known.
    pub fn of_json(name: &str, json: &Json) -> Self {
        plain(json, true).without_secrets(name)
    }

    /// The value of an argument of this name in a record of Terraform's own.
    pub fn of_record(name: &str, json: &Json) -> Self {
        plain(json, false).without_secrets(name)
    }

    fn without_secrets(self, name: &str) -> Self {
        match self {
            Self::Text(text) if arguments::is_secret(name, &text) => {
                Self::Secret(ValueFingerprint::of(&text))
            }
            Self::List(items) => Self::List(
                items
                    .into_iter()
                    .map(|item| item.without_secrets(name))
                    .collect(),
            ),
            Self::Object(fields) => Self::Object(
                fields
                    .into_iter()
                    .map(|(field, value)| {
                        let value = value.without_secrets(&field);
                        (field, value)
                    })
                    .collect(),
            ),
            value => value,
        }
    }
}

fn hcl(expression: &Expression) -> ArgumentValue {
    match expression {
        Expression::Null(_) => ArgumentValue::Null,
        Expression::Bool(value) => ArgumentValue::Bool(*value.value()),
        Expression::Number(number) => ArgumentValue::Number(number.value().to_string()),
        Expression::String(text) => ArgumentValue::Text(normalized(text.value())),
        Expression::Array(items) => ArgumentValue::List(items.iter().map(hcl).collect()),
        Expression::Object(fields) => {
            let fields: Option<_> = fields
                .iter()
                .map(|(key, value)| Some((field_name(key)?, hcl(value.expr()))))
                .collect();
            fields.map_or(ArgumentValue::NotLiteral, ArgumentValue::Object)
        }
        Expression::Parenthesis(inner) => hcl(inner.inner()),
        Expression::HeredocTemplate(heredoc) => template(&heredoc.template),
        Expression::StringTemplate(text) => template(text),
        _ => ArgumentValue::NotLiteral,
    }
}

fn field_name(key: &ObjectKey) -> Option<String> {
    key.as_ident().map(|name| name.to_string()).or_else(|| {
        key.as_expr()
            .and_then(Expression::as_str)
            .map(str::to_owned)
    })
}

fn template(template: &Template) -> ArgumentValue {
    let parts: Option<String> = template
        .iter()
        .map(|element| element.as_literal().map(|text| text.as_str().to_owned()))
        .collect();
    parts.map_or(ArgumentValue::NotLiteral, |text| {
        ArgumentValue::Text(normalized(&text))
    })
}

fn plain(json: &Json, may_be_template: bool) -> ArgumentValue {
    match json {
        Json::Null => ArgumentValue::Null,
        Json::Bool(value) => ArgumentValue::Bool(*value),
        Json::Number(number) => ArgumentValue::Number(number.to_string()),
        Json::String(text) if may_be_template && (text.contains("${") || text.contains("%{")) => {
            ArgumentValue::NotLiteral
        }
        Json::String(text) => ArgumentValue::Text(normalized(text)),
        Json::Array(items) => ArgumentValue::List(
            items
                .iter()
                .map(|item| plain(item, may_be_template))
                .collect(),
        ),
        Json::Object(fields) => ArgumentValue::Object(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), plain(value, may_be_template)))
                .collect(),
        ),
    }
}

/// More arguments than any backend has, of which there are some sixty.
pub(crate) const MOST: usize = 1000;

pub(super) fn too_many(path: &Path) -> UnreadableFile {
    UnreadableFile::new(path, format!("has more than {MOST} arguments in one place"))
}

/// The arguments of a body, in their order. A block in it stands for an object: Terraform refuses
/// it, and what is in it counts all the same.
///
/// # Errors
/// If there are more than [`MOST`].
pub(crate) fn arguments_of(
    body: &Body,
    lines: &LineIndex<'_>,
    path: &Path,
) -> Result<Vec<SourcedArgument>, UnreadableFile> {
    if body.len() > MOST {
        return Err(too_many(path));
    }
    let at = |span: Option<std::ops::Range<usize>>| SourcePosition {
        path: path.to_owned(),
        line: span.map(|span| lines.line(span.start)),
    };
    let attributes = body.attributes().map(|attribute| {
        let name = attribute.key.to_string();
        Ok(SourcedArgument {
            value: ArgumentValue::of_hcl(&name, &attribute.value),
            at: at(attribute.span()),
            name,
        })
    });
    let blocks = body.blocks().map(|block| {
        let inside = arguments_of(&block.body, lines, path)?
            .into_iter()
            .map(|argument| (argument.name, argument.value));
        Ok(SourcedArgument {
            name: block.ident.to_string(),
            value: ArgumentValue::Object(inside.collect()),
            at: at(block.span()),
        })
    });
    attributes.chain(blocks).collect()
}

/// The arguments of an object of a configuration that is JSON, where `"//"` is a comment.
///
/// # Errors
/// If there are more than [`MOST`].
pub(crate) fn arguments_of_json(
    object: &serde_json::Map<String, Json>,
    path: &Path,
) -> Result<Vec<SourcedArgument>, UnreadableFile> {
    if object.len() > MOST {
        return Err(too_many(path));
    }
    let at = SourcePosition {
        path: path.to_owned(),
        line: None,
    };
    let said = object.iter().filter(|(name, _)| *name != "//");
    Ok(said
        .map(|(name, value)| SourcedArgument {
            name: name.clone(),
            value: ArgumentValue::of_json(name, value),
            at: at.clone(),
        })
        .collect())
}

/// Returns the position of a syntax error in JSON, without any of the text.
pub(crate) fn json_error(error: &serde_json::Error) -> String {
    format!(
        "is not valid JSON at line {}, column {}",
        error.line(),
        error.column()
    )
}

#[cfg(test)]
mod tests;
