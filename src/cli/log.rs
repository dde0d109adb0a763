//! Debug logging to standard error, off by default.

use std::io;

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    prelude::*,
};

/// Starts logging if asked for, by `-vv` or by a level in `TFBACKEND_LOG`, such as `debug`.
///
/// Only tfbackend's own words: what the AWS SDK logs holds session tokens and bodies.
pub(crate) fn start(verbose: u8, level: Option<&str>, color: bool) {
    let level = level.and_then(|level| level.parse::<LevelFilter>().ok());
    let Some(level) = level.or((verbose >= 2).then_some(LevelFilter::DEBUG)) else {
        return;
    };
    let ours = Targets::new().with_target("tfbackend", level);
    let subscriber = tracing_subscriber::registry().with(
        fmt::layer()
            .with_ansi(color)
            .with_writer(io::stderr)
            .with_filter(ours),
    );
    // A program that runs several commands has started it before.
    let _ = subscriber.try_init();
}
