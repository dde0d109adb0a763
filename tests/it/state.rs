//! `tfbackend state` on states that the real Terraform wrote.

mod check;
mod cut_off;
mod restore;
mod world;
