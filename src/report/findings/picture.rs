//! The picture in the page: the resources in layers, each after what it builds on, with what protects it.

use serde::Serialize;

use super::document::{CheckDocument, ResourceDocument, Status, VerifyDocument};
use crate::report::{
    safe::safe,
    words::count,
    wrap::{width, wrap},
};

const BOX: usize = 230;
const GAP: usize = 56;
const BETWEEN: usize = 16;
const EDGE: usize = 8;
/// From one line of text to the next.
const LINE: usize = 17;
/// Characters of a line that surely fit into a box.
const LETTERS: usize = 29;
/// Lines of a title, and parts of a resource, that a box shows. All of them stand in the list of checks.
const TITLE: usize = 3;
const PARTS: usize = 9;

/// An SVG, but for its words: the template writes it.
#[derive(Serialize)]
pub struct Picture {
    width: usize,
    height: usize,
    edges: Vec<String>,
    nodes: Vec<Node>,
}

#[derive(Serialize)]
struct Node {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
    mark: Mark,
    present: bool,
    address: String,
    title: String,
    lines: Vec<Line>,
}

/// A line of text in a box; with a mark if it is about a part.
#[derive(Serialize)]
struct Line {
    x: usize,
    y: usize,
    text: String,
    kind: &'static str,
    mark: Option<Mark>,
}

/// Colour, sign and word of the worst that there is to say.
#[derive(Clone, Copy, Serialize)]
pub struct Mark {
    /// The class that colours it.
    class: &'static str,
    sign: &'static str,
    word: &'static str,
}

impl Picture {
    /// Nothing to draw without resources.
    pub fn of(document: &VerifyDocument) -> Option<Self> {
        if document.resources.is_empty() {
            return None;
        }
        let layers = layers(&document.resources);
        let mut nodes: Vec<Node> = document.resources.iter().map(|resource| node(resource, document)).collect();
        let last = layers.iter().copied().max().unwrap_or_default();
        let column = |layer: usize, nodes: &[Node]| {
            let heights: Vec<_> =
                nodes.iter().zip(&layers).filter(|(_, of)| **of == layer).map(|(node, _)| node.height + BETWEEN).collect();
            heights.iter().sum::<usize>().saturating_sub(BETWEEN)
        };
        let height = (0..=last).map(|layer| column(layer, &nodes)).max().unwrap_or_default();
        for layer in 0..=last {
            let mut y = EDGE + (height - column(layer, &nodes)) / 2;
            for (node, _) in nodes.iter_mut().zip(&layers).filter(|(_, of)| **of == layer) {
                (node.x, node.y) = (EDGE + layer * (BOX + GAP), y);
                y += node.height + BETWEEN;
            }
        }
        let edges = edges(&document.resources, &nodes);
        Some(Self { width: 2 * EDGE + (last + 1) * (BOX + GAP) - GAP, height: height + 2 * EDGE, edges, nodes })
    }
}

/// In which column each resource stands. What is needed stands before in the list: there are no circles.
fn layers(resources: &[ResourceDocument]) -> Vec<usize> {
    let mut layers: Vec<usize> = vec![];
    for (at, resource) in resources.iter().enumerate() {
        let before = resources[..at].iter().zip(&layers).filter(|(before, _)| resource.needs.contains(&before.address));
        let layer = before.map(|(_, layer)| layer + 1).max().unwrap_or_default();
        layers.push(layer);
    }
    layers
}

/// From what is needed to what needs it, unless another one leads there on the way.
fn edges(resources: &[ResourceDocument], nodes: &[Node]) -> Vec<String> {
    // For each, all that it builds on, directly or not.
    let mut below: Vec<Vec<usize>> = vec![];
    let mut pairs = vec![];
    for (at, resource) in resources.iter().enumerate() {
        let needed: Vec<usize> = (0..at).filter(|&before| resource.needs.contains(&resources[before].address)).collect();
        let direct = needed.iter().filter(|&need| !needed.iter().any(|&other| below[other].contains(need)));
        pairs.extend(direct.map(|&need| (&nodes[need], &nodes[at])));
        let mut all: Vec<usize> = needed.iter().flat_map(|&need| below[need].iter().copied().chain([need])).collect();
        all.sort_unstable();
        all.dedup();
        below.push(all);
    }
    let curve = |(from, to): (&Node, &Node)| {
        let (x, y) = (from.x + from.width, from.y + from.height / 2);
        let (to_x, to_y) = (to.x - 3, to.y + to.height / 2);
        format!("M{x} {y}C{} {y} {} {to_y} {to_x} {to_y}", x + GAP / 2, to_x - GAP / 2)
    };
    pairs.into_iter().map(curve).collect()
}

fn node(resource: &ResourceDocument, document: &VerifyDocument) -> Node {
    let inside = format!("{}/", resource.address);
    let of = |check: &&CheckDocument| {
        let address = check.address.as_deref().unwrap_or_default();
        address == resource.address || address.starts_with(&inside)
    };
    let checks: Vec<&CheckDocument> = document.checks.iter().filter(of).collect();
    let mut lines = vec![];
    lines.extend(fold(&resource.title, TITLE).into_iter().map(|text| (text, "title", None)));
    let holds = checks.iter().filter(|check| check.status == Status::Holds).count();
    lines.push(match (resource.present, checks.len()) {
        (false, _) => ("is not there".to_owned(), "note", None),
        (true, 0) => ("nothing to check".to_owned(), "note", None),
        (true, all) => (format!("{holds} of {}", count(all, "check holds", "checks hold")), "note", None),
    });
    lines.extend(parts(&checks, &inside).into_iter().map(|(text, mark)| (text, "part", mark)));
    let first = 40;
    let height = first + lines.len() * LINE + 2;
    let place = |(at, (text, kind, mark)): (usize, (String, &'static str, Option<Mark>))| {
        let x = if mark.is_some() { 28 } else { 12 };
        Line { x, y: first + LINE * at, text, kind, mark }
    };
    Node {
        x: 0,
        y: 0,
        width: BOX,
        height,
        mark: match Mark::of(checks.iter().copied()) {
            Mark { class: "ok", .. } if !resource.present => Mark { class: "accepted", sign: "–", word: "not there" },
            mark => mark,
        },
        present: resource.present,
        address: short(&safe(&resource.address), LETTERS - 4),
        title: format!("{} {}", resource.address, resource.title),
        lines: lines.into_iter().enumerate().map(place).collect(),
    }
}

/// The parts that something was checked of, each with the worst that was found there.
fn parts(checks: &[&CheckDocument], inside: &str) -> Vec<(String, Option<Mark>)> {
    let mut names: Vec<&str> = vec![];
    for part in checks.iter().filter_map(|check| check.address.as_deref()?.strip_prefix(inside)) {
        if !names.contains(&part) {
            names.push(part);
        }
    }
    let mark = |name: &str| Mark::of(checks.iter().copied().filter(|check| check.address.as_deref() == Some(&format!("{inside}{name}"))));
    let shown = if names.len() > PARTS { PARTS - 1 } else { PARTS };
    let mut parts: Vec<_> = names.iter().take(shown).map(|name| (short(&safe(name), LETTERS - 3), Some(mark(name)))).collect();
    parts.extend((names.len() > shown).then(|| (format!("and {} more", names.len() - shown), None)));
    parts
}

impl Mark {
    /// Of the worst open check: what fails before what nobody knows, if they are equally bad.
    fn of<'a>(checks: impl Iterator<Item = &'a CheckDocument>) -> Self {
        let (open, rest): (Vec<_>, Vec<_>) = checks.partition(|check| matches!(check.status, Status::Open | Status::Unreadable));
        let all_accepted = !rest.is_empty() && rest.iter().all(|check| check.status == Status::Accepted);
        match open.into_iter().max_by_key(|check| (check.severity, check.status == Status::Open)) {
            None if all_accepted => Self { class: "accepted", sign: "-", word: "accepted" },
            None => Self { class: "ok", sign: "✓", word: "nothing open" },
            Some(check) if check.status == Status::Unreadable => Self { class: "unreadable", sign: "?", word: "unreadable" },
            Some(check) => Self { class: check.severity.word(), sign: "✗", word: check.severity.word() },
        }
    }
}

/// At most so many lines that fit a box.
fn fold(text: &str, lines: usize) -> Vec<String> {
    let mut folded: Vec<String> = wrap("", "", &safe(text), LETTERS).iter().flat_map(|line| cut(line)).collect();
    if folded.len() > lines {
        folded.truncate(lines);
        if let Some(last) = folded.last_mut() {
            // Longer than what fits, so that it ends with the sign.
            *last = short(&format!("{last}{}", " ".repeat(LETTERS)), LETTERS);
        }
    }
    folded
}

/// A line in pieces that fit a box: a picture is looked at, nothing is copied from it.
fn cut(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in line.chars() {
        let last = pieces.last_mut().expect("there is always one");
        if width(last) < LETTERS {
            last.push(c);
            continue;
        }
        // Rather after a hyphen than inside of a number.
        let at = last.rfind(['-', '/']).map(|at| at + 1).filter(|at| *at > LETTERS / 2).unwrap_or(last.len());
        let mut next = last.split_off(at);
        next.push(c);
        pieces.push(next);
    }
    pieces
}

/// At most so many characters, with a sign that there were more.
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::verify::{Group, Severity};

    fn resource(address: &str, needs: &[&str]) -> ResourceDocument {
        let needs = needs.iter().map(|&need| need.to_owned()).collect();
        ResourceDocument { address: address.into(), title: String::new(), needs, present: true }
    }

    fn document(resources: Vec<ResourceDocument>, checks: Vec<CheckDocument>) -> VerifyDocument {
        let mut document =
            VerifyDocument::of(crate::report::findings::document::About::default(), String::new(), &[], &[], "", Severity::Info);
        (document.resources, document.checks) = (resources, checks);
        document
    }

    fn check(address: &str, status: Status, severity: Severity) -> CheckDocument {
        let address = Some(address.to_owned());
        let (id, title, controls) = (String::new(), String::new(), vec![]);
        CheckDocument { id, status, severity, group: Group::Storage, title, address, resource: None, controls }
    }

    #[test]
    fn each_stands_after_what_it_needs_and_what_leads_there_already_is_not_drawn_twice() {
        let resources = vec![
            resource("key", &[]),
            resource("logs", &["nobody"]),
            resource("bucket", &["key", "logs"]),
            resource("trail", &["key", "logs", "bucket"]),
            resource("itself", &["itself", "later"]),
            resource("later", &["itself"]),
        ];
        assert_eq!(layers(&resources), [0, 0, 1, 2, 0, 1]);
        let picture = Picture::of(&document(resources, vec![])).unwrap();
        assert_eq!(picture.edges.len(), 4, "key and logs to bucket, bucket to trail, itself to later");
        for (at, one) in picture.nodes.iter().enumerate() {
            assert!(one.x + one.width <= picture.width && one.y + one.height <= picture.height);
            for other in &picture.nodes[at + 1..] {
                let apart = one.x + one.width <= other.x || other.x + other.width <= one.x;
                assert!(apart || one.y + one.height <= other.y || other.y + other.height <= one.y, "boxes lie apart");
            }
        }
    }

    #[test]
    fn a_box_has_the_mark_of_the_worst_in_it() {
        use Severity::{Critical, High, Low};
        use Status::{Accepted, Holds, Open, Unreadable};
        let mark = |checks: &[CheckDocument]| Mark::of(checks.iter()).class;
        assert_eq!(mark(&[]), "ok");
        assert_eq!(mark(&[check("a", Holds, Critical), check("a", Accepted, Critical)]), "ok");
        assert_eq!(mark(&[check("a", Accepted, Critical)]), "accepted");
        assert_eq!(mark(&[check("a", Open, Low), check("a", Open, High), check("a", Holds, Critical)]), "high");
        assert_eq!(mark(&[check("a", Unreadable, High), check("a", Open, Low)]), "unreadable");
        assert_eq!(mark(&[check("a", Open, High), check("a", Unreadable, High)]), "high");
    }

    /// `state_bucket_logs/policy` is no part of `state_bucket`.
    #[test]
    fn a_part_is_in_its_own_box() {
        let checks: Vec<_> =
            ["bucket/policy", "bucket/policy", "bucket_logs/policy", "bucket"].map(|at| check(at, Status::Open, Severity::Low)).into();
        let picture = Picture::of(&document(vec![resource("bucket", &[])], checks)).unwrap();
        let lines: Vec<_> = picture.nodes[0].lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["", "0 of 3 checks hold", "policy"]);
    }

    #[test]
    fn many_parts_are_counted() {
        let checks = (0..12).map(|at| check(&format!("bucket/{at}"), Status::Holds, Severity::Low)).collect();
        let picture = Picture::of(&document(vec![resource("bucket", &[])], checks)).unwrap();
        assert_eq!(picture.nodes[0].lines.len(), 2 + PARTS);
        assert_eq!(picture.nodes[0].lines.last().unwrap().text, "and 4 more");
    }

    proptest! {
        #[test]
        fn every_line_fits_its_box(text in "[ a-z東/-]{0,200}") {
            let lines = fold(&text, TITLE);
            prop_assert!(lines.len() <= TITLE);
            prop_assert!(lines.iter().all(|line| width(line) <= LETTERS + 1), "{lines:?}");
            prop_assert!(width(&short(&text, LETTERS)) <= LETTERS);
        }
    }
}
