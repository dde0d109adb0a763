//! An index of the lines of a text, to convert offsets to lines and columns.

/// The offsets of the lines of a text.
#[derive(Clone, Debug)]
pub(crate) struct LineIndex<'t> {
    text: &'t str,
    /// The offset of the first byte of each line; never empty.
    starts: Vec<usize>,
}

impl<'t> LineIndex<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let ends = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(ends).collect(),
        }
    }

    /// The line, from 1, that the byte `at` is on.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// The line and, in characters, the column, both from 1, of the byte `at`.
    pub(crate) fn place(&self, at: usize) -> (usize, usize) {
        let line = self.line(at.min(self.text.len()));
        let start = self.starts[line - 1];
        let before = self.text.get(start..at).unwrap_or(&self.text[start..]);
        (line, before.chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_by_line_and_column() {
        let lines = LineIndex::of("a\n\u{e9}b\n\nc");
        let places: Vec<_> = [0, 1, 2, 4, 5, 6, 7, 8, 99]
            .map(|at| lines.place(at))
            .to_vec();
        assert_eq!(
            places,
            [
                (1, 1),
                (1, 2),
                (2, 1),
                (2, 2),
                (2, 3),
                (3, 1),
                (4, 1),
                (4, 2),
                (4, 2)
            ]
        );
        assert_eq!(LineIndex::of("").place(0), (1, 1));
        assert_eq!(lines.line(3), 2);
    }

    #[test]
    fn four_mebibytes_of_lines_are_found_once() {
        let text = "a\n".repeat(2 << 20);
        let begun = std::time::Instant::now();
        let lines = LineIndex::of(&text);
        let last = (0..text.len()).step_by(20).map(|at| lines.line(at)).max();
        assert_eq!(last, Some(2_097_151));
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }
}
