//! JSON output: one document, or one line per event, each with a `format_version`.

use crate::text::invisible::is_invisible;
use std::{
    fmt::Write as _,
    io::{self, Write},
};

use schemars::JsonSchema;
use serde::Serialize;

use super::safe::is_command;
use crate::store::location::BackendLocation;

/// Increases if a field changes its meaning or is removed. New fields may be added at any time:
/// readers must ignore unknown fields.
pub const FORMAT_VERSION: u32 = 1;

/// A value preceded by the version of its format.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct VersionedDocument<T> {
    /// The version of the format.
    pub format_version: u32,
    #[serde(flatten)]
    pub body: T,
}

impl<T> VersionedDocument<T> {
    pub fn new(body: T) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            body,
        }
    }
}

/// A document with its backend, and notes on it if there are any.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NotedDocument<'a, T> {
    #[serde(flatten)]
    pub body: T,
    pub backend: BackendLocation,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub notes: &'a [String],
}

/// Writes a document on several lines, for a file or a pipe.
///
/// # Errors
/// If the writer fails.
pub fn write_document<T: Serialize>(out: &mut dyn Write, body: T) -> io::Result<()> {
    out.write_all(pretty(&VersionedDocument::new(body)).as_bytes())?;
    out.flush()
}

/// Formats plain data on several lines, with a trailing line break.
pub fn pretty<T: Serialize>(value: &T) -> String {
    let text = serde_json::to_string_pretty(value).expect("plain data");
    escaped(&text) + "\n"
}

/// Writes a document on one line and flushes it, for a streaming reader.
///
/// # Errors
/// If the writer fails.
pub fn write_line<T: Serialize>(out: &mut dyn Write, body: T) -> io::Result<()> {
    let text = serde_json::to_string(&VersionedDocument::new(body))?;
    writeln!(out, "{}", escaped(&text))?;
    out.flush()
}

/// Returns equivalent JSON whose texts contain no control characters and no CI commands.
///
/// Both can only occur inside strings, and `serde_json` escapes those below U+0020: a line break
/// here is layout.
pub(super) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for (at, c) in json.char_indices() {
        if c != '\n' && is_invisible(c) || is_command(&json[at..]) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").expect("writing to a string never fails");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_document_has_a_version_first() {
        let mut out = vec![];
        write_document(&mut out, json!({ "region": "eu-west-1" })).unwrap();
        write_line(&mut out, json!({ "event": "started" })).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        {
          "format_version": 1,
          "region": "eu-west-1"
        }
        {"format_version":1,"event":"started"}
        "#);
    }

    #[test]
    fn a_command_to_a_ci_system_is_text() {
        let key = "##vso[task.setvariable variable=A]b\\##[add-mask]";
        let text = pretty(&json!({ key: key }));
        assert!(!text.contains("##"), "{text}");
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({ key: key })
        );
    }

    proptest! {
        #[test]
        fn means_the_same_and_does_nothing_to_a_terminal(map: BTreeMap<String, String>, nasty in "[\u{80}-\u{9f}\u{202a}-\u{202e}\u{e0001}\n\x1b\"\\\\]{0,9}") {
            let value = json!({ "map": map, "nasty": nasty });
            let mut out = vec![];
            write_line(&mut out, &value).unwrap();
            let text = String::from_utf8(out).unwrap();
            prop_assert!(!text.trim_end_matches('\n').contains(is_invisible), "{text:?}");
            let back: VersionedDocument<Value> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back.body, value);
        }
    }
}
