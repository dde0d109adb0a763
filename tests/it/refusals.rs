//! Bad input and a world that says no: a clear error that says what to do, and nothing changed.

mod credentials;
mod files;
mod permissions;
mod settings;
mod taken;
mod unusable;

/// What is said on the command line, but for the environment.
const LINE: &str = "--project acme --region eu-west-1 --trail off --alarms=false -y";
