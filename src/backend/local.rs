//! The `local` backend: states as files of one folder, locked as Terraform locks them.

pub mod store;
