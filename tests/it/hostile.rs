//! What others wrote, and meant harm by: it is text and nothing else, in files and on a terminal,
//! however long it is.

mod hcl;
#[cfg(unix)]
mod backend;
#[cfg(unix)]
mod large;
