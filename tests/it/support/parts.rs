//! A table whose rows take long is tested in several parts side by side, each of which takes every
//! n-th row.

/// One of `of` parts, counted from 0.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    number: usize,
    of: usize,
}

impl Part {
    /// Of the tests with these names, that of this name.
    pub(crate) fn named(name: &str, all: &[&str]) -> Self {
        Self {
            number: all
                .iter()
                .position(|other| *other == name)
                .expect("one of them"),
            of: all.len(),
        }
    }

    /// Its share of the rows.
    pub(crate) fn of<T>(self, rows: &[T]) -> impl Iterator<Item = &T> {
        rows.iter().skip(self.number).step_by(self.of)
    }
}

/// Makes a test for each part, all of them below one name: `in_parts! { fn every_row: check_rows in
/// first second }`.
macro_rules! in_parts {
    (fn $name:ident: $check:ident in $($part:ident)+) => {
        mod $name {
            const PARTS: &[&str] = &[$(stringify!($part)),+];

            $(
                #[tokio::test]
                async fn $part() {
                    super::$check($crate::support::parts::Part::named(stringify!($part), PARTS)).await;
                }
            )+
        }
    };
}
pub(crate) use in_parts;

#[test]
fn each_row_is_in_one_part() {
    for of in 1..5 {
        for length in 0..10 {
            let rows: Vec<usize> = (0..length).collect();
            let mut taken: Vec<usize> = (0..of)
                .flat_map(|number| Part { number, of }.of(&rows).copied())
                .collect();
            taken.sort_unstable();
            assert_eq!(taken, rows, "{of} parts");
        }
    }
    let [one, two] = ["one", "two"].map(|name| Part::named(name, &["one", "two"]));
    assert_eq!(
        [one, two].map(|part| part.of(&[1, 2, 3]).copied().collect::<Vec<_>>()),
        [vec![1, 3], vec![2]]
    );
}
