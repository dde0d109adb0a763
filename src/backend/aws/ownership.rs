//! The ownership tags, and the owner of a resource by its tags.

use std::collections::BTreeMap;

use crate::engine::observation::ResourceOwner;

pub const MANAGED_BY: &str = "ManagedBy";
pub const PROJECT: &str = "tfbackend:project";
pub const ENV: &str = "tfbackend:env";
pub const PROTECTED: &str = "tfbackend:protected";
/// Increases if the set of resources changes, not with each release, which would be drift.
pub const LAYOUT: &str = "tfbackend:version";

/// On the state bucket, `false` means that access logs or the trail are disabled. A missing log
/// bucket does not imply that.
pub const ACCESS_LOGS: &str = "tfbackend:access-logs";
pub const TRAIL: &str = "tfbackend:trail";
/// On the state bucket, `false` means that notifications are disabled. Without it, missing
/// notifications were removed by others.
pub const DELETE_EVENTS: &str = "tfbackend:delete-events";
/// On the lock table, `false` means that point-in-time recovery is disabled.
pub const TABLE_RECOVERY: &str = "tfbackend:table-recovery";

const LEFT_OUT: &str = "false";

const TOOL: &str = "tfbackend";
const LAYOUT_VERSION: &str = "1";

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// The identity of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentId {
    pub project: String,
    pub env: String,
}

impl std::fmt::Display for EnvironmentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the tfbackend environment {} of project {}",
            self.env, self.project
        )
    }
}

impl EnvironmentId {
    /// Returns the tags of all resources of this environment.
    pub fn tags(&self, protected: bool, more: &Tags) -> Tags {
        let mut tags = more.clone();
        tags.extend(self.identity().map(|(key, value)| (key.to_owned(), value)));
        tags.extend([
            (PROTECTED.to_owned(), protected.to_string()),
            (LAYOUT.to_owned(), LAYOUT_VERSION.to_owned()),
        ]);
        tags
    }

    /// Returns the environment of a resource with these tags.
    pub fn of(tags: &Tags) -> Option<Self> {
        let tag = |key: &str| tags.get(key).cloned();
        (tag(MANAGED_BY)? == TOOL).then_some(())?;
        Some(Self {
            project: tag(PROJECT)?,
            env: tag(ENV)?,
        })
    }

    /// Returns the tags that identify the owner, which never change.
    pub fn identity(&self) -> [(&'static str, String); 3] {
        [
            (MANAGED_BY, TOOL.to_owned()),
            (PROJECT, self.project.clone()),
            (ENV, self.env.clone()),
        ]
    }

    pub fn owner(&self, tags: &Tags) -> ResourceOwner {
        let tag = |key: &str| tags.get(key).map(String::as_str);
        match (tag(MANAGED_BY), tag(PROJECT), tag(ENV)) {
            (Some(TOOL), Some(project), Some(env))
                if project == self.project && env == self.env =>
            {
                ResourceOwner::Us
            }
            (Some(TOOL), Some(project), Some(env)) => ResourceOwner::Other(
                Self {
                    project: project.to_owned(),
                    env: env.to_owned(),
                }
                .to_string(),
            ),
            _ => ResourceOwner::Unmanaged,
        }
    }
}

/// Merges tags over existing ones: a tag set is never replaced. A part that is enabled again has
/// its tag updated.
pub fn tags_over(ours: &Tags, theirs: &Tags) -> Tags {
    let mut all = theirs.clone();
    for part in [ACCESS_LOGS, TRAIL, DELETE_EVENTS, TABLE_RECOVERY] {
        if let Some(value) = all.get_mut(part) {
            "true".clone_into(value);
        }
    }
    all.extend(ours.clone());
    all
}

/// Returns the tags of a resource, with the record of a disabled part.
pub fn with_record(tags: &Tags, part: &str, left_out: bool) -> Tags {
    let record = left_out.then(|| (part.to_owned(), LEFT_OUT.to_owned()));
    tags.clone().into_iter().chain(record).collect()
}

pub fn is_left_out(tags: &Tags, part: &str) -> bool {
    tags.get(part).is_some_and(|value| value == LEFT_OUT)
}

/// Returns the tags to write to change `from` to `to`.
pub fn tags_to_add(from: Option<&Tags>, to: &Tags) -> Tags {
    to.iter()
        .filter(|(key, value)| from.and_then(|tags| tags.get(*key)) != Some(value))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

/// Returns the number of calls to add them.
pub fn trips_to_tag(from: &Tags, to: &Tags) -> u32 {
    u32::from(!tags_to_add(Some(from), to).is_empty())
}

#[cfg(test)]
mod tests;
