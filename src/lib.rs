//! Settings become a *blueprint*: everything that should exist, in full detail, in an order in
//! which it can be made. An *observation* says what is there, in the same types, or that it could
//! not be seen. A *plan* is their difference: plain data, after which nothing is left to decide.
//! *Apply* carries it out, each step as soon as what it needs is done, and reports *events*.
//! Everything that decides is pure; everything that touches the world decides nothing.
//!
//! The modules are listed in the order in which a value passes through them.

pub mod exit;
pub mod host;
pub mod lines;
pub mod settings;

pub mod spec;
pub mod blueprint;
pub mod observation;
pub mod plan;
pub mod event;
pub mod apply;
pub mod verify;
pub mod render;
pub mod working_directory;
pub mod state;
pub mod backup;

pub mod report;

pub mod aws;
pub mod sandbox;

pub mod cli;
