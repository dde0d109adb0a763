//! `tfbackend teardown` asks one question, and a yes is no answer to it.

use super::ESCAPE;
use crate::support::{emulator::Emulator, program::Place, terminal::Terminal};

const LINE: &str = "--env dev --project acme --region eu-west-1 --lock s3 --ephemeral --trail off \
                    --alarms=false --access-logs=false";
const BUCKET: &str = "acme-tfstate-dev-000000000000-eu-west-1";

#[tokio::test]
async fn the_name_of_the_bucket_is_typed() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let said = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    let words: Vec<&str> = ["teardown"].into_iter().chain(LINE.split(' ')).collect();
    let inventory = || emulator.python("tests/it/support/inventory.py", &[]);
    let before = inventory();
    for (keys, code, says) in [("y\r", 3, "not \"y\""), (ESCAPE, 130, "interrupted")] {
        let mut terminal = Terminal::start(&place, &words);
        terminal.answer(&format!("Type {BUCKET} to delete this backend"), keys);
        assert_eq!(terminal.end(), code, "{}", terminal.screen());
        assert!(terminal.screen().contains(says), "{}", terminal.screen());
    }
    assert_eq!(inventory(), before);
    let mut terminal = Terminal::start(&place, &words);
    terminal.answer("to delete this backend", &format!("{BUCKET}\r"));
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    assert!(
        terminal.screen().contains("deleted: 3 resources"),
        "{}",
        terminal.screen()
    );
    assert_eq!(inventory(), "key PendingDeletion\n");
}
