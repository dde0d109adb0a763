//! The result of `self-check`: one line for each check, with the next step if it did not pass.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    TextStyle,
    safe::{safe, shortened},
    wrap::{pad, wrap},
};
use crate::text::words::count;

/// `self-check --output json`.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct SelfCheckDocument {
    /// The version of the program.
    pub version: String,
    /// The backend kind that was checked for.
    pub kind: String,
    /// The environment, if one was named or is the only one of the settings file.
    pub env: Option<String>,
    pub counts: SelfCheckCounts,
    pub checks: Vec<SelfCheckResult>,
    /// What the calls use that the caller did not choose, and what was not checked.
    pub notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct SelfCheckCounts {
    pub ok: usize,
    pub warning: usize,
    pub failed: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct SelfCheckResult {
    /// Stable between versions, such as `credentials` or `network-kms`.
    pub id: String,
    pub status: SelfCheckStatus,
    /// What was found.
    pub found: String,
    /// The next step; `null` if the status is `ok`.
    pub remediation: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SelfCheckStatus {
    Ok,
    /// It may be intended, and some commands may not work.
    Warning,
    /// Commands do not work until this is fixed.
    Failed,
}

impl SelfCheckResult {
    pub(crate) fn ok(id: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            status: SelfCheckStatus::Ok,
            found: found.into(),
            remediation: None,
        }
    }

    pub(crate) fn warning(
        id: impl Into<String>,
        found: impl Into<String>,
        remediation: impl Into<String>,
    ) -> Self {
        Self {
            status: SelfCheckStatus::Warning,
            remediation: Some(remediation.into()),
            ..Self::ok(id, found)
        }
    }

    pub(crate) fn failed(
        id: impl Into<String>,
        found: impl Into<String>,
        remediation: impl Into<String>,
    ) -> Self {
        Self {
            status: SelfCheckStatus::Failed,
            ..Self::warning(id, found, remediation)
        }
    }
}

impl SelfCheckCounts {
    pub(crate) fn of(checks: &[SelfCheckResult]) -> Self {
        let with = |status| checks.iter().filter(|check| check.status == status).count();
        Self {
            ok: with(SelfCheckStatus::Ok),
            warning: with(SelfCheckStatus::Warning),
            failed: with(SelfCheckStatus::Failed),
        }
    }
}

impl SelfCheckStatus {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }

    /// The signs of `verify`; the word has the same meaning.
    fn sign(self, unicode: bool) -> &'static str {
        match (self, unicode) {
            (Self::Ok, true) => "✓",
            (Self::Ok, false) => "=",
            (Self::Warning, _) => "?",
            (Self::Failed, true) => "✗",
            (Self::Failed, false) => "!",
        }
    }
}

/// With fewer columns, what was found has more use for the space than a column of names.
const NARROW: usize = 80;

/// Returns the checks as text, with a trailing line break.
pub(crate) fn text(document: &SelfCheckDocument, view: &TextStyle) -> String {
    let ids = document.checks.iter().map(|check| check.id.chars().count());
    let longest = match view.width {
        ..NARROW => 0,
        _ => ids.max().unwrap_or_default(),
    };
    let mut lines = vec![];
    for same in document
        .checks
        .chunk_by(|one, next| one.remediation == next.remediation)
    {
        lines.extend(
            same.iter()
                .flat_map(|check| check_lines(check, longest, view)),
        );
        lines.extend(fix_lines(same, view));
    }
    lines.push(String::new());
    let SelfCheckCounts {
        ok,
        warning,
        failed,
    } = document.counts;
    let passed = count(ok, "check passed", "checks passed");
    let mut parts = vec![];
    parts.extend((failed > 0).then(|| format!("{failed} failed")));
    parts.extend((warning > 0).then(|| count(warning, "warning", "warnings")));
    let head = if parts.is_empty() {
        "No problems"
    } else {
        "Problems"
    };
    parts.push(passed);
    let summary = format!("{head}: {}.", parts.join(", "));
    lines.extend(wrap("", "  ", &summary, view.width));
    for note in &document.notes {
        lines.extend(wrap("note: ", "  ", &safe(note), view.width));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Sign, word, name and what was found. Only sign and word are colored.
fn check_lines(check: &SelfCheckResult, longest: usize, view: &TextStyle) -> Vec<String> {
    let (status, style) = (check.status, view.style);
    let word = pad(status.word(), "warning".len());
    let head = format!("{} {word}", status.sign(style.unicode));
    let first = format!("{head}  {}  ", pad(&safe(&check.id), longest));
    let found = safe(&shortened(&check.found)).into_owned();
    let mut lines = wrap(&first, "    ", &found, view.width);
    if let Some(rest) = lines[0].strip_prefix(&head) {
        let head = match status {
            SelfCheckStatus::Ok => style.green(&head),
            SelfCheckStatus::Warning => style.yellow(&head),
            SelfCheckStatus::Failed => style.red(&head),
        };
        lines[0] = head + rest;
    }
    lines
}

/// The next step of checks that share it.
fn fix_lines(same: &[SelfCheckResult], view: &TextStyle) -> Vec<String> {
    let Some(next) = same.first().and_then(|check| check.remediation.as_deref()) else {
        return vec![];
    };
    let label = match same.len() {
        1 => "    fix: ".to_owned(),
        count => format!("    fix ({count} checks): "),
    };
    wrap(&label, "      ", &safe(&shortened(next)), view.width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::TextStyles;

    fn document() -> SelfCheckDocument {
        let checks = vec![
            SelfCheckResult::ok("program", "tfbackend 0.1.0"),
            SelfCheckResult::warning(
                "engine",
                "neither `terraform` nor `tofu` is on PATH",
                "install one of them",
            ),
            SelfCheckResult::failed(
                "network-kms",
                "no connection to kms.example.com: \u{1b}[2Jrefused",
                "is the network up?",
            ),
        ];
        SelfCheckDocument {
            version: "0.1.0".to_owned(),
            kind: "s3".to_owned(),
            env: None,
            counts: SelfCheckCounts::of(&checks),
            checks,
            notes: vec!["permissions are not checked".to_owned()],
        }
    }

    fn at(width: usize, style: TextStyles) -> String {
        let view = TextStyle {
            width,
            style,
            verbose: false,
        };
        text(&document(), &view)
    }

    /// The text of these checks alone.
    fn with_checks(checks: Vec<SelfCheckResult>) -> String {
        let document = SelfCheckDocument {
            counts: SelfCheckCounts::of(&checks),
            checks,
            notes: vec![],
            ..document()
        };
        let view = TextStyle {
            width: 80,
            style: TextStyles::PLAIN,
            verbose: false,
        };
        text(&document, &view)
    }

    #[test]
    fn each_check_is_a_line_with_its_fix_below() {
        insta::assert_snapshot!(at(usize::MAX, TextStyles::PLAIN), @r"
        = ok       program      tfbackend 0.1.0
        ? warning  engine       neither `terraform` nor `tofu` is on PATH
            fix: install one of them
        ! failed   network-kms  no connection to kms.example.com: \u{1b}[2Jrefused
            fix: is the network up?

        Problems: 1 failed, 1 warning, 1 check passed.
        note: permissions are not checked
        ");
    }

    #[test]
    fn lines_fit_sixty_columns_and_only_sign_and_word_are_colored() {
        let style = TextStyles {
            color: true,
            unicode: true,
        };
        insta::assert_snapshot!(at(60, style).replace('\u{1b}', "^"), @r"
        ^[32m✓ ok     ^[0m  program  tfbackend 0.1.0
        ^[33m? warning^[0m  engine  neither `terraform` nor `tofu` is on PATH
            fix: install one of them
        ^[31m✗ failed ^[0m  network-kms  no connection to kms.example.com:
            \u{1b}[2Jrefused
            fix: is the network up?

        Problems: 1 failed, 1 warning, 1 check passed.
        note: permissions are not checked
        ");
    }

    #[test]
    fn fix_of_several_checks_is_written_once() {
        let failed = |id| SelfCheckResult::failed(id, "no connection", "is the network up?");
        let checks = vec![
            failed("network-s3"),
            failed("network-kms"),
            SelfCheckResult::ok("network-sns", "responds"),
            failed("network-iam"),
        ];
        let broken = with_checks(checks);
        insta::assert_snapshot!(broken, @r"
        ! failed   network-s3   no connection
        ! failed   network-kms  no connection
            fix (2 checks): is the network up?
        = ok       network-sns  responds
        ! failed   network-iam  no connection
            fix: is the network up?

        Problems: 3 failed, 1 check passed.
        ");
    }

    #[test]
    fn without_problems_only_the_passed_checks_are_counted() {
        let checks = vec![SelfCheckResult::ok("program", "tfbackend 0.1.0")];
        let fine = with_checks(checks);
        assert!(fine.ends_with("\nNo problems: 1 check passed.\n"), "{fine}");
    }
}
