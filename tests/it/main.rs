//! Everything that is tested from outside, as one program.

mod support;

mod laws;
mod render;
mod tidy;

#[cfg(unix)]
mod emulator;
#[cfg(unix)]
mod sandbox;
