//! The threats that `docs/internals/threats.md` lists: what no other test shows yet, and that each has its
//! tests.

mod audit;
#[cfg(unix)]
mod checkout;
mod elsewhere;
mod every_command;
mod paths;
mod rights;
mod supply;
#[cfg(unix)]
mod waiting;
