//! A plan as text: one block per step, with what is to be set or what differs, and a summary.

use crate::{
    plan::{Change, Plan, Step},
    spec::{Address, Spec},
};

use super::{View, safe::safe, words, wrap::wrap};

pub mod document;
mod policy;
mod settings;
mod value;

/// What a person calls a resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Kind and name: `S3 bucket acme-tfstate-prod-…`.
    pub title: String,
    /// US dollars a month, without what depends on use; `None` if nothing is billed by the month.
    pub cost: Option<f64>,
    /// What a person should know before saying yes.
    pub note: Option<String>,
}

/// How the caller names the resources of a plan.
pub type Describe<'a, S> = dyn Fn(&Address, &S) -> Line + 'a;

/// The plan for a terminal, with a line break at the end. Unchanged steps are counted, and listed if `view.verbose`.
///
/// Settings come from the spec's JSON. The name of an enum's variant around it is left out.
pub fn text<S: Spec>(plan: &Plan<S>, describe: &Describe<'_, S>, view: &View) -> String {
    let mut lines: Vec<String> = vec![];
    for step in plan.steps.iter().filter(|step| view.verbose || !matches!(step.change, Change::NoOp { .. })) {
        lines.extend(block(step, describe, view));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.extend(wrap("", "  ", &summary(plan, describe), view.width));
    lines.into_iter().map(|line| line + "\n").collect()
}

fn block<S: Spec>(step: &Step<S>, describe: &Describe<'_, S>, view: &View) -> Vec<String> {
    let style = view.style;
    let (sign, word) = match &step.change {
        Change::NoOp { .. } => ("=", "no change"),
        Change::Create { .. } => ("+", "create"),
        Change::Update { .. } => ("~", "update"),
        Change::Adopt { .. } => (style.pick("±", "*"), "adopt"),
        Change::Blocked { .. } => ("!", "blocked"),
    };
    let (line, details) = match &step.change {
        Change::NoOp { spec } => (Line { cost: None, note: None, ..describe(&step.address, spec) }, vec![]),
        Change::Create { to } => (describe(&step.address, to), settings::created(&json(to))),
        Change::Update { from, to } | Change::Adopt { from, to } => {
            (Line { cost: None, ..describe(&step.address, to) }, settings::changed(&json(from), &json(to), style))
        }
        Change::Blocked { reason } => (Line { title: reason.to_string(), ..Line::default() }, vec![]),
    };
    let cost = line.cost.filter(|cost| *cost > 0.0).map(|cost| format!(", about {} a month", words::dollars(cost)));
    let head = format!("{sign} {word}");
    let rest = format!("{}  {}{}", safe(step.address.as_str()), safe(&line.title), cost.unwrap_or_default());
    let mut lines = wrap(&format!("{head}  "), "    ", &rest, view.width);
    if let Some(after) = lines[0].strip_prefix(&head) {
        let head = match &step.change {
            Change::NoOp { .. } => style.dim(&head),
            Change::Create { .. } => style.green(&head),
            Change::Update { .. } | Change::Adopt { .. } => style.yellow(&head),
            Change::Blocked { .. } => style.red(&head),
        };
        lines[0] = head + after;
    }
    let note = line.note.map(|note| format!("note: {}", safe(&note)));
    for detail in details.iter().chain(&note) {
        lines.extend(wrap("    ", "      ", detail, view.width));
    }
    lines
}

/// `Plan: 31 to create, 2 to update, 0 blocked; about $3.10 a month.`
fn summary<S: Spec>(plan: &Plan<S>, describe: &Describe<'_, S>) -> String {
    let document::Counts { create, update, adopt, blocked, no_op } = document::Counts::of(plan);
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
    let cost = document::Cost::of(plan, describe);
    let cost = if cost.added < 0.005 {
        String::new()
    } else if cost.total - cost.added < 0.005 {
        format!("; about {} a month", words::dollars(cost.added))
    } else {
        format!("; about {} a month more, {} in all", words::dollars(cost.added), words::dollars(cost.total))
    };
    format!("Plan: {}{cost}.", parts.join(", "))
}

fn json<S: Spec>(spec: &S) -> serde_json::Value {
    value::bare(serde_json::to_value(spec).expect("a spec is plain data"))
}

#[cfg(test)]
mod tests;
