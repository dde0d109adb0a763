//! The picture in the HTML page: the resources in layers, each after its dependencies, with its
//! checks.

use serde::Serialize;

use super::document::{CheckResultDocument, CheckStatus, ResourceDocument, VerifyDocument};
use crate::{
    report::{
        safe::safe,
        wrap::{width, wrap},
    },
    text::words::count,
};

const BOX: usize = 230;
const GAP: usize = 56;
const BETWEEN: usize = 16;
const EDGE: usize = 8;
/// The line height.
const LINE: usize = 17;
/// The number of characters that fit on a line of a box.
const LETTERS: usize = 29;
/// The lines of a title and parts of a resource that a box shows. The list of checks has all of
/// them.
const TITLE: usize = 3;
const PARTS: usize = 9;

/// The data of an SVG, which the template writes.
#[derive(Serialize)]
pub(super) struct BackendPicture {
    width: usize,
    height: usize,
    edges: Vec<String>,
    nodes: Vec<BoxNode>,
}

#[derive(Serialize)]
struct BoxNode {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
    mark: BoxMark,
    present: bool,
    address: String,
    title: String,
    lines: Vec<BoxLine>,
}

/// A line of text in a box; with a mark if it is for a part.
#[derive(Serialize)]
struct BoxLine {
    x: usize,
    y: usize,
    text: String,
    kind: &'static str,
    mark: Option<BoxMark>,
}

/// The color, sign and word of the highest severity.
#[derive(Clone, Copy, Serialize)]
pub(super) struct BoxMark {
    /// The class that determines the color.
    class: &'static str,
    sign: &'static str,
    word: &'static str,
}

/// A box: a resource, or all resources of a kind, such as the alarms.
struct ResourceBox<'a> {
    name: &'a str,
    members: Vec<&'a ResourceDocument>,
}

impl ResourceBox<'_> {
    fn needs(&self, other: &ResourceBox<'_>) -> bool {
        let mut needs = self.members.iter().flat_map(|member| &member.needs);
        needs.any(|need| other.members.iter().any(|member| member.address == *need))
    }
}

impl BackendPicture {
    /// Returns `None` without resources.
    pub(super) fn of(document: &VerifyDocument) -> Option<Self> {
        if document.resources.is_empty() {
            return None;
        }
        let wholes = wholes(&document.resources);
        let layers = layers(&wholes);
        let mut nodes: Vec<BoxNode> = wholes.iter().map(|whole| node(whole, document)).collect();
        let last = layers.iter().copied().max().unwrap_or_default();
        let column = |layer: usize, nodes: &[BoxNode]| {
            let heights: Vec<_> = nodes
                .iter()
                .zip(&layers)
                .filter(|(_, of)| **of == layer)
                .map(|(node, _)| node.height + BETWEEN)
                .collect();
            heights.iter().sum::<usize>().saturating_sub(BETWEEN)
        };
        let height = (0..=last)
            .map(|layer| column(layer, &nodes))
            .max()
            .unwrap_or_default();
        for layer in 0..=last {
            let mut y = EDGE + (height - column(layer, &nodes)) / 2;
            for (node, _) in nodes
                .iter_mut()
                .zip(&layers)
                .filter(|(_, of)| **of == layer)
            {
                (node.x, node.y) = (EDGE + layer * (BOX + GAP), y);
                y += node.height + BETWEEN;
            }
        }
        let edges = edges(&wholes, &nodes);
        Some(Self {
            width: 2 * EDGE + (last + 1) * (BOX + GAP) - GAP,
            height: height + 2 * EDGE,
            edges,
            nodes,
        })
    }
}

/// Returns the boxes in the order of the resources, each kind once.
fn wholes(resources: &[ResourceDocument]) -> Vec<ResourceBox<'_>> {
    let mut wholes: Vec<ResourceBox<'_>> = vec![];
    for resource in resources {
        let kind = resource.address.split_once('[').map(|(kind, _)| kind);
        match kind.and_then(|kind| wholes.iter_mut().find(|whole| whole.name == kind)) {
            Some(whole) => whole.members.push(resource),
            None => wholes.push(ResourceBox {
                name: kind.unwrap_or(&resource.address),
                members: vec![resource],
            }),
        }
    }
    for whole in &mut wholes {
        // A single resource keeps its own name.
        if let [only] = whole.members[..] {
            whole.name = &only.address;
        }
    }
    wholes
}

/// Returns the column of each box. Dependencies come first in the list, so that there are no
/// cycles.
fn layers(wholes: &[ResourceBox<'_>]) -> Vec<usize> {
    let mut layers: Vec<usize> = vec![];
    for (at, whole) in wholes.iter().enumerate() {
        let before = wholes[..at]
            .iter()
            .zip(&layers)
            .filter(|(before, _)| whole.needs(before));
        let layer = before.map(|(_, layer)| layer + 1).max().unwrap_or_default();
        layers.push(layer);
    }
    layers
}

/// Returns the edges from dependencies to dependents, without transitive ones.
fn edges(wholes: &[ResourceBox<'_>], nodes: &[BoxNode]) -> Vec<String> {
    // All direct and transitive dependencies of each box.
    let mut below: Vec<Vec<usize>> = vec![];
    let mut pairs = vec![];
    for (at, whole) in wholes.iter().enumerate() {
        let needed: Vec<usize> = (0..at)
            .filter(|&before| whole.needs(&wholes[before]))
            .collect();
        let direct = needed
            .iter()
            .filter(|&need| !needed.iter().any(|&other| below[other].contains(need)));
        pairs.extend(direct.map(|&need| (&nodes[need], &nodes[at])));
        let mut all: Vec<usize> = needed
            .iter()
            .flat_map(|&need| below[need].iter().copied().chain([need]))
            .collect();
        all.sort_unstable();
        all.dedup();
        below.push(all);
    }
    let curve = |(from, to): (&BoxNode, &BoxNode)| {
        let (x, y) = (from.x + from.width, from.y + from.height / 2);
        let (to_x, to_y) = (to.x - 3, to.y + to.height / 2);
        format!(
            "M{x} {y}C{} {y} {} {to_y} {to_x} {to_y}",
            x + GAP / 2,
            to_x - GAP / 2
        )
    };
    pairs.into_iter().map(curve).collect()
}

fn node(whole: &ResourceBox<'_>, document: &VerifyDocument) -> BoxNode {
    let checks: Vec<&CheckResultDocument> = whole
        .members
        .iter()
        .flat_map(|member| checks_of(member, document))
        .collect();
    let absent = whole
        .members
        .iter()
        .filter(|member| !member.present)
        .count();
    let present = absent < whole.members.len();
    let holds = checks
        .iter()
        .filter(|check| check.status == CheckStatus::Holds)
        .count();
    let (title, parts) = match whole.members[..] {
        [only] => (
            only.title.clone(),
            parts(&checks, &format!("{}/", whole.name)),
        ),
        _ if absent > 0 && present => (
            format!("{} of these, {absent} missing", whole.members.len()),
            members(whole, document),
        ),
        _ => (
            format!("{} of these", whole.members.len()),
            members(whole, document),
        ),
    };
    let mut lines: Vec<(String, &'static str, Option<BoxMark>)> = vec![];
    lines.extend(
        fold(&title, TITLE)
            .into_iter()
            .map(|text| (text, "title", None)),
    );
    lines.push(match (present, checks.len()) {
        (false, _) => ("does not exist".to_owned(), "note", None),
        (true, 0) => ("nothing to check".to_owned(), "note", None),
        (true, all) => (
            format!("{holds} of {}", count(all, "check passed", "checks passed")),
            "note",
            None,
        ),
    });
    lines.extend(
        shown(parts)
            .into_iter()
            .map(|(text, mark)| (text, "part", mark)),
    );
    let first = 40;
    let height = first + lines.len() * LINE + 2;
    let place = |(at, (text, kind, mark)): (usize, (String, &'static str, Option<BoxMark>))| {
        let x = if mark.is_some() { 28 } else { 12 };
        BoxLine {
            x,
            y: first + LINE * at,
            text,
            kind,
            mark,
        }
    };
    BoxNode {
        x: 0,
        y: 0,
        width: BOX,
        height,
        mark: BoxMark::of(checks.iter().copied()).or_absent(present),
        present,
        address: short(&safe(whole.name), LETTERS - 4),
        title: format!("{} {title}", whole.name),
        lines: lines.into_iter().enumerate().map(place).collect(),
    }
}

/// Returns the checks of the resource and of its parts.
fn checks_of<'a>(
    resource: &ResourceDocument,
    document: &'a VerifyDocument,
) -> Vec<&'a CheckResultDocument> {
    let of = |check: &&CheckResultDocument| {
        let rest = check
            .address
            .as_deref()
            .and_then(|address| address.strip_prefix(resource.address.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    document.checks.iter().filter(of).collect()
}

/// Returns the checked parts, each with its highest severity.
fn parts<'a>(checks: &[&'a CheckResultDocument], inside: &str) -> Vec<(&'a str, BoxMark)> {
    let mut names: Vec<&str> = vec![];
    for part in checks
        .iter()
        .filter_map(|check| check.address.as_deref()?.strip_prefix(inside))
    {
        if !names.contains(&part) {
            names.push(part);
        }
    }
    let at = |check: &CheckResultDocument, name: &str| {
        check
            .address
            .as_deref()
            .and_then(|address| address.strip_prefix(inside))
            == Some(name)
    };
    names
        .into_iter()
        .map(|name| {
            (
                name,
                BoxMark::of(checks.iter().copied().filter(|check| at(check, name))),
            )
        })
        .collect()
}

/// Returns the resources of a kind by the names in their brackets.
fn members<'a>(whole: &ResourceBox<'a>, document: &VerifyDocument) -> Vec<(&'a str, BoxMark)> {
    let name = |member: &&'a ResourceDocument| {
        let mark = BoxMark::of(checks_of(member, document).into_iter()).or_absent(member.present);
        (
            member.address[whole.name.len()..].trim_matches(['[', ']']),
            mark,
        )
    };
    whole.members.iter().map(name).collect()
}

/// Returns as many as fit into a box, and the number of the others.
fn shown(parts: Vec<(&str, BoxMark)>) -> Vec<(String, Option<BoxMark>)> {
    let room = if parts.len() > PARTS {
        PARTS - 1
    } else {
        PARTS
    };
    let mut shown: Vec<_> = parts
        .iter()
        .take(room)
        .map(|(name, mark)| (short(&safe(name), LETTERS - 3), Some(*mark)))
        .collect();
    shown.extend((parts.len() > room).then(|| (format!("and {} more", parts.len() - room), None)));
    shown
}

impl BoxMark {
    /// Returns the mark of the most severe open check; a failed check precedes an unreadable one of
    /// the same severity.
    fn of<'a>(checks: impl Iterator<Item = &'a CheckResultDocument>) -> Self {
        let (open, rest): (Vec<_>, Vec<_>) = checks.partition(|check| {
            !matches!(
                check.status,
                CheckStatus::Holds | CheckStatus::Accepted | CheckStatus::Untold
            )
        });
        let all_accepted = !rest.is_empty()
            && rest
                .iter()
                .all(|check| check.status == CheckStatus::Accepted);
        match open
            .into_iter()
            .max_by_key(|check| (check.severity, check.status != CheckStatus::Unreadable))
        {
            None if all_accepted => Self {
                class: "accepted",
                sign: "-",
                word: "accepted",
            },
            None => Self {
                class: "ok",
                sign: "✓",
                word: "no findings",
            },
            Some(check) if check.status == CheckStatus::Unreadable => Self {
                class: "unreadable",
                sign: "?",
                word: "unreadable",
            },
            Some(check) => Self {
                class: check.severity.word(),
                sign: "✗",
                word: check.severity.word(),
            },
        }
    }

    /// Marks a missing resource that is not a finding as neutral.
    fn or_absent(self, present: bool) -> Self {
        if present || self.class != "ok" {
            self
        } else {
            Self {
                class: "accepted",
                sign: "–",
                word: "missing",
            }
        }
    }
}

/// Returns at most `lines` lines that fit into a box.
fn fold(text: &str, lines: usize) -> Vec<String> {
    let mut folded: Vec<String> = wrap("", "", &safe(text), LETTERS)
        .iter()
        .flat_map(|line| cut(line))
        .collect();
    if folded.len() > lines {
        folded.truncate(lines);
        if let Some(last) = folded.last_mut() {
            // Longer than the available space, so that it ends with an ellipsis.
            *last = short(&format!("{last}{}", " ".repeat(LETTERS)), LETTERS);
        }
    }
    folded
}

/// Splits a line into pieces that fit into a box. Texts in the picture need not be copied.
fn cut(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in line.chars() {
        let last = pieces.last_mut().expect("there is always one");
        if width(last) < LETTERS {
            last.push(c);
            continue;
        }
        // Prefers to break after a hyphen.
        let at = last
            .rfind(['-', '/'])
            .map(|at| at + 1)
            .filter(|at| *at > LETTERS / 2)
            .unwrap_or(last.len());
        let mut next = last.split_off(at);
        next.push(c);
        pieces.push(next);
    }
    pieces
}

/// Truncates a text to a number of characters, with an ellipsis.
fn short(text: &str, letters: usize) -> String {
    if width(text) <= letters {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if width(&out) + 2 >= letters {
            break;
        }
        out.push(c);
    }
    format!("{}…", out.trim_end())
}

#[cfg(test)]
mod tests;
