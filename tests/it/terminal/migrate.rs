//! `tfbackend migrate` asks once, names counts and places, and takes nothing but a yes for one.

use std::fs;

use super::ESCAPE;
use crate::support::{program::Place, terminal::Terminal};

const STATE: &str = r#"{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","outputs":{},"resources":[]}"#;

#[test]
fn migration_is_confirmed_with_counts_and_places() {
    let place = Place::bare();
    let (from, to) = (
        place.path().join("app/terraform.tfstate"),
        place.path().join("new/terraform.tfstate"),
    );
    fs::create_dir(place.path().join("app")).expect("made");
    fs::write(&from, STATE).expect("written");
    let words = [
        "migrate",
        "--from",
        "local:app",
        "--to",
        "local:new/terraform.tfstate",
    ];
    let question = "Move 1 state from app/terraform.tfstate to new/terraform.tfstate";
    for (keys, code, says) in [("\r", 3, "Cancelled"), (ESCAPE, 130, "interrupted")] {
        let mut terminal = Terminal::start(&place, &words);
        terminal.answer(question, keys);
        assert_eq!(terminal.end(), code, "{}", terminal.screen());
        assert!(terminal.screen().contains(says), "{}", terminal.screen());
        assert_eq!(fs::read_to_string(&from).expect("a state"), STATE);
        assert!(!to.exists());
    }
    let mut terminal = Terminal::start(&place, &words);
    terminal.answer(question, "y\r");
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    assert_eq!(fs::read_to_string(&to).expect("a state"), STATE);
}
