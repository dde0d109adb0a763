//! A small table: columns if they fit, otherwise one block per row.

use super::{
    View,
    safe::safe,
    wrap::{pad, width, wrap},
};

const GAP: &str = "  ";

/// Rows of texts, sanitised when they are added.
#[derive(Clone, Debug)]
pub struct Table<const N: usize> {
    header: [String; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub fn new(header: [&str; N]) -> Self {
        Self { header: header.map(str::to_owned), rows: vec![] }
    }

    pub fn row(&mut self, cells: [&str; N]) {
        self.rows.push(cells.map(|cell| safe(cell).into_owned()));
    }

    /// Lines that end with a line break; nothing if there are no rows.
    pub fn text(&self, view: &View) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let columns: [usize; N] =
            std::array::from_fn(|at| self.rows.iter().chain([&self.header]).map(|row| width(&row[at])).max().unwrap_or(0));
        let total = columns.iter().sum::<usize>() + GAP.len() * N.saturating_sub(1);
        let lines = if total <= view.width { self.columns(&columns, view) } else { self.blocks(view) };
        lines.into_iter().map(|line| line + "\n").collect()
    }

    fn columns(&self, columns: &[usize; N], view: &View) -> Vec<String> {
        let line = |row: &[String; N]| {
            let cells: Vec<_> = row.iter().zip(columns).map(|(cell, columns)| pad(cell, *columns)).collect();
            cells.join(GAP).trim_end().to_owned()
        };
        [view.style.bold(&line(&self.header))].into_iter().chain(self.rows.iter().map(line)).collect()
    }

    /// The first cell as a heading, the others below it, each after the name of its column.
    fn blocks(&self, view: &View) -> Vec<String> {
        let block = |row: &[String; N]| {
            let below = self.header.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty());
            let below = below.flat_map(|(name, cell)| wrap(&format!("  {name}: "), "    ", cell, view.width));
            row.first().map(|first| view.style.bold(first)).into_iter().chain(below).collect::<Vec<_>>()
        };
        self.rows.iter().flat_map(block).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::Style;

    fn made() -> Table<3> {
        let mut table = Table::new(["Part", "Name", "Cost"]);
        table.row(["state bucket", "acme-tfstate-prod-123456789012-eu-west-1", "$0.02"]);
        table.row(["lock table", "acme-tfstate-prod-locks", ""]);
        table.row(["Zürich 東京", "evil\x1b[2J\u{202e}\n", "$1.00"]);
        table
    }

    fn view(width: usize) -> View {
        View { width, style: Style { color: false, unicode: true }, verbose: false }
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
    fn no_rows_are_no_table() {
        assert_eq!(Table::new(["Part"]).text(&view(80)), "");
    }
}
