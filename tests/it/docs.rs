//! The documentation is what the program says and does.

mod architecture;
mod cli;
mod cost;
mod exit_codes;
mod json;
mod links;
mod permissions;
mod plans;
mod policies;
mod schema;
mod settings;
#[cfg(unix)]
mod site;
mod threats;
mod verify;
mod what_is_made;

/// All that there can be at once: both locks, e-mail, somebody to attach the policy to.
const EVERYTHING: &str = "--lock both --alarm-email ops@example.com --attach-to role/terraform";

/// The account, project and region of every example.
const SETTINGS: &str = "project = \"acme\"\nregion = \"eu-west-1\"\n[env.prod]\n";
