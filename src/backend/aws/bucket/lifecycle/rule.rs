//! A complete lifecycle rule: rules of others are written back unchanged.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration,
    NoncurrentVersionTransition, Tag, Transition, TransitionStorageClass,
};
use aws_smithy_types::{DateTime, date_time::Format};
use serde::{Deserialize, Serialize};

/// The prefix of IDs of tfbackend.
const OURS: &str = "tfbackend-";

/// Days are counted from creation, or for `noncurrent` from replacement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectLifecycleRule {
    pub id: String,
    pub enabled: bool,
    pub filter: LifecycleFilter,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired_delete_markers: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noncurrent_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noncurrent_newest: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort_uploads_days: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<StorageTransition>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub noncurrent_transitions: Vec<StorageTransition>,
}

/// The objects of the rule; an empty filter matches all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LifecycleFilter {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub larger_than: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smaller_than: Option<i64>,
}

/// A transition to another storage class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageTransition {
    pub class: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<u32>,
}

impl ObjectLifecycleRule {
    pub fn whole_bucket(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            enabled: true,
            ..Self::default()
        }
    }

    pub fn is_ours(&self) -> bool {
        self.id.starts_with(OURS)
    }

    /// Returns whether both have the same effect, regardless of their IDs.
    pub fn same(&self, other: &Self) -> bool {
        Self {
            id: String::new(),
            ..self.clone()
        } == Self {
            id: String::new(),
            ..other.clone()
        }
    }

    /// Removes from this rule what the rules of others keep for longer, since of two rules S3
    /// follows the one that deletes first.
    pub fn beside<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut rule = self.clone();
        for other in others
            .into_iter()
            .filter(|other| other.enabled && other.filter == self.filter)
        {
            let longer = |theirs: Option<u32>, ours: Option<u32>| {
                theirs.is_some_and(|theirs| ours.is_some_and(|ours| theirs > ours))
            };
            if longer(other.expiration_days, self.expiration_days) {
                rule.expiration_days = None;
            }
            if longer(other.noncurrent_days, self.noncurrent_days)
                || longer(other.noncurrent_newest, self.noncurrent_newest)
            {
                rule.noncurrent_days = None;
                rule.noncurrent_newest = None;
            }
        }
        rule
    }

    /// S3 does not accept a rule without an action.
    pub fn does_something(&self) -> bool {
        *self
            != Self {
                id: self.id.clone(),
                enabled: self.enabled,
                filter: self.filter.clone(),
                ..Self::default()
            }
    }

    pub(super) fn from_sdk(rule: LifecycleRule) -> Self {
        #[expect(deprecated, reason = "old rules have their prefix outside the filter")]
        let prefix = rule.prefix;
        let expiration = rule.expiration;
        let noncurrent = rule.noncurrent_version_expiration;
        Self {
            id: rule.id.unwrap_or_default(),
            enabled: rule.status == ExpirationStatus::Enabled,
            filter: LifecycleFilter::from_sdk(rule.filter, prefix),
            expiration_days: expiration.as_ref().and_then(|e| count(e.days)),
            expiration_date: expiration.as_ref().and_then(|e| date(e.date.as_ref())),
            // S3 may add a `false` to a rule with days or a date; alone, it is the whole rule.
            expired_delete_markers: expiration.and_then(|e| {
                e.expired_object_delete_marker
                    .filter(|on| *on || (e.days.is_none() && e.date.is_none()))
            }),
            noncurrent_days: noncurrent.as_ref().and_then(|n| count(n.noncurrent_days)),
            noncurrent_newest: noncurrent.and_then(|n| count(n.newer_noncurrent_versions)),
            abort_uploads_days: rule
                .abort_incomplete_multipart_upload
                .and_then(|a| count(a.days_after_initiation)),
            transitions: rule
                .transitions
                .unwrap_or_default()
                .into_iter()
                .map(|t| StorageTransition {
                    class: class(t.storage_class),
                    days: days(t.days),
                    date: date(t.date.as_ref()),
                    newest: None,
                })
                .collect(),
            noncurrent_transitions: rule
                .noncurrent_version_transitions
                .unwrap_or_default()
                .into_iter()
                .map(|t| StorageTransition {
                    class: class(t.storage_class),
                    days: days(t.noncurrent_days),
                    date: None,
                    newest: count(t.newer_noncurrent_versions),
                })
                .collect(),
        }
    }

    pub(super) fn to_sdk(&self) -> LifecycleRule {
        let expires = self.expiration_days.is_some()
            || self.expiration_date.is_some()
            || self.expired_delete_markers.is_some();
        let expiration = expires.then(|| {
            LifecycleExpiration::builder()
                .set_days(self.expiration_days.map(signed))
                .set_date(self.expiration_date.as_deref().and_then(instant))
                .set_expired_object_delete_marker(self.expired_delete_markers)
                .build()
        });
        let noncurrent = self.noncurrent_days.map(|days| {
            NoncurrentVersionExpiration::builder()
                .noncurrent_days(signed(days))
                .set_newer_noncurrent_versions(self.noncurrent_newest.map(signed))
                .build()
        });
        let abort = self.abort_uploads_days.map(|days| {
            AbortIncompleteMultipartUpload::builder()
                .days_after_initiation(signed(days))
                .build()
        });
        let transitions = self.transitions.iter().map(|t| {
            Transition::builder()
                .storage_class(TransitionStorageClass::from(&*t.class))
                .set_days(t.days.map(signed))
                .set_date(t.date.as_deref().and_then(instant))
                .build()
        });
        let noncurrent_transitions = self.noncurrent_transitions.iter().map(|t| {
            NoncurrentVersionTransition::builder()
                .storage_class(TransitionStorageClass::from(&*t.class))
                .set_noncurrent_days(t.days.map(signed))
                .set_newer_noncurrent_versions(t.newest.map(signed))
                .build()
        });
        LifecycleRule::builder()
            .id(&self.id)
            .status(if self.enabled {
                ExpirationStatus::Enabled
            } else {
                ExpirationStatus::Disabled
            })
            .filter(self.filter.to_sdk())
            .set_expiration(expiration)
            .set_noncurrent_version_expiration(noncurrent)
            .set_abort_incomplete_multipart_upload(abort)
            .set_transitions(some(transitions.collect()))
            .set_noncurrent_version_transitions(some(noncurrent_transitions.collect()))
            .build()
            .expect("the status is given")
    }
}

impl LifecycleFilter {
    fn from_sdk(filter: Option<LifecycleRuleFilter>, outside: Option<String>) -> Self {
        let pair = |tag: Tag| (tag.key, tag.value);
        let Some(filter) = filter else {
            return Self {
                prefix: outside.unwrap_or_default(),
                ..Self::default()
            };
        };
        if let Some(and) = filter.and {
            return Self {
                prefix: and.prefix.unwrap_or_default(),
                tags: and.tags.unwrap_or_default().into_iter().map(pair).collect(),
                larger_than: and.object_size_greater_than,
                smaller_than: and.object_size_less_than,
            };
        }
        Self {
            prefix: filter.prefix.or(outside).unwrap_or_default(),
            tags: filter.tag.into_iter().map(pair).collect(),
            larger_than: filter.object_size_greater_than,
            smaller_than: filter.object_size_less_than,
        }
    }

    /// S3 accepts one condition, or several below `And`.
    fn to_sdk(&self) -> LifecycleRuleFilter {
        let tags: Vec<Tag> = self
            .tags
            .iter()
            .map(|(k, v)| {
                Tag::builder()
                    .key(k)
                    .value(v)
                    .build()
                    .expect("both parts are given")
            })
            .collect();
        let prefix = Some(self.prefix.clone()).filter(|prefix| !prefix.is_empty());
        let conditions = usize::from(prefix.is_some())
            + tags.len()
            + usize::from(self.larger_than.is_some())
            + usize::from(self.smaller_than.is_some());
        let filter = LifecycleRuleFilter::builder();
        if conditions > 1 {
            let and = LifecycleRuleAndOperator::builder()
                .set_prefix(prefix)
                .set_tags(some(tags))
                .set_object_size_greater_than(self.larger_than)
                .set_object_size_less_than(self.smaller_than)
                .build();
            return filter.and(and).build();
        }
        // The empty prefix matches all objects.
        filter
            .set_prefix(if conditions == 0 {
                Some(String::new())
            } else {
                prefix
            })
            .set_tag(tags.into_iter().next())
            .set_object_size_greater_than(self.larger_than)
            .set_object_size_less_than(self.smaller_than)
            .build()
    }
}

fn count(number: Option<i32>) -> Option<u32> {
    days(number).filter(|number| *number > 0)
}

/// A transition may have zero days.
fn days(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

fn signed(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}

fn date(at: Option<&DateTime>) -> Option<String> {
    at.and_then(|at| at.fmt(Format::DateTime).ok())
}

fn instant(text: &str) -> Option<DateTime> {
    DateTime::from_str(text, Format::DateTime).ok()
}

fn class(class: Option<TransitionStorageClass>) -> String {
    class
        .map(|class| class.as_str().to_owned())
        .unwrap_or_default()
}

fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}
