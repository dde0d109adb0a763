//! What several tests stand on.

#[cfg(unix)]
pub mod emulator;
pub mod host;
pub mod imagined;
pub mod s3;
