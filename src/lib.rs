//! Settings become a *blueprint*: everything that should exist, in full detail, in dependency
//! order. An *observation* describes existing resources in the same types, or the errors of reading
//! them. A *plan* is their difference: plain data, after which nothing is left to decide.
//! *Apply* carries it out, each step as soon as what it needs is done, and reports *events*.
//! Code that decides is pure; code with side effects does not decide.
//!
//! The modules are listed in the order in which a value passes through them.

pub mod exit;
pub mod text;
pub mod kind;
pub mod host;
pub mod settings;

pub mod engine;
pub mod state;
pub mod store;
pub mod terraform;
pub mod checks;
pub mod report;

pub mod backend;
pub mod sandbox;

pub mod cli;
