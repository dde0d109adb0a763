//! Findings in a terminal: by severity, each with its fix, and a summary.

use super::{
    SharedFixes,
    document::{CheckResultDocument, CheckStatus, FindingDocument, VerifyDocument},
    is_command, vendor_page,
};
use crate::{
    checks::{CheckGroup, Severity},
    report::{TextStyle, safe::safe, style::TextStyles, wrap::wrap},
    text::words::count,
};

/// Returns the result of `verify`, with a trailing line break.
///
/// Open findings are shown in full, accepted ones in one line, and passed checks are counted. With
/// `view.verbose`, passed checks are listed.
pub(crate) fn text(document: &VerifyDocument, view: &TextStyle) -> String {
    let mut lines = title(document, view);
    let open: Vec<_> = document.open().collect();
    let fixes = SharedFixes::of(&open);
    for severity in Severity::ALL {
        let findings: Vec<_> = open
            .iter()
            .filter(|finding| finding.severity == severity)
            .collect();
        if let Some(first) = findings.first() {
            lines.extend(heading(
                capital(first.severity.word()),
                findings.len(),
                view.style,
            ));
            lines.extend(
                findings
                    .iter()
                    .flat_map(|finding| block(finding, &fixes, view)),
            );
        }
    }
    lines.extend(
        fixes
            .all()
            .flat_map(|(number, fix)| shared_fix(number, fix, view)),
    );
    let accepted: Vec<_> = document.accepted().collect();
    if !accepted.is_empty() {
        lines.extend(heading("Accepted".into(), accepted.len(), view.style));
        lines.extend(accepted.iter().flat_map(|finding| brief(finding, view)));
    }
    let failing: Vec<_> = document
        .checks
        .iter()
        .filter(|check| view.verbose && check.status == CheckStatus::FailsWithResource)
        .collect();
    if !failing.is_empty() {
        lines.extend(heading(
            "Fails with the resource".into(),
            failing.len(),
            view.style,
        ));
        lines.extend(failing.iter().flat_map(|check| held(check, view)));
    }
    let holding: Vec<_> = document.holding().filter(|_| view.verbose).collect();
    if !holding.is_empty() {
        lines.extend(heading("Passed".into(), holding.len(), view.style));
        lines.extend(holding.iter().flat_map(|check| held(check, view)));
    }
    lines.push(String::new());
    lines.extend(summary(document, view));
    for note in &document.notes {
        lines.extend(wrap("note: ", "  ", &safe(note), view.width));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Returns the name and location of the backend.
fn title(document: &VerifyDocument, view: &TextStyle) -> Vec<String> {
    let about = &document.about;
    let known: Vec<&str> = [&about.project, &about.env]
        .into_iter()
        .filter_map(Option::as_deref)
        .collect();
    let known = if known.is_empty() {
        String::new()
    } else {
        format!("{}: ", known.join(" "))
    };
    let facts = [
        ("account", &about.account),
        ("region", &about.region),
        ("lock table", &about.table),
    ];
    let facts = facts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let place: String = facts
        .chain([("at", document.at.as_str())])
        .map(|(name, value)| format!("{name} {value}"))
        .collect::<Vec<_>>()
        .join(", ");
    let (what, name) = about.holder();
    let mut lines = wrap(
        "",
        "  ",
        &safe(&format!("{known}state {what} {name}")),
        view.width,
    );
    for line in &mut lines {
        *line = view.style.bold(line);
    }
    lines.extend(wrap("  ", "  ", &safe(&place), view.width));
    lines
}

fn heading(name: String, findings: usize, style: TextStyles) -> [String; 2] {
    [String::new(), style.bold(&format!("{name} ({findings})"))]
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

/// Returns a finding in full.
fn block(finding: &FindingDocument, fixes: &SharedFixes<'_>, view: &TextStyle) -> Vec<String> {
    let mut lines = line(
        finding.status,
        &format!("{}  {}", safe(&finding.id), safe(finding.shown())),
        view,
    );
    let mut say = |name: &str, text: &str| {
        if !text.is_empty() {
            lines.extend(wrap(
                &format!("    {name}"),
                "      ",
                &safe(text),
                view.width,
            ));
        }
    };
    if finding.address.is_some() {
        say("", finding.resource.as_deref().unwrap_or_default());
    }
    say("expected: ", &finding.expected);
    say("found: ", &finding.found);
    say("rationale: ", &finding.rationale);
    say(
        "fix: ",
        &fixes.number(finding).map_or_else(
            || copyable(&finding.remediation),
            |number| format!("fix {number}, below"),
        ),
    );
    say("references: ", &finding.references.join(", "));
    if view.verbose {
        say(
            "documentation: ",
            vendor_page(&finding.docs).unwrap_or_default(),
        );
    }
    lines
}

/// Backticks keep a command on one line, so that it can be copied.
fn copyable(fix: &str) -> String {
    if is_command(fix) {
        format!("`{fix}`")
    } else {
        fix.to_owned()
    }
}

fn shared_fix(number: usize, fix: &str, view: &TextStyle) -> Vec<String> {
    let mut lines = vec![String::new(), view.style.bold(&format!("Fix {number}"))];
    lines.extend(wrap("    ", "      ", &safe(&copyable(fix)), view.width));
    lines
}

/// Returns an accepted finding in one line.
fn brief(finding: &FindingDocument, view: &TextStyle) -> Vec<String> {
    let reason = finding.accepted.as_ref().map(|acceptance| {
        let until = acceptance
            .until
            .as_deref()
            .map(|until| format!("until {until}, "))
            .unwrap_or_default();
        format!("  {until}reason: {}", acceptance.reason)
    });
    let (id, place, reason) = (
        safe(&finding.id),
        safe(finding.shown()),
        reason.unwrap_or_default(),
    );
    line(
        finding.status,
        &format!(
            "{id} ({})  {place}{}",
            finding.severity.word(),
            safe(&reason)
        ),
        view,
    )
}

fn held(check: &CheckResultDocument, view: &TextStyle) -> Vec<String> {
    line(
        check.status,
        &format!(
            "{}  {}  {}",
            safe(&check.id),
            safe(check.shown()),
            safe(&check.expected)
        ),
        view,
    )
}

/// Returns sign, word and text. Only sign and word are colored: no information depends on color.
fn line(status: CheckStatus, text: &str, view: &TextStyle) -> Vec<String> {
    let style = view.style;
    let head = format!("{} {}", status.sign(style.unicode), status.word());
    let mut lines = wrap(&format!("{head}  "), "    ", text, view.width);
    if let Some(after) = lines[0].strip_prefix(&head) {
        let head = match status {
            CheckStatus::Holds => style.green(&head),
            CheckStatus::Open | CheckStatus::FailsWithResource => style.red(&head),
            CheckStatus::Unreadable => style.yellow(&head),
            CheckStatus::Accepted | CheckStatus::Untold => style.dim(&head),
        };
        lines[0] = head + after;
    }
    lines
}

/// Returns open findings by severity and group, other counts, and the score.
fn summary(document: &VerifyDocument, view: &TextStyle) -> Vec<String> {
    let counts = document.counts;
    let (head, mut parts) = match counts.open() {
        0 => ("No findings", vec![]),
        _ => ("Findings", vec![counts.by_severity()]),
    };
    parts.extend(
        (counts.unreadable > 0).then(|| format!("{} of them unreadable", counts.unreadable)),
    );
    parts.extend((counts.accepted > 0).then(|| format!("{} accepted", counts.accepted)));
    parts.push(count(counts.holds, "check passed", "checks passed"));
    if counts.fails_with_resource > 0 {
        let more = count(
            counts.fails_with_resource,
            "more check fails",
            "more checks fail",
        );
        parts.push(format!(
            "{more} with resources that are missing or cannot be read"
        ));
    }
    let mut lines = wrap(
        "",
        "  ",
        &format!("{head}: {}.", parts.join(", ")),
        view.width,
    );
    let groups = CheckGroup::ALL.into_iter().map(|group| {
        (
            group,
            document
                .open()
                .filter(|finding| finding.group == group)
                .count(),
        )
    });
    let groups: Vec<_> = groups
        .filter(|(_, open)| *open > 0)
        .map(|(group, open)| format!("{} {open}", group.word()))
        .collect();
    if !groups.is_empty() {
        lines.extend(wrap(
            "",
            "  ",
            &format!("By group: {}.", groups.join(", ")),
            view.width,
        ));
    }
    let why = document
        .score_capped
        .as_ref()
        .map_or_else(String::new, |why| format!(": {}", safe(why)));
    lines.extend(wrap(
        "",
        "  ",
        &format!("Score: {} of 100{why}.", document.score),
        view.width,
    ));
    lines
}
