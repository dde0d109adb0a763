//! `docs/reference/exit-codes.md`: the constants of `src/exit.rs` with their doc comments.

use crate::support::page;

#[test]
fn every_exit_code_is_documented() {
    let source = page::read("src/exit.rs");
    let mut rows = "| code | means |\n| --- | --- |\n".to_owned();
    let mut about: Vec<&str> = vec![];
    let mut codes = 0;
    for line in source.lines() {
        if let Some(words) = line.strip_prefix("/// ") {
            about.push(words);
        } else if let Some((_, value)) = line.split_once(": u8 = ") {
            rows.push_str(&format!(
                "| {} | {} |\n",
                value.trim_end_matches(';'),
                about.join(" ").trim_end_matches('.')
            ));
            about.clear();
            codes += 1;
        }
    }
    assert_eq!(codes, source.matches("pub const").count());
    page::parts_must_be("docs/reference/exit-codes.md", &[("codes", rows)]);
}
