//! Formats one value of a setting on one line.

use serde_json::Value;

use crate::{engine::spec::UNKNOWN, report::safe::safe};

/// Removes the name of an enum variant, which `serde` writes as an object with one capitalized
/// field.
pub(super) fn bare(value: Value) -> Value {
    match value {
        Value::Object(mut fields)
            if fields.len() == 1
                && fields
                    .keys()
                    .all(|name| name.starts_with(|c: char| c.is_ascii_uppercase())) =>
        {
            let name = fields.keys().next().cloned().expect("it has one field");
            match fields.remove(&name) {
                Some(inner @ Value::Object(_)) => inner,
                Some(other) => Value::Object([(name, other)].into_iter().collect()),
                None => Value::Null,
            }
        }
        other => other,
    }
}

/// Returns texts in quotes; `(not set)`, `(none)` and `(known after apply)` without quotes.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Null => "(not set)".to_owned(),
        Value::Array(items) if items.is_empty() => "(none)".to_owned(),
        Value::Object(fields) if fields.is_empty() => "(none)".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(inline).collect::<Vec<_>>().join(", ")
        ),
        Value::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("{}: {}", safe(name), inline(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// Returns a text as [`inline`] does, without quotes.
pub(super) fn plain(text: &str) -> String {
    safe(&hide_addresses(text)).into_owned()
}

pub(super) fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn quoted(text: &str) -> String {
    let shown = plain(text);
    // A text that only looks like the marker keeps its quotes.
    if text.starts_with(UNKNOWN) && shown == KNOWN_LATER {
        shown
    } else {
        format!("\"{}\"", shown.replace('"', "\\\""))
    }
}

const KNOWN_LATER: &str = "(known after apply)";

/// Removes the address from `(known after apply: key)` anywhere in a text.
fn hide_addresses(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(UNKNOWN) {
        let Some((_, after)) = after.split_once(')') else {
            break;
        };
        out.push_str(before);
        out.push_str(KNOWN_LATER);
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::spec::Address;

    #[test]
    fn shows_each_kind_of_value() {
        let key = Address::new("kms_key").output();
        for (value, shown) in [
            (json!(null), "(not set)"),
            (json!([]), "(none)"),
            (json!(30), "30"),
            (json!(true), "true"),
            (json!("a \"b\""), r#""a \"b\"""#),
            (json!(["a", 1]), r#"["a", 1]"#),
            (json!({ "a": null }), "{a: (not set)}"),
            (json!(key), "(known after apply)"),
            (json!(format!("{key}/*")), "\"(known after apply)/*\""),
            (
                json!(format!("{UNKNOWN} of all")),
                "\"(known after apply of all\"",
            ),
            (json!("\x1b[2J"), r#""\u{1b}[2J""#),
        ] {
            assert_eq!(inline(&value), shown);
        }
    }

    #[test]
    fn the_name_of_a_variant_is_left_out() {
        assert_eq!(
            bare(json!({ "Bucket": { "name": "b" } })),
            json!({ "name": "b" })
        );
        assert_eq!(
            bare(json!({ "policy": { "a": 1 } })),
            json!({ "policy": { "a": 1 } })
        );
        assert_eq!(bare(json!({ "Alias": "a" })), json!({ "Alias": "a" }));
        assert_eq!(bare(json!("Bucket")), json!("Bucket"));
    }
}
