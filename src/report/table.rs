//! A table: in columns if they fit, possibly without the least important ones, otherwise one block
//! per row.

use super::{
    TextStyle,
    safe::safe,
    wrap::{pad, width, wrap},
};
use crate::text::words;

const GAP: &str = "  ";

/// Rows of texts, sanitised when they are added.
#[derive(Clone, Debug)]
pub(crate) struct TextTable<const N: usize> {
    header: [String; N],
    rows: Vec<[String; N]>,
    /// The columns that may be omitted, the least important first.
    optional: Vec<usize>,
}

impl<const N: usize> TextTable<N> {
    pub(crate) fn new(header: [&str; N]) -> Self {
        Self {
            header: header.map(str::to_owned),
            rows: vec![],
            optional: vec![],
        }
    }

    /// Sets the columns that are omitted, in this order, until the table fits.
    #[must_use]
    pub(crate) fn optional(mut self, names: &[&str]) -> Self {
        debug_assert!(
            names
                .iter()
                .all(|name| self.header.iter().any(|column| column == name)),
            "{names:?}"
        );
        self.optional = names
            .iter()
            .filter_map(|name| self.header.iter().position(|column| column == name))
            .collect();
        self
    }

    pub(crate) fn row(&mut self, cells: [&str; N]) {
        self.rows.push(cells.map(|cell| safe(cell).into_owned()));
    }

    /// Returns lines with trailing line breaks; an empty text if there are no rows.
    pub(crate) fn text(&self, view: &TextStyle) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let columns: [usize; N] = std::array::from_fn(|at| {
            self.rows
                .iter()
                .chain([&self.header])
                .map(|row| width(&row[at]))
                .max()
                .unwrap_or(0)
        });
        let total = columns.iter().sum::<usize>() + GAP.len() * N.saturating_sub(1);
        let mut room = total.saturating_sub(view.width);
        let mut left_out = vec![];
        for at in &self.optional {
            if room > 0 {
                room = room.saturating_sub(columns[*at] + GAP.len());
                left_out.push(*at);
            }
        }
        let lines = if room == 0 {
            self.columns(&columns, &left_out, view)
        } else {
            self.blocks(view)
        };
        lines.into_iter().map(|line| line + "\n").collect()
    }

    fn columns(&self, columns: &[usize; N], left_out: &[usize], view: &TextStyle) -> Vec<String> {
        let line = |row: &[String; N]| {
            let cells = row
                .iter()
                .zip(columns)
                .enumerate()
                .filter(|(at, _)| !left_out.contains(at));
            let cells: Vec<_> = cells
                .map(|(_, (cell, columns))| pad(cell, *columns))
                .collect();
            cells.join(GAP).trim_end().to_owned()
        };
        let names: Vec<&str> = (0..N)
            .filter(|at| left_out.contains(at))
            .map(|at| self.header[at].as_str())
            .collect();
        let note = format!(
            "(too narrow for {}; use --output json for all columns)",
            words::list(&names)
        );
        let notes = if names.is_empty() {
            vec![]
        } else {
            wrap("", "", &note, view.width)
        };
        [view.style.bold(&line(&self.header))]
            .into_iter()
            .chain(self.rows.iter().map(line))
            .chain(notes)
            .collect()
    }

    /// Returns the first cell as a heading, followed by the others, each with the name of its
    /// column.
    fn blocks(&self, view: &TextStyle) -> Vec<String> {
        let block = |row: &[String; N]| {
            let below = self
                .header
                .iter()
                .zip(row)
                .skip(1)
                .filter(|(_, cell)| !cell.is_empty());
            let below = below
                .flat_map(|(name, cell)| wrap(&format!("  {name}: "), "    ", cell, view.width));
            row.first()
                .map(|first| view.style.bold(first))
                .into_iter()
                .chain(below)
                .collect::<Vec<_>>()
        };
        self.rows.iter().flat_map(block).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::TextStyles;

    fn made() -> TextTable<3> {
        let mut table = TextTable::new(["Part", "Name", "Cost"]);
        table.row([
            "state bucket",
            "acme-tfstate-prod-123456789012-eu-west-1",
            "$0.02",
        ]);
        table.row(["lock table", "acme-tfstate-prod-locks", ""]);
        table.row(["Zürich 東京", "evil\x1b[2J\u{202e}\n", "$1.00"]);
        table
    }

    fn view(width: usize) -> TextStyle {
        TextStyle {
            width,
            style: TextStyles {
                color: false,
                unicode: true,
            },
            verbose: false,
        }
    }

    #[test]
    fn columns_where_they_fit() {
        insta::assert_snapshot!(made().text(&view(80)), @r#"
        Part          Name                                      Cost
        state bucket  acme-tfstate-prod-123456789012-eu-west-1  $0.02
        lock table    acme-tfstate-prod-locks
        Zürich 東京   evil\u{1b}[2J\u{202e}\n                   $1.00
        "#);
    }

    #[test]
    fn blocks_where_they_do_not() {
        insta::assert_snapshot!(made().text(&view(40)), @r#"
        state bucket
          Name: acme-tfstate-prod-123456789012-eu-west-1
          Cost: $0.02
        lock table
          Name: acme-tfstate-prod-locks
        Zürich 東京
          Name: evil\u{1b}[2J\u{202e}\n
          Cost: $1.00
        "#);
    }

    #[test]
    fn optional_columns_are_left_out_in_their_order_before_there_are_blocks() {
        let table = made().optional(&["Cost", "Part"]);
        assert_eq!(table.text(&view(80)), made().text(&view(80)));
        insta::assert_snapshot!(table.text(&view(58)), @r#"
        Part          Name
        state bucket  acme-tfstate-prod-123456789012-eu-west-1
        lock table    acme-tfstate-prod-locks
        Zürich 東京   evil\u{1b}[2J\u{202e}\n
        (too narrow for Cost; use --output json for all columns)
        "#);
        insta::assert_snapshot!(table.text(&view(41)), @r"
        Name
        acme-tfstate-prod-123456789012-eu-west-1
        acme-tfstate-prod-locks
        evil\u{1b}[2J\u{202e}\n
        (too narrow for Part and Cost; use
        --output json for all columns)
        ");
        assert_eq!(table.text(&view(39)), made().text(&view(39)));
    }

    #[test]
    fn one_line_each_where_no_line_ends() {
        let text = made().text(&view(usize::MAX));
        assert_eq!(text, made().text(&view(80)));
    }

    #[test]
    fn no_rows_are_no_table() {
        assert_eq!(TextTable::new(["Part"]).text(&view(80)), "");
    }
}
