//! The resources that a plan creates, one per line, in columns: address, title, cost.

use super::{DescribeResource, ResourceTitle};
use crate::{
    engine::{
        plan::{Plan, PlannedChange},
        spec::{Address, Spec},
    },
    report::{
        TextStyle,
        safe::safe,
        wrap::{pad, width, wrap},
    },
    text::words,
};

const HEAD: &str = "+ create";
const GAP: &str = "  ";
/// A longer address, such as one that contains an email address, moves its title to the right.
const ADDRESS: usize = 28;
/// The minimum width of a title: if narrower, columns are not aligned.
const TITLE: usize = 24;

/// The widths of the columns. Without columns, lines are wrapped as text.
#[derive(Default)]
pub(super) struct BriefColumns {
    address: usize,
    /// The width of titles with a cost; others may be longer.
    title: usize,
}

impl BriefColumns {
    pub(super) fn of<S: Spec>(
        plan: &Plan<S>,
        describe: &DescribeResource<'_, S>,
        view: &TextStyle,
    ) -> Self {
        let mut columns = Self::default();
        let mut cost_column = 0;
        for step in &plan.steps {
            let PlannedChange::Create { to } = &step.change else {
                continue;
            };
            let line = describe(&step.address, to);
            let address = width(&safe(step.address.as_str()));
            columns.address = columns
                .address
                .max(if address > ADDRESS { 0 } else { address });
            if let Some(cost) = cost(&line) {
                columns.title = columns.title.max(width(&safe(&line.title)));
                cost_column = cost_column.max(width(&cost));
            }
        }
        let before = HEAD.len() + GAP.len() + columns.address + GAP.len();
        if before + TITLE > view.width {
            return Self::default();
        }
        if before + columns.title + GAP.len() + cost_column > view.width {
            columns.title = 0;
        }
        columns
    }

    pub(super) fn line(
        &self,
        address: &Address,
        line: &ResourceTitle,
        view: &TextStyle,
    ) -> Vec<String> {
        let title = safe(&line.title);
        let address = pad(&safe(address.as_str()), self.address);
        let start = format!("{HEAD}{GAP}{address}{GAP}");
        let below = match self.address {
            0 => "    ".to_owned(),
            columns => " ".repeat(HEAD.len() + GAP.len() + columns + GAP.len()),
        };
        let mut lines = match cost(line) {
            None => wrap(&start, &below, &title, view.width),
            Some(cost) => {
                let row = format!("{start}{}{GAP}{cost}", pad(&title, self.title));
                let fits = self.title > 0 && width(&row) <= view.width;
                if fits {
                    vec![row]
                } else {
                    wrap(&start, &below, &format!("{title}, {cost}"), view.width)
                }
            }
        };
        for note in line.note.iter().filter(|note| !note.is_empty()) {
            lines.extend(wrap(
                &format!("{below}note: "),
                &below,
                &safe(note),
                view.width,
            ));
        }
        if let Some(after) = lines[0].strip_prefix(HEAD) {
            lines[0] = view.style.green(HEAD) + after;
        }
        lines
    }
}

fn cost(line: &ResourceTitle) -> Option<String> {
    line.cost
        .filter(|cost| *cost > 0.0)
        .map(|cost| format!("{}/month", words::dollars(cost)))
}

#[cfg(test)]
mod tests;
