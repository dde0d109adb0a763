//! `tfbackend state` on states that the real Terraform wrote.

mod cut_off;
mod restore;
mod world;
