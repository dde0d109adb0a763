//! What several tests stand on.

#[cfg(unix)]
pub mod aws;
#[cfg(unix)]
pub mod backend;
#[cfg(unix)]
pub mod emulator;
pub mod chain;
#[cfg(unix)]
pub mod cut_store;
#[cfg(unix)]
pub mod drift;
#[cfg(unix)]
pub mod fork_server;
pub mod host;
pub mod imagined;
pub mod made_up;
pub mod memory_store;
pub mod page;
pub mod parts;
#[cfg(unix)]
pub mod ports;
#[cfg(unix)]
pub mod program;
#[cfg(unix)]
pub mod proxy;
#[cfg(unix)]
pub mod recorder;
pub mod s3;
#[cfg(unix)]
pub mod schemas;
pub mod scripted;
pub mod sources;
#[cfg(unix)]
pub mod terminal;
#[cfg(unix)]
pub mod user;
