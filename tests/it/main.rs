//! Everything that is tested from outside, as one program.

mod support;

mod docs;
mod examples;
mod hostile;
mod laws;
mod reasons;
mod render;
mod settings_check;
mod settings_file;
mod settings_merge;
mod tidy;
mod wizard;
mod working_directory;

#[cfg(unix)]
mod adoption;
#[cfg(unix)]
mod canary;
#[cfg(unix)]
mod compatibility;
#[cfg(unix)]
mod credentials;
#[cfg(unix)]
mod demo;
#[cfg(unix)]
mod emulator;
#[cfg(unix)]
mod faults;
#[cfg(unix)]
mod folders;
#[cfg(unix)]
mod golden;
#[cfg(unix)]
mod guides;
#[cfg(unix)]
mod hardening;
mod here;
#[cfg(unix)]
mod idempotence;
#[cfg(unix)]
mod kept;
#[cfg(unix)]
mod local;
#[cfg(unix)]
mod local_environment;
#[cfg(unix)]
mod lock;
#[cfg(unix)]
mod machine;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod packaging;
#[cfg(unix)]
mod picture;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod readme;
#[cfg(unix)]
mod refusals;
#[cfg(unix)]
mod sandbox;
#[cfg(unix)]
mod saved;
#[cfg(unix)]
mod self_check;
#[cfg(unix)]
mod state;
#[cfg(unix)]
mod store_laws;
#[cfg(unix)]
mod store_migrate;
#[cfg(unix)]
mod teardown;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod terraform;
#[cfg(unix)]
mod threats;
#[cfg(unix)]
mod verify;
mod version;
