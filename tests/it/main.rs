//! Every test that uses the library from outside, in one binary.

mod support;

mod settings_file;
mod settings_merge;
mod settings_check;
mod settings_reference;
mod wizard;
