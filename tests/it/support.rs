//! What several tests stand on.

#[cfg(unix)]
pub(crate) mod aws;
#[cfg(unix)]
pub(crate) mod backend;
#[cfg(unix)]
pub(crate) mod emulator;
pub(crate) mod chain;
#[cfg(unix)]
pub(crate) mod cut_store;
#[cfg(unix)]
pub(crate) mod drift;
#[cfg(unix)]
pub(crate) mod fork_server;
pub(crate) mod host;
pub(crate) mod imagined;
pub(crate) mod made_up;
pub(crate) mod memory_store;
pub(crate) mod page;
pub(crate) mod parts;
#[cfg(unix)]
pub(crate) mod ports;
#[cfg(unix)]
pub(crate) mod program;
#[cfg(unix)]
pub(crate) mod proxy;
#[cfg(unix)]
pub(crate) mod recorder;
pub(crate) mod s3;
#[cfg(unix)]
pub(crate) mod schemas;
pub(crate) mod scripted;
pub(crate) mod sources;
#[cfg(unix)]
pub(crate) mod terminal;
#[cfg(unix)]
pub(crate) mod user;
