//! All integration tests, as one binary.

mod support;

#[cfg(unix)]
mod emulator;
#[cfg(unix)]
mod sandbox;
