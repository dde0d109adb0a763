//! Backends that others made: what `verify` says of them, and what `bootstrap --adopt` makes of
//! them.

mod guide;
mod in_use;
mod looser;
mod provider;
mod tools;
mod tutorials;
mod variants;
mod world;

/// Makes backends with boto3.
const MAKE: &str = "tests/it/adoption/make.py";
