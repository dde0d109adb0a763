//! A plan as text: one block per step, with settings or differences, and a summary.

use crate::engine::{
    plan::{Plan, PlanStep, PlannedChange, path::CriticalPath},
    spec::{Address, Spec},
};

use super::{TextStyle, safe::safe, style::TextStyles, wrap::wrap};
use crate::text::words;

mod brief;
pub(crate) mod adoption;
pub mod document;
mod policy;
mod settings;
mod value;

/// The display name of a resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceTitle {
    /// Kind and name: `S3 bucket acme-tfstate-prod-…`.
    pub title: String,
    /// US dollars per month, without usage-based costs; `None` if there is no monthly cost.
    pub cost: Option<f64>,
    /// A note to read before confirming.
    pub note: Option<String>,
}

impl ResourceTitle {
    /// What the resource says of itself.
    pub fn of<S: Spec>(_: &Address, spec: &S) -> Self {
        Self {
            title: spec.title(),
            cost: spec.monthly_cost().filter(|dollars| *dollars > 0.0),
            note: spec.note(),
        }
    }
}

/// Describes the resources of a plan.
pub type DescribeResource<'a, S> = dyn Fn(&Address, &S) -> ResourceTitle + 'a;

/// Returns the plan for a terminal, with a trailing line break.
///
/// A create takes one line, an update shows its differences, and unchanged resources are counted.
/// With `view.verbose`, everything is shown with all settings, which come from the spec's JSON
/// without names of enum variants.
pub fn text<S: Spec>(
    plan: &Plan<S>,
    describe: &DescribeResource<'_, S>,
    view: &TextStyle,
) -> String {
    let mut lines: Vec<String> = vec![];
    let columns = brief::BriefColumns::of(plan, describe, view);
    for step in &plan.steps {
        lines.extend(match &step.change {
            _ if view.verbose => block(step, 0, describe, view),
            PlannedChange::NoOp { .. } => vec![],
            PlannedChange::Create { to } => {
                columns.line(&step.address, &describe(&step.address, to), view)
            }
            PlannedChange::Blocked { .. } if plan.blocking_whole(step).is_some() => vec![],
            PlannedChange::Blocked { .. } => {
                let parts = plan
                    .steps
                    .iter()
                    .filter(|part| plan.blocking_whole(part) == Some(&step.address))
                    .count();
                block(step, parts, describe, view)
            }
            PlannedChange::Update { .. }
            | PlannedChange::Adopt { .. }
            | PlannedChange::Delete { .. }
            | PlannedChange::Keep { .. } => block(step, 0, describe, view),
        });
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.extend(wrap("", "  ", &summary(plan, describe), view.width));
    lines.into_iter().map(|line| line + "\n").collect()
}

/// `Critical path: 10 round trips (caller 1, read 2, write 5, verify 2).`
pub fn critical_path(path: &CriticalPath) -> String {
    let CriticalPath {
        round_trips,
        caller,
        look,
        make,
        look_again,
        through: _,
    } = path;
    let parts = [
        ("caller", caller),
        ("read", look),
        ("write", make),
        ("verify", look_again),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, trips)| **trips > 0)
        .map(|(name, trips)| format!("{name} {trips}"))
        .collect();
    format!(
        "Critical path: {} ({}).",
        words::count(*round_trips as usize, "round trip", "round trips"),
        parts.join(", ")
    )
}

/// Returns the differences between two values of a setting, one per line, without colors.
pub fn differences(from: &serde_json::Value, to: &serde_json::Value) -> Vec<String> {
    settings::changed(from, to, &|_| None, TextStyles::PLAIN)
}

/// Returns what differs between a value that is found and the expected one, one per line.
pub fn found(found: &serde_json::Value, expected: &serde_json::Value) -> Vec<String> {
    settings::found(found, expected)
}

/// Returns a step with its details. `parts` are blocked for the same reason and not shown.
fn block<S: Spec>(
    step: &PlanStep<S>,
    parts: usize,
    describe: &DescribeResource<'_, S>,
    view: &TextStyle,
) -> Vec<String> {
    let style = view.style;
    let head = head(&step.change, style);
    let (line, details) = match &step.change {
        PlannedChange::NoOp { spec } => (
            ResourceTitle {
                cost: None,
                note: None,
                ..describe(&step.address, spec)
            },
            vec![],
        ),
        PlannedChange::Create { to } => (describe(&step.address, to), settings::created(&json(to))),
        PlannedChange::Update { from, to } | PlannedChange::Adopt { from, to } => (
            ResourceTitle {
                cost: None,
                ..describe(&step.address, to)
            },
            settings::changed(&json(from), &json(to), &|setting| to.why(setting), style),
        ),
        PlannedChange::Delete { from } => {
            // Only with -v: the values of a deleted resource need no review.
            let details = if view.verbose {
                settings::created(&json(from))
            } else {
                vec![]
            };
            (
                ResourceTitle {
                    cost: None,
                    note: None,
                    ..describe(&step.address, from)
                },
                details,
            )
        }
        PlannedChange::Keep { spec, why } => (
            ResourceTitle {
                cost: None,
                note: None,
                ..describe(&step.address, spec)
            },
            vec![safe(&why.to_string()).into_owned()],
        ),
        PlannedChange::Blocked { reason } => (
            ResourceTitle {
                title: reason.to_string(),
                ..ResourceTitle::default()
            },
            vec![],
        ),
    };
    let cost = line
        .cost
        .filter(|cost| *cost > 0.0)
        .map(|cost| format!(", about {} a month", words::dollars(cost)));
    let parts = if parts == 0 {
        String::new()
    } else {
        format!(" and its {}", words::count(parts, "part", "parts"))
    };
    let rest = format!(
        "{}{parts}  {}{}",
        safe(step.address.as_str()),
        safe(&line.title),
        cost.unwrap_or_default()
    );
    let mut lines = wrap(&format!("{head}  "), "    ", &rest, view.width);
    colored(&mut lines, &head, &step.change, style);
    let note = line.note.map(|note| format!("note: {}", safe(&note)));
    let consequence = step
        .consequence
        .as_ref()
        .map(|what| format!("note: {}", safe(what)));
    for detail in details.iter().chain(&note).chain(&consequence) {
        lines.extend(wrap("    ", "      ", detail, view.width));
    }
    lines
}

/// Returns sign and word: each is sufficient.
fn head<S>(change: &PlannedChange<S>, style: TextStyles) -> String {
    let (sign, word) = match change {
        PlannedChange::NoOp { .. } => ("=", "no change"),
        PlannedChange::Create { .. } => ("+", "create"),
        PlannedChange::Update { .. } => ("~", "update"),
        PlannedChange::Adopt { .. } => (style.pick("±", "*"), "adopt"),
        PlannedChange::Delete { .. } => ("-", "delete"),
        PlannedChange::Keep { .. } => ("=", "keep"),
        PlannedChange::Blocked { .. } => ("!", "blocked"),
    };
    format!("{sign} {word}")
}

fn colored<S>(lines: &mut [String], head: &str, change: &PlannedChange<S>, style: TextStyles) {
    let Some(first) = lines.first_mut() else {
        return;
    };
    let Some(after) = first.strip_prefix(head) else {
        return;
    };
    let head = match change {
        PlannedChange::NoOp { .. } | PlannedChange::Keep { .. } => style.dim(head),
        PlannedChange::Create { .. } => style.green(head),
        PlannedChange::Update { .. } | PlannedChange::Adopt { .. } => style.yellow(head),
        PlannedChange::Delete { .. } | PlannedChange::Blocked { .. } => style.red(head),
    };
    *first = head + after;
}

/// Returns `Plan: 31 to create, 2 to update, 0 blocked; about $3.10 a month.`
fn summary<S: Spec>(plan: &Plan<S>, describe: &DescribeResource<'_, S>) -> String {
    let document::ActionCounts {
        create,
        update,
        adopt,
        delete,
        keep,
        blocked,
        no_op,
    } = document::ActionCounts::of(plan);
    if delete + keep > 0 {
        let mut parts = vec![format!("{delete} to delete")];
        parts.extend((keep > 0).then(|| format!("{keep} kept")));
        parts.push(format!("{blocked} blocked"));
        return format!("Plan: {}.", parts.join(", "));
    }
    if plan.is_empty() {
        return match no_op {
            0 => "Plan: nothing to do.".to_owned(),
            _ => format!("Plan: nothing to do, {no_op} unchanged."),
        };
    }
    let mut parts = vec![format!("{create} to create"), format!("{update} to update")];
    parts.extend((adopt > 0).then(|| format!("{adopt} to adopt")));
    parts.push(format!("{blocked} blocked"));
    parts.extend((no_op > 0).then(|| format!("{no_op} unchanged")));
    let cost = document::MonthlyCost::of(plan, describe);
    let cost = if cost.added < 0.005 {
        String::new()
    } else if cost.total - cost.added < 0.005 {
        format!("; about {} a month", words::dollars(cost.added))
    } else {
        format!(
            "; about {} a month more, {} in all",
            words::dollars(cost.added),
            words::dollars(cost.total)
        )
    };
    format!("Plan: {}{cost}.", parts.join(", "))
}

fn json<S: Spec>(spec: &S) -> serde_json::Value {
    value::bare(serde_json::to_value(spec).expect("a spec is plain data"))
}

#[cfg(test)]
mod tests;
