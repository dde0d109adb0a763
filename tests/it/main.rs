
mod render;
//! Everything that is tested from outside, as one program.

mod laws;
mod support;
mod tidy;
