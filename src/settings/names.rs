//! Names that cannot be wrong: each type holds only what its service accepts.
//!
//! All are read with [`FromStr`](std::str::FromStr) or serde, by the same rule, and no value of any
//! contains a control character, a character that hides or reorders text, or the mark that stands
//! for a value not known yet.

mod arn;
mod bucket;
mod file;
mod plain;
mod principal;
mod region;
mod rule;
mod state;
mod tag;

pub use arn::{KeyArn, RoleArn, TopicArn, TrailArn};
pub use bucket::BucketName;
pub use file::{FileName, Folder, StateFolder};
pub use plain::{AccountId, Email, EnvName, ExternalId, ProfileName, ProjectName, TableName};
pub use principal::{PrincipalArnKind, PrincipalName};
pub use region::{KNOWN_REGIONS, Region, partition_of};
pub use rule::{NameError, NameProblem};
pub use state::{MAX_OBJECT_KEY, MAX_WORKSPACE, StateKey, WorkspacePrefix};
pub use tag::Tag;

#[cfg(test)]
mod tests;
