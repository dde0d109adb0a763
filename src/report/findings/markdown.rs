//! Findings as Markdown, for a pull request comment or a job summary.
//!
//! External text is only written in HTML blocks, which Markdown does not interpret until an empty
//! line. There it is escaped, and `<code>` unless it is a plain word, so that mentions and links
//! have no effect.

use super::{
    SharedFixes,
    document::{CheckStatus, FindingDocument, VerifyDocument},
    markup::{code, linked, prose, remediation},
};
use crate::text::words::count;

/// A comment may have 65,536 characters; these leave room for surrounding text.
const TABLE: usize = 24_000;
const DETAILS: usize = 36_000;

/// Returns header, table and details, with a trailing line break.
pub(crate) fn markdown(document: &VerifyDocument) -> String {
    let counts = document.counts;
    let verdict = if document.passed {
        "✅ State backend: no findings"
    } else {
        "❌ State backend: open findings"
    };
    let open = if counts.open() == 0 {
        "no findings".to_owned()
    } else {
        counts.by_severity()
    };
    let rest = [
        (counts.unreadable, "unreadable"),
        (counts.accepted, "accepted"),
    ];
    let rest: String = rest
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!(" · {number} {word}"))
        .collect();
    let holds = count(counts.holds, "check passed", "checks passed");
    let why = document
        .score_capped
        .as_ref()
        .map_or_else(String::new, |why| format!(" ({})", prose(why)));
    let score = format!(
        "**Score {} of 100**{why} · {open}{rest} · {holds}",
        document.score
    );
    let mut blocks = vec![format!("## {verdict}"), score, about(document)];
    let open: Vec<_> = document.open().collect();
    let accepted: Vec<_> = document.accepted().collect();
    if !open.is_empty() {
        blocks.push(table(&open));
        let fixes = SharedFixes::of(&open);
        blocks.extend(fitting(
            open.iter().map(|finding| details(finding, &fixes)),
            DETAILS,
        ));
        blocks.extend(
            fixes
                .all()
                .map(|(number, fix)| format!("<p><b>Fix {number}:</b> {}</p>", remediation(fix))),
        );
    }
    if !accepted.is_empty() {
        blocks.push(accepted_list(&accepted));
    }
    if !document.notes.is_empty() {
        blocks.push(list(document.notes.iter().map(|note| prose(note))));
    }
    blocks.join("\n\n") + "\n"
}

/// Returns the checked backend.
fn about(document: &VerifyDocument) -> String {
    let about = &document.about;
    let known = [&about.project, &about.env]
        .into_iter()
        .flatten()
        .map(|name| code(name))
        .collect::<Vec<_>>()
        .join(" ");
    let named = [about.holder()]
        .into_iter()
        .chain(about.facts())
        .chain([("at", document.at.as_str())]);
    let named = named.map(|(name, value)| format!("{name} {}", code(value)));
    let parts: Vec<_> = Some(known)
        .into_iter()
        .filter(|known| !known.is_empty())
        .chain(named)
        .collect();
    format!("<p>{}</p>", parts.join(", "))
}

fn table(open: &[&FindingDocument]) -> String {
    let rows = open.iter().map(|finding| {
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            severity(finding),
            finding.status.word(),
            linked(&finding.id, &finding.docs),
            code(finding.shown()),
            prose(&finding.found),
        )
    });
    let head =
        "<tr><th>Severity</th><th>Status</th><th>Check</th><th>Where</th><th>Found</th></tr>";
    let rows = fitting(rows, TABLE)
        .into_iter()
        .map(|row| match row.starts_with("<tr>") {
            true => row,
            false => format!("<tr><td colspan=\"5\">{row}</td></tr>"),
        });
    format!(
        "<table>\n<thead>{head}</thead>\n<tbody>\n{}\n</tbody>\n</table>",
        rows.collect::<Vec<_>>().join("\n")
    )
}

fn severity(finding: &FindingDocument) -> String {
    use crate::checks::Severity::{Critical, High, Info, Low, Medium};
    let sign = match finding.severity {
        Critical => "🟣",
        High => "🔴",
        Medium => "🟠",
        Low => "🟡",
        Info => "🔵",
    };
    format!("{sign} {}", finding.severity.word())
}

fn details(finding: &FindingDocument, fixes: &SharedFixes<'_>) -> String {
    let references: Vec<_> = finding
        .references
        .iter()
        .map(|control| code(control))
        .collect();
    let said = [
        ("Expected", prose(&finding.expected)),
        ("Found", prose(&finding.found)),
        ("Rationale", prose(&finding.rationale)),
        (
            "Fix",
            fixes.number(finding).map_or_else(
                || remediation(&finding.remediation),
                |number| format!("fix {number}, below"),
            ),
        ),
        (
            "Resource",
            finding.resource.as_deref().map(code).unwrap_or_default(),
        ),
        ("References", references.join(", ")),
    ];
    let said: Vec<_> = said
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| format!("<li><b>{name}:</b> {text}</li>"))
        .collect();
    let unreadable = if finding.status == CheckStatus::Unreadable {
        ", unreadable"
    } else {
        ""
    };
    let (sign, id, place) = (severity(finding), code(&finding.id), code(finding.shown()));
    format!(
        "<details>\n<summary>{sign}{unreadable}: {id} \
         {place}</summary>\n<ul>\n{}\n</ul>\n</details>",
        said.join("\n")
    )
}

fn accepted_list(accepted: &[&FindingDocument]) -> String {
    let lines = accepted.iter().map(|finding| {
        let reason = finding.accepted.as_ref().map(|acceptance| {
            let until = acceptance
                .until
                .as_deref()
                .map(|until| format!(" until {}", code(until)))
                .unwrap_or_default();
            format!("{until}: {}", prose(&acceptance.reason))
        });
        format!(
            "{} {} ({}){}",
            code(&finding.id),
            code(finding.shown()),
            finding.severity.word(),
            reason.unwrap_or_default()
        )
    });
    format!(
        "<details>\n<summary>Accepted: {}</summary>\n{}\n</details>",
        accepted.len(),
        list(lines)
    )
}

fn list(lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<_> = fitting(lines, TABLE / 8)
        .iter()
        .map(|line| format!("<li>{line}</li>"))
        .collect();
    format!("<ul>\n{}\n</ul>", lines.join("\n"))
}

/// Returns the first ones that fit, and the number of omitted ones.
fn fitting(parts: impl Iterator<Item = String>, room: usize) -> Vec<String> {
    let (mut kept, mut used, mut left_out) = (vec![], 0, 0);
    for part in parts {
        used += part.len();
        if used <= room {
            kept.push(part)
        } else {
            left_out += 1
        }
    }
    kept.extend((left_out > 0).then(|| format!("<i>{left_out} more: see the full report</i>")));
    kept
}
