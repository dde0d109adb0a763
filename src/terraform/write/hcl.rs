//! Values as HCL writes them: the one place where text becomes a literal, so that none can break
//! out of it.

use crate::text::invisible::is_invisible;
use std::fmt::Write as _;

use minijinja::{
    Error, ErrorKind,
    value::{Value, ValueKind},
};

/// A string, boolean, whole number or list of these, as an HCL literal on one line.
///
/// # Errors
/// If the value is anything else: a template named what does not exist, or asked for the
/// impossible.
pub fn literal(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::String => value.as_str().map(quoted).ok_or_else(|| no_literal(value)),
        ValueKind::Bool => Ok(value.is_true().to_string()),
        ValueKind::Number if value.is_integer() => Ok(value.to_string()),
        ValueKind::Seq => {
            let items: Vec<String> = value
                .try_iter()?
                .map(|item| literal(&item))
                .collect::<Result<_, _>>()?;
            Ok(format!("[{}]", items.join(", ")))
        }
        _ => Err(no_literal(value)),
    }
}

fn no_literal(value: &Value) -> Error {
    Error::new(
        ErrorKind::InvalidOperation,
        format!("a value of kind {} has no HCL literal", value.kind()),
    )
}

/// `text` as a quoted template of HCL that stands for exactly `text`.
///
/// Escapes are those of HCL's native syntax specification, section "Quoted template". Characters
/// that a reader of the file would not see, or would see elsewhere, are written by their number.
/// Terraform itself normalizes what it reads to NFC.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // By number: whether `$$${` is a `$` and an escape, or the reverse, the specification
            // does not say.
            '$' | '%' if matches!(rest.peek(), Some('{')) => write_number(&mut out, c),
            c if is_invisible(c) => write_number(&mut out, c),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn write_number(out: &mut String, c: char) {
    let number = u32::from(c);
    let written = if number <= 0xFFFF {
        write!(out, "\\u{number:04x}")
    } else {
        write!(out, "\\U{number:08x}")
    };
    written.expect("a String takes all that is written to it");
}

/// `text` as part of a comment: on one line, and without an end of it.
pub fn comment(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if is_invisible(c) { ' ' } else { c })
        .collect();
    line.replace("*/", "* /")
}

/// Aligns `=` as `terraform fmt` does: in each run of lines that hold one whole attribute.
pub fn align(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 256);
    let mut run: Vec<(&str, &str)> = vec![];
    for line in text.lines() {
        if let Some(attribute) = attribute(line) {
            run.push(attribute);
        } else {
            write_run(&mut out, &mut run);
            out.push_str(line);
            out.push('\n');
        }
    }
    write_run(&mut out, &mut run);
    out
}

/// Name, with its indentation, and value of a line like `  name = value`.
fn attribute(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(" = ")?;
    let is_name = name
        .trim_start()
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    (is_name && !value.ends_with(['{', '[', '('])).then_some((name, value))
}

fn write_run(out: &mut String, run: &mut Vec<(&str, &str)>) {
    let width = run.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in run.drain(..) {
        writeln!(out, "{name:width$} = {value}").expect("a String takes all that is written to it");
    }
}

#[cfg(test)]
mod tests {
    use hcl_edit::{expr::Expression, structure::Body};
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;

    fn parsed(literal: &str) -> Option<Expression> {
        let body: Body = format!("x = {literal}\n").parse().ok()?;
        (body.len() == 1).then(|| body.get_attribute("x").map(|x| x.value.clone()))?
    }

    fn means(text: &str) -> Option<String> {
        parsed(&quoted(text)).and_then(|x| x.as_str().map(str::to_owned))
    }

    #[test]
    fn escapes_read_as_people_expect() {
        assert_snapshot!(quoted("plain é 🦀 $ { % $x"), @r#""plain é 🦀 $ { % $x""#);
        assert_snapshot!(quoted("a\"b\\c\nd\re\tf\0g"), @r#""a\"b\\c\nd\re\tf\u0000g""#);
        assert_snapshot!(quoted(r#"${file("/etc/passwd")} %{if x} $${y}"#), @r#""\u0024{file(\"/etc/passwd\")} \u0025{if x} $\u0024{y}""#);
        assert_snapshot!(quoted("a\u{202e}b\u{feff}c\u{9b}d\u{2028}e"), @r#""a\u202eb\ufeffc\u009bd\u2028e""#);
    }

    #[test]
    fn only_plain_values_have_a_literal() {
        assert_eq!(literal(&Value::from(true)).ok().as_deref(), Some("true"));
        assert_eq!(literal(&Value::from(7)).ok().as_deref(), Some("7"));
        assert_eq!(
            literal(&Value::from(vec!["a", "${b}"])).ok().as_deref(),
            Some(r#"["a", "\u0024{b}"]"#)
        );
        assert_eq!(
            literal(&Value::from_safe_string("\"".into()))
                .ok()
                .as_deref(),
            Some(r#""\"""#),
            "nothing is safe as it is"
        );
        for value in [
            Value::from(()),
            Value::UNDEFINED,
            Value::from(0.5),
            Value::from_bytes(vec![b'x']),
        ] {
            assert!(literal(&value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_comment_stays_one_line() {
        assert_snapshot!(comment("prod\n} provider \"x\" {\r\u{2028}*/ \u{1b}[2J"), @r#"prod } provider "x" {  * /  [2J"#);
    }

    #[test]
    fn alignment_is_by_run() {
        assert_snapshot!(align("a = 1\nlong = \"x = y\"\n\nb = 2\n# c = 3\no = {\n  q = 1\n  rs = 2\n}\n"), @r#"
        a    = 1
        long = "x = y"

        b = 2
        # c = 3
        o = {
          q  = 1
          rs = 2
        }
        "#);
    }

    /// Strings that are likely to be made of what is special in HCL.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            3 => proptest::sample::select(vec![
                "$", "%", "{", "}", "${", "%{", "$${", "%%{", "\"", "\\", "\\\"", "\n", "\r\n", "<<EOT\n", "EOT", "#", "//", "/*", "*/", "~}",
                "\\u0024", "\\n", "\0", "\u{85}", "\u{2028}", "\u{202e}", "\u{feff}", "=",
            ])
            .prop_map(str::to_owned),
            2 => any::<char>().prop_map(String::from),
            1 => "[ -~]{0,4}",
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8_000))]

        #[test]
        fn any_text_is_read_back_as_it_was(text in hostile()) {
            prop_assert_eq!(means(&text), Some(text));
        }

        #[test]
        fn a_literal_is_one_line_that_hides_nothing(text in hostile()) {
            prop_assert!(!quoted(&text).chars().any(is_invisible));
            prop_assert!(!comment(&text).chars().any(is_invisible));
        }
    }
}
