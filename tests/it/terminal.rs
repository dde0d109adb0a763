//! The person at the terminal: the built program in a pseudo-terminal, screen by screen.

mod questions;
