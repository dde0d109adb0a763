//! The person at the terminal: the built program in a pseudo-terminal, screen by screen, and who is
//! there when nobody is.

mod busy;
mod defaults;
mod interrupted;
mod migrate;
mod questions;
mod teardown;
mod unattended;
mod unfinished;
mod widths;

const DOWN: &str = "\u{1b}[B";
const BACKSPACE: &str = "\u{7f}";
const CTRL_C: &str = "\u{3}";
const CTRL_U: &str = "\u{15}";
const ESCAPE: &str = "\u{1b}";
