//! What the tests share.

#[cfg(unix)]
pub mod emulator;
pub mod host;
pub mod s3;
