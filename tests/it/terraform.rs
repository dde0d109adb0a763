//! The real Terraform on a backend that the built program made, as the runner and no more.

pub(crate) mod running;

mod apply;
mod denied;
mod go;
mod hold;
mod locks;
mod usage;
mod variants;
mod working_directory;
