//! What a terminal shows while events come in.

use std::{
    fmt, io,
    num::NonZeroU16,
    sync::{Arc, Mutex},
};

use indicatif::TermLike;

use super::*;
use crate::report::progress::tests::story;

/// A terminal of 60 columns and 16 lines that can be looked at.
#[derive(Clone)]
struct Screen(Arc<Mutex<vt100::Parser>>);

impl Screen {
    fn new() -> Self {
        let size = |n| NonZeroU16::new(n).unwrap();
        Self(Arc::new(Mutex::new(vt100::Parser::new(
            size(16),
            size(60),
            0,
        ))))
    }

    fn process(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap().process(text.as_bytes());
        Ok(())
    }

    /// The lines, but for how far a spinner turned and how long it has done so.
    fn text(&self) -> String {
        let still = |row: String| match row
            .strip_prefix(|c| "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏|/\\".contains(c))
            .and_then(|rest| rest.trim_end().rsplit_once("  "))
        {
            Some((address, _elapsed)) => format!("*{address}"),
            None => row.trim_end().to_owned(),
        };
        let rows: Vec<_> = self
            .0
            .lock()
            .unwrap()
            .screen()
            .rows(0, 60)
            .map(still)
            .collect();
        rows.join("\n").trim_end().to_owned()
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Screen")
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        60
    }
    fn height(&self) -> u16 {
        16
    }
    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        if n == 0 {
            Ok(())
        } else {
            self.process(&format!("\x1b[{n}A"))
        }
    }
    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        if n == 0 {
            Ok(())
        } else {
            self.process(&format!("\x1b[{n}B"))
        }
    }
    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        if n == 0 {
            Ok(())
        } else {
            self.process(&format!("\x1b[{n}C"))
        }
    }
    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        if n == 0 {
            Ok(())
        } else {
            self.process(&format!("\x1b[{n}D"))
        }
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.process(&format!("{text}\r\n"))
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.process(text)
    }
    fn clear_line(&self) -> io::Result<()> {
        self.process("\r\x1b[2K")
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

fn bars(style: TextStyles) -> (ProgressBars, Screen) {
    let screen = Screen::new();
    (
        ProgressBars::new(
            3,
            style,
            ProgressDrawTarget::term_like(Box::new(screen.clone())),
        ),
        screen,
    )
}

#[test]
fn what_runs_is_below_what_is_done() {
    let (mut bars, screen) = bars(TextStyles {
        color: false,
        unicode: true,
    });
    let events = story();
    let (early, late) = events.split_at(3);
    early.iter().for_each(|event| bars.on_event(event));
    // Draws are held back when they come fast.
    std::thread::sleep(TICK * 3);
    insta::assert_snapshot!(screen.text(), @"
    ✓ kms_key  0.12s
    * state_bucket
      1 of 3 done
    ");
    late.iter().for_each(|event| bars.on_event(event));
    bars.finish();
    insta::assert_snapshot!(screen.text(), @r"
    ✓ kms_key  0.12s
    interrupted: no more steps are started, 1 running step finis
    hes first
    ✗ failed state_bucket  taken: \u{1b}[2J\u{202e}evil\nerror:
    fine
    - skipped state_bucket/policy  needs state_bucket
    ");
}

#[test]
fn ascii_is_enough() {
    let (mut bars, screen) = bars(TextStyles::PLAIN);
    story().iter().for_each(|event| bars.on_event(event));
    bars.finish();
    assert!(screen.text().is_ascii(), "{}", screen.text());
}
