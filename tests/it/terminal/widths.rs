//! The questions of `bootstrap` at several widths: options wrap, and nothing of a question is left
//! when it is answered.

use std::{thread, time::Duration};

use super::{DOWN, ESCAPE};
use crate::support::{emulator::Emulator, program::Place, terminal::Terminal};

/// Whole screens, one after the other.
struct Screens {
    columns: u16,
    all: String,
}

impl Screens {
    fn take(&mut self, terminal: &mut Terminal<'_>, text: &str) {
        terminal.wait_for(text);
        let screen = settled(terminal);
        let widest = screen.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(usize::from(self.columns)), "{screen}");
        self.all.push_str(&format!(
            "{screen}\n{}\n",
            "=".repeat(usize::from(self.columns))
        ));
    }
}

/// The screen once no more is drawn.
fn settled(terminal: &Terminal<'_>) -> String {
    let mut screen = terminal.screen();
    loop {
        thread::sleep(Duration::from_millis(150));
        let now = terminal.screen();
        if now == screen {
            return screen;
        }
        screen = now;
    }
}

async fn questions(columns: u16) -> String {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let mut screens = Screens {
        columns,
        all: String::new(),
    };
    let args = ["bootstrap", "--env", "prod", "--alarms=false"];
    let mut terminal = Terminal::start_in(&place, &args, columns, "xterm-256color");
    terminal.answer("Project", "acme\r");
    screens.take(&mut terminal, "❯ eu-west-1");
    terminal.press("london");
    terminal.wait_for("› london");
    screens.take(&mut terminal, "❯ eu-west-2");
    terminal.press("\r");
    screens.take(&mut terminal, "[Y/n/edit]");
    terminal.press("what\r");
    screens.take(&mut terminal, "✘");
    terminal.press("edit\r");
    terminal.answer("State key", "\r");
    screens.take(&mut terminal, "Esc");
    terminal.press(DOWN);
    terminal.press("\r");
    screens.take(&mut terminal, "SSE-S3:");
    terminal.press(ESCAPE);
    screens.take(&mut terminal, "? State locking");
    terminal.press("\r");
    terminal.answer("SSE-S3:", &format!("{DOWN}\r"));
    terminal.answer(
        "ARN of the key",
        "arn:aws:kms:eu-west-2:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab\r",
    );
    screens.take(&mut terminal, "✘ key");
    terminal.answer("SSE-S3:", &format!("{DOWN}{DOWN}\r"));
    screens.take(&mut terminal, "CloudTrail audit");
    terminal.press(&format!("{DOWN}{DOWN}\r"));
    terminal.answer("Attach the policy", "\r");
    screens.take(&mut terminal, "Protect");
    terminal.press("n\r");
    screens.take(&mut terminal, "not protected");
    terminal.press("n\r");
    assert_eq!(terminal.end(), 3);
    screens.take(&mut terminal, "Cancelled.");
    screens.all
}

#[tokio::test]
async fn questions_fit_60_columns() {
    insta::assert_snapshot!(questions(60).await);
}

#[tokio::test]
async fn questions_fit_80_columns() {
    insta::assert_snapshot!(questions(80).await);
}

#[tokio::test]
async fn questions_fit_120_columns() {
    insta::assert_snapshot!(questions(120).await);
}

/// Whole lines, no colour and no movement of the cursor, to an answer by number, by name and by
/// word.
#[tokio::test]
async fn dumb_terminal_is_asked_line_by_line() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let args = [
        "bootstrap",
        "--env",
        "prod",
        "--alarms=false",
        "--trail=off",
    ];
    let mut terminal = Terminal::start_in(&place, &args, 80, "dumb");
    for (text, line) in [
        ("Project", "Acme"),
        ("contains `A`", "acme"),
        ("a region newer", "atlantis"),
        ("a number or a name", "London"),
        ("Use these?", "edit"),
        ("State key", ""),
        ("both:", "2"),
        ("SSE-S3:", "<"),
        ("State locking", "1"),
        ("SSE-S3:", "SSE-S3"),
        ("Attach", ""),
        ("Protect", "maybe"),
        ("yes or no", "no"),
        ("not protected", "n"),
    ] {
        terminal.wait_for_next(text);
        terminal.wait_for_next("> ");
        terminal.send(&format!("{line}\n"));
    }
    assert_eq!(terminal.end(), 3);
    let screen = terminal.raw();
    assert!(!screen.contains('\u{1b}'), "{screen:?}");
    insta::assert_snapshot!(screen.replace('\r', ""));
}

#[tokio::test]
async fn no_color_has_no_colour() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    place.set("NO_COLOR", "1");
    let args = [
        "bootstrap",
        "--env",
        "prod",
        "--project",
        "acme",
        "--region",
        "eu-west-1",
    ];
    let mut terminal = Terminal::start_in(&place, &args, 80, "xterm-256color");
    terminal.answer("Use these?", "edit\r");
    terminal.answer("State key", "\r");
    terminal.answer("State locking", "\r");
    terminal.answer("Encryption", super::CTRL_C);
    assert_eq!(terminal.end(), 130);
    let raw = terminal.raw();
    // Colours, bold, dim and reverse end with an `m`; moves and clearing do not.
    let is_style = |part: &str| {
        let end = part.find(|c: char| c.is_ascii_alphabetic());
        end.is_some_and(|end| &part[end..=end] == "m")
    };
    assert!(!raw.split("\u{1b}[").skip(1).any(is_style), "{raw:?}");
}
