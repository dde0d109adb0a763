//! The tags that make a resource ours, and whose a resource with given tags is.

use std::collections::BTreeMap;

use crate::observation::Owner;

pub const MANAGED_BY: &str = "ManagedBy";
pub const PROJECT: &str = "tfbackend:project";
pub const ENV: &str = "tfbackend:env";
pub const PROTECTED: &str = "tfbackend:protected";
/// Counts up when the set of resources changes, not with each release: it would be drift.
pub const LAYOUT: &str = "tfbackend:version";

const TOOL: &str = "tfbackend";
const LAYOUT_VERSION: &str = "1";

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Which environment something belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub project: String,
    pub env: String,
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the tfbackend environment {} of project {}", self.env, self.project)
    }
}

impl Mark {
    /// The tags of everything that is made for this environment.
    pub fn tags(&self, protected: bool, more: &Tags) -> Tags {
        let mut tags = more.clone();
        tags.extend(self.identity().map(|(key, value)| (key.to_owned(), value)));
        tags.extend([(PROTECTED.to_owned(), protected.to_string()), (LAYOUT.to_owned(), LAYOUT_VERSION.to_owned())]);
        tags
    }

    /// The environment that a resource with these tags was made for.
    pub fn of(tags: &Tags) -> Option<Self> {
        let tag = |key: &str| tags.get(key).cloned();
        (tag(MANAGED_BY)? == TOOL).then_some(())?;
        Some(Self { project: tag(PROJECT)?, env: tag(ENV)? })
    }

    /// The tags that say whose it is, and never change.
    pub fn identity(&self) -> [(&'static str, String); 3] {
        [(MANAGED_BY, TOOL.to_owned()), (PROJECT, self.project.clone()), (ENV, self.env.clone())]
    }

    pub fn owner(&self, tags: &Tags) -> Owner {
        let tag = |key: &str| tags.get(key).map(String::as_str);
        match (tag(MANAGED_BY), tag(PROJECT), tag(ENV)) {
            (Some(TOOL), Some(project), Some(env)) if project == self.project && env == self.env => Owner::Us,
            (Some(TOOL), Some(project), Some(env)) => Owner::Other(Self { project: project.to_owned(), env: env.to_owned() }.to_string()),
            _ => Owner::Unmanaged,
        }
    }
}

/// Ours over theirs: a tag set is never replaced.
pub fn tags_over(ours: &Tags, theirs: &Tags) -> Tags {
    let mut all = theirs.clone();
    all.extend(ours.clone());
    all
}

/// The tags to write so that `to` holds, given that `from` is there.
pub fn tags_to_add(from: Option<&Tags>, to: &Tags) -> Tags {
    to.iter().filter(|(key, value)| from.and_then(|tags| tags.get(*key)) != Some(value)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// The call that adds them, where there are any.
pub fn trips_to_tag(from: &Tags, to: &Tags) -> u32 {
    u32::from(!tags_to_add(Some(from), to).is_empty())
}

#[cfg(test)]
mod tests;
