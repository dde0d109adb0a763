//! Findings as one HTML page: without external resources and scripts, in light or dark mode.
//!
//! In the template, `{{ x }}` is always escaped. `{{ x | prose }}` and `{{ x | remediation }}` mark
//! names and commands.

use std::fmt;

use minijinja::{
    Environment, Error, ErrorKind, Output, State, UndefinedBehavior,
    syntax::SyntaxConfig,
    value::{Object, Serde, Value, ValueKind},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    SharedFixes,
    document::{
        CheckResultDocument, CheckStatus, FindingDocument, VerifiedEnvironment, VerifyDocument,
    },
    markup::{escape, linked, prose, remediation},
    picture::BackendPicture,
};
use crate::{
    checks::{CheckGroup, Severity},
    text::words::count,
};

const CSS: &str = include_str!("../../../templates/verify.css");

/// Returns the page.
///
/// # Panics
/// Never: the template is part of this program, and all its variables exist.
pub(crate) fn html(document: &VerifyDocument) -> String {
    let filled = engine().and_then(|engine| {
        engine
            .get_template("verify.html")?
            .render(Value::from(Serde(HtmlPage::of(document))))
    });
    filled.expect("the template uses existing variables")
}

/// The variables of the template.
#[derive(Serialize)]
struct HtmlPage<'a> {
    style_hash: String,
    version: &'static str,
    name: String,
    about: &'a VerifiedEnvironment,
    at: &'a str,
    passed: bool,
    verdict: String,
    /// The class of the highest open severity.
    worst: &'static str,
    score: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    score_capped: Option<&'a str>,
    tiles: Vec<SummaryTile>,
    open: Vec<FindingCard<'a>>,
    accepted: Vec<FindingCard<'a>>,
    /// The shared fixes, each once.
    fixes: Vec<FixBlock<'a>>,
    groups: Vec<PageSection<'a>>,
    picture: Option<BackendPicture>,
    notes: &'a [String],
}

/// A number at the top of the page.
#[derive(Serialize)]
struct SummaryTile {
    class: &'static str,
    name: &'static str,
    count: usize,
}

#[derive(Serialize)]
struct FindingCard<'a> {
    /// The anchor of links to it.
    anchor: String,
    sign: &'static str,
    word: &'static str,
    shown: &'a str,
    /// The number of the shared fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<usize>,
    #[serde(flatten)]
    finding: &'a FindingDocument,
}

#[derive(Serialize)]
struct FixBlock<'a> {
    number: usize,
    text: &'a str,
}

#[derive(Serialize)]
struct PageSection<'a> {
    name: &'static str,
    said: String,
    rows: Vec<CheckRow<'a>>,
}

#[derive(Serialize)]
struct CheckRow<'a> {
    anchor: Option<String>,
    class: &'static str,
    sign: &'static str,
    word: &'static str,
    shown: &'a str,
    #[serde(flatten)]
    check: &'a CheckResultDocument,
}

impl<'a> HtmlPage<'a> {
    fn of(document: &'a VerifyDocument) -> Self {
        let counts = document.counts;
        let mut anchors: Vec<String> = vec![];
        for finding in &document.findings {
            anchors.push(anchor(finding, &anchors));
        }
        let open: Vec<_> = document.open().collect();
        let fixes = SharedFixes::of(&open);
        let card = |(finding, anchor): (&'a FindingDocument, &String)| FindingCard {
            anchor: anchor.clone(),
            sign: finding.status.sign(true),
            word: finding.status.word(),
            shown: finding.shown(),
            fix: fixes.number(finding),
            finding,
        };
        let with_anchors = || document.findings.iter().zip(&anchors);
        let mut tiles: Vec<SummaryTile> = Severity::ALL
            .into_iter()
            .map(|severity| SummaryTile {
                class: severity.word(),
                name: severity.word(),
                count: counts.at(severity),
            })
            .collect();
        tiles.push(SummaryTile {
            class: "unreadable",
            name: "unreadable",
            count: counts.unreadable,
        });
        tiles.push(SummaryTile {
            class: "accepted",
            name: "accepted",
            count: counts.accepted,
        });
        tiles.push(SummaryTile {
            class: "ok",
            name: "passed",
            count: counts.holds,
        });
        Self {
            style_hash: format!("sha256-{}", base64(&Sha256::digest(CSS.as_bytes()))),
            version: env!("CARGO_PKG_VERSION"),
            name: document.name(),
            about: &document.about,
            at: &document.at,
            passed: document.passed,
            verdict: if document.passed {
                "No findings".to_owned()
            } else {
                count(counts.open(), "open finding", "open findings")
            },
            worst: Severity::ALL
                .into_iter()
                .find(|severity| counts.at(*severity) > 0)
                .map_or("ok", Severity::word),
            score: document.score.min(100),
            score_capped: document.score_capped.as_deref(),
            tiles,
            open: with_anchors()
                .filter(|(finding, _)| finding.is_open())
                .map(card)
                .collect(),
            accepted: with_anchors()
                .filter(|(finding, _)| finding.status == CheckStatus::Accepted)
                .map(card)
                .collect(),
            fixes: fixes
                .all()
                .map(|(number, text)| FixBlock { number, text })
                .collect(),
            groups: CheckGroup::ALL
                .into_iter()
                .filter_map(|group| section(group, document, &anchors))
                .collect(),
            picture: BackendPicture::of(document),
            notes: &document.notes,
        }
    }
}

/// Returns the checks of a group; `None` if there are none.
fn section<'a>(
    group: CheckGroup,
    document: &'a VerifyDocument,
    anchors: &[String],
) -> Option<PageSection<'a>> {
    let checks: Vec<&CheckResultDocument> = document
        .checks
        .iter()
        .filter(|check| check.group == group)
        .collect();
    let holds = checks
        .iter()
        .filter(|check| check.status == CheckStatus::Holds)
        .count();
    let said = format!(
        "{holds} of {}",
        count(checks.len(), "check passed", "checks passed")
    );
    let row = |check: &&'a CheckResultDocument| {
        let finding = document.findings_of(check).next();
        let place = finding.and_then(|finding| {
            document
                .findings
                .iter()
                .position(|one| std::ptr::eq(one, finding))
        });
        CheckRow {
            anchor: place.and_then(|at| anchors.get(at).cloned()),
            class: match check.status {
                CheckStatus::Holds => "ok",
                CheckStatus::Open | CheckStatus::FailsWithResource => check.severity.word(),
                CheckStatus::Unreadable | CheckStatus::Untold => "unreadable",
                CheckStatus::Accepted => "accepted",
            },
            sign: check.status.sign(true),
            word: check.status.word(),
            shown: check.shown(),
            check,
        }
    };
    let rows: Vec<_> = checks.iter().map(row).collect();
    (!rows.is_empty()).then(|| PageSection {
        name: group.word(),
        said,
        rows,
    })
}

/// Derived from the check and its place, so that links to a finding stay valid; with a number if it
/// is taken.
fn anchor(finding: &FindingDocument, taken: &[String]) -> String {
    let place: String = format!("{}-{}", finding.id, finding.shown());
    let anchor: String = place
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let anchor = format!("finding-{}", anchor.trim_matches('-'));
    let with = |number: usize| {
        if number == 1 {
            anchor.clone()
        } else {
            format!("{anchor}-{number}")
        }
    };
    (1..=taken.len() + 1)
        .map(with)
        .find(|anchor| !taken.contains(anchor))
        .unwrap_or_else(|| with(taken.len() + 2))
}

fn engine() -> Result<Environment<'static>, Error> {
    let mut engine = Environment::new();
    engine.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?,
    );
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_formatter(write_value);
    engine.add_filter("prose", |text: &str| {
        Value::from_object(HtmlMarkup(prose(text)))
    });
    engine.add_filter("linked", |id: &str, docs: &str| {
        Value::from_object(HtmlMarkup(linked(id, docs)))
    });
    engine.add_filter("remediation", |text: &str| {
        Value::from_object(HtmlMarkup(remediation(text)))
    });
    engine.add_template(
        "verify.html",
        include_str!("../../../templates/verify.html"),
    )?;
    engine.add_global("css", Value::from_object(HtmlMarkup(CSS.to_owned())));
    Ok(engine)
}

fn write_value(out: &mut Output, _: &mut State, value: &Value) -> Result<(), Error> {
    let text = match (value.downcast_object_ref::<HtmlMarkup>(), value.kind()) {
        (Some(HtmlMarkup(text)), _) => text.clone(),
        (None, ValueKind::String | ValueKind::Number) => escape(&value.to_string()),
        (None, kind) => {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("{kind} is no text"),
            ));
        }
    };
    out.write_str(&text).map_err(|source| {
        Error::new(ErrorKind::WriteFailure, "could not write").with_source(source)
    })
}

/// Text that is HTML. Only this file creates it.
#[derive(Debug)]
struct HtmlMarkup(String);

impl Object for HtmlMarkup {
    fn render(self: &std::sync::Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Encodes a hash for a content security policy.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let four = |three: &[u8]| {
        let bits = three
            .iter()
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - three.len()));
        let digit = |at: usize| {
            if at > three.len() {
                '='
            } else {
                char::from(DIGITS[bits >> (18 - 6 * at) & 63])
            }
        };
        [0, 1, 2, 3].map(digit)
    };
    bytes.chunks(3).flat_map(four).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_in_the_rfc() {
        let digits =
            ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(
            digits,
            [
                "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"
            ]
        );
        assert_eq!(base64(&[0xff, 0xfe, 0xfb]), "//77");
    }

    /// Neither a filter that marks text as safe nor a set block can bypass escaping.
    #[test]
    fn whatever_a_template_does_with_a_value_it_is_escaped() {
        for template in [
            "{{ x }}",
            "{{ x | safe }}",
            "{{ x | e }}",
            "{% set y %}{{ x }}{% endset %}{{ y }}",
            "{{ x | prose }}",
            "{{ x | prose | upper }}",
        ] {
            let mut engine = engine().unwrap();
            engine.add_template_owned("t", template.to_owned()).unwrap();
            let context = std::collections::BTreeMap::from([("x", "<b>")]);
            let said = engine
                .get_template("t")
                .unwrap()
                .render(Value::from(Serde(context)))
                .unwrap();
            assert!(
                !said.contains("<b>") && !said.contains("<B>"),
                "{template}: {said}"
            );
        }
    }
}
