//! The embedded templates, in an engine where `{{ x }}` is always an HCL literal: none can forget
//! to quote.

use std::fmt;

use minijinja::{
    Environment, Error, ErrorKind, Output, State, UndefinedBehavior,
    syntax::SyntaxConfig,
    value::{Object, Serde, Value},
};
use serde::Serialize;

use super::hcl;

/// The block that is the same for each environment.
pub(crate) const BACKEND_TF: &str = "backend.tf";
/// The partial configuration of one environment.
pub(crate) const BACKEND_CONF: &str = "backend.conf";

/// Fills the template `name` with the fields of `context` and aligns it as `terraform fmt` does.
///
/// In a template, `{{ x }}` is a whole literal, quotes included; `{{ x | comment }}` is for
/// comments.
///
/// # Errors
/// If the template names a field that `context` does not have, or one that has no literal.
pub(crate) fn fill(name: &str, context: &impl Serialize) -> Result<String, Error> {
    let text = engine()?
        .get_template(name)?
        .render(Value::from(Serde(context)))?;
    Ok(hcl::align(&text))
}

fn engine() -> Result<Environment<'static>, Error> {
    let mut engine = Environment::new();
    // A line of a template that holds only a tag leaves nothing behind.
    engine.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?,
    );
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_formatter(write_value);
    engine.add_filter("comment", |text: &str| {
        Value::from_object(CommentText(hcl::comment(text)))
    });
    engine.add_template(BACKEND_TF, include_str!("../../../templates/backend.tf"))?;
    engine.add_template(
        BACKEND_CONF,
        include_str!("../../../templates/backend.conf"),
    )?;
    Ok(engine)
}

fn write_value(out: &mut Output, _: &mut State, value: &Value) -> Result<(), Error> {
    let text = match value.downcast_object_ref::<CommentText>() {
        Some(CommentText(text)) => text.clone(),
        None => hcl::literal(value)?,
    };
    out.write_str(&text).map_err(|source| {
        Error::new(ErrorKind::WriteFailure, "could not write").with_source(source)
    })
}

/// Text that is fit for a comment. Only the filter makes it.
#[derive(Debug)]
struct CommentText(String);

impl Object for CommentText {
    fn render(self: &std::sync::Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn filled(template: &str, x: &str) -> Result<String, Error> {
        let mut engine = engine()?;
        engine.add_template_owned("t", template.to_owned())?;
        engine
            .get_template("t")?
            .render(Value::from(Serde(BTreeMap::from([("x", x)]))))
    }

    #[test]
    fn whatever_a_template_does_with_a_value_it_is_quoted() {
        for template in [
            "{{ x }}",
            "{{ x | safe }}",
            "{{ x | e }}",
            "{{ x | trim }}",
            "{% set y %}${a}{% endset %}{{ y }}",
            "{{ '${a}' }}",
        ] {
            assert_eq!(
                filled(template, "${a}").ok().as_deref(),
                Some(r#""\u0024{a}""#),
                "{template}"
            );
        }
    }

    #[test]
    fn a_comment_cannot_be_left() {
        assert_eq!(
            filled("# {{ x | comment }}", "a\nb = ${c}").ok().as_deref(),
            Some("# a b = ${c}")
        );
        assert_eq!(
            filled("{{ x | comment | upper }}", "a\nb").ok().as_deref(),
            Some("\"A B\""),
            "no filter makes it a literal unquoted"
        );
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        assert!(filled("{{ y }}", "").is_err());
        assert!(filled("{% if y %}{% endif %}", "").is_err());
        assert!(filled("{{ none }}", "").is_err());
    }
}
