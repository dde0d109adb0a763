//! A plan: the difference as data, which can be printed, saved and tested.

use serde::{Deserialize, Serialize};

pub(crate) mod path;
pub mod teardown;

use crate::engine::{
    blueprint::{Blueprint, BlueprintNode},
    observation::{self, Observation, Observed, ResourceOwner},
    spec::{Address, Spec},
};

/// The change at one address. `from` and `to` are sufficient to print and to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum PlannedChange<S> {
    NoOp {
        spec: S,
    },
    Create {
        to: S,
    },
    Update {
        from: S,
        to: S,
    },
    /// Like `Update`, for a resource that tfbackend did not create.
    Adopt {
        from: S,
        to: S,
    },
    Delete {
        from: S,
    },
    /// The resource remains after the teardown.
    Keep {
        spec: S,
        why: KeepReason,
    },
    /// No change is possible until the user resolves the reason.
    Blocked {
        reason: BlockReason,
    },
}

/// The reason why a teardown keeps a resource.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, thiserror::Error,
)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum KeepReason {
    #[error("unmanaged: tfbackend did not create it")]
    Unmanaged,
    #[error("belongs to {owner}")]
    Foreign { owner: String },
    #[error("is an existing resource, which tfbackend only uses")]
    Used,
    #[error("{how}")]
    Asked { how: String },
    #[error("is needed by {by}, which is kept")]
    Needed { by: Address },
}

#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, thiserror::Error,
)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum BlockReason {
    #[error("cannot be read: {error}")]
    Unreadable { error: String },
    #[error("was not read")]
    NotLookedAt,
    #[error("exists, but was not created by tfbackend; pass `--adopt` to adopt it")]
    Unmanaged,
    #[error("belongs to {owner}")]
    Foreign { owner: String },
    #[error("{why}")]
    Impossible { why: String },
    #[error("{what}")]
    Missing { what: String },
    /// A change of a backend in use that requires several runs, or steps outside this plan.
    #[error("{what}; {remedy}")]
    NeedsOrder { what: String, remedy: String },
}

/// A requested change that affects a backend in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingChange {
    /// The plan is blocked at an address of the setting.
    Refused {
        setting: Address,
        reason: BlockReason,
    },
    /// The plan shows the consequences at this step.
    Consequence { step: Address, what: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanStep<S> {
    pub address: Address,
    pub needs: Vec<Address>,
    /// The consequences for existing states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consequence: Option<String>,
    #[serde(flatten)]
    pub change: PlannedChange<S>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use]
pub struct Plan<S> {
    pub steps: Vec<PlanStep<S>>,
}

impl<S> PlannedChange<S> {
    pub fn writes(&self) -> bool {
        match self {
            Self::Create { .. }
            | Self::Update { .. }
            | Self::Adopt { .. }
            | Self::Delete { .. } => true,
            Self::NoOp { .. } | Self::Keep { .. } | Self::Blocked { .. } => false,
        }
    }
}

impl<S: Spec> Plan<S> {
    /// Returns the plan that changes observed resources to the blueprint, and nothing else.
    pub fn to_apply(blueprint: &Blueprint<S>, observation: &Observation<S>, adopt: bool) -> Self {
        let (known, decided) = (
            observation::outputs(observation),
            observation::final_outputs(observation),
        );
        let steps = blueprint.nodes().iter().map(|node| {
            let to = |outputs| {
                change(
                    node.spec.resolve(outputs),
                    observation.get(&node.address),
                    adopt,
                )
            };
            // Unknown outputs can be used for comparison, but not for a write.
            let as_it_is = (known != decided)
                .then(|| to(&known))
                .filter(|change| matches!(change, PlannedChange::NoOp { .. }));
            step(node, as_it_is.unwrap_or_else(|| to(&decided)))
        });
        Self {
            steps: steps.collect(),
        }
    }

    /// Adds requested changes of a backend in use: blocked ones first, consequences at their steps.
    pub fn with_changes(mut self, changes: &[SettingChange]) -> Self {
        for change in changes.iter().rev() {
            match change {
                SettingChange::Refused { setting, reason } => {
                    let change = PlannedChange::Blocked {
                        reason: reason.clone(),
                    };
                    self.steps.insert(
                        0,
                        PlanStep {
                            address: setting.clone(),
                            needs: vec![],
                            consequence: None,
                            change,
                        },
                    );
                }
                SettingChange::Consequence { step, what } => {
                    let step = self
                        .steps
                        .iter_mut()
                        .find(|one| one.address == *step && one.change.writes());
                    if let Some(step) = step {
                        step.consequence = Some(what.clone());
                    }
                }
            }
        }
        self
    }

    pub fn is_empty(&self) -> bool {
        self.differing().next().is_none()
    }

    /// Returns the steps that change something.
    pub fn differing(&self) -> impl Iterator<Item = &PlanStep<S>> {
        self.steps.iter().filter(|step| {
            !matches!(
                step.change,
                PlannedChange::NoOp { .. } | PlannedChange::Keep { .. }
            )
        })
    }

    /// Returns the blocked steps. A plan with blocked steps is not applied.
    pub fn blocked(&self) -> impl Iterator<Item = (&Address, &BlockReason)> {
        self.steps.iter().filter_map(|step| match &step.change {
            PlannedChange::Blocked { reason } => Some((&step.address, reason)),
            PlannedChange::NoOp { .. }
            | PlannedChange::Create { .. }
            | PlannedChange::Update { .. }
            | PlannedChange::Adopt { .. }
            | PlannedChange::Delete { .. }
            | PlannedChange::Keep { .. } => None,
        })
    }

    /// Returns the parent of a blocked part, if it is blocked for the same reason, which is
    /// reported once.
    pub fn blocking_whole(&self, part: &PlanStep<S>) -> Option<&Address> {
        let PlannedChange::Blocked { reason } = &part.change else {
            return None;
        };
        let parent = part.address.parent()?;
        self.blocked()
            .find(|(address, why)| **address == parent && *why == reason)
            .map(|(address, _)| address)
    }

    /// Returns the steps that write.
    pub fn writes(&self) -> impl Iterator<Item = &PlanStep<S>> {
        self.steps.iter().filter(|step| step.change.writes())
    }

    /// Returns the steps that delete.
    pub fn deletes(&self) -> impl Iterator<Item = &PlanStep<S>> {
        self.steps
            .iter()
            .filter(|step| matches!(step.change, PlannedChange::Delete { .. }))
    }
}

fn step<S: Spec>(node: &BlueprintNode<S>, change: PlannedChange<S>) -> PlanStep<S> {
    PlanStep {
        address: node.address.clone(),
        needs: node.needs.clone(),
        consequence: None,
        change,
    }
}

fn change<S: Spec>(desired: S, seen: Option<&Observed<S>>, adopt: bool) -> PlannedChange<S> {
    let blocked = |reason| PlannedChange::Blocked { reason };
    let (spec, owner) = match seen {
        None => return blocked(BlockReason::NotLookedAt),
        Some(Observed::Unreadable(error)) => {
            return blocked(BlockReason::Unreadable {
                error: error.clone(),
            });
        }
        Some(Observed::Absent) => {
            return match desired.data_source() {
                Some(what) => blocked(BlockReason::Missing { what }),
                None => PlannedChange::Create { to: desired },
            };
        }
        Some(Observed::Present { spec, owner, .. }) => (spec, owner),
    };
    if let Some(why) = desired.blocked_by(spec) {
        return blocked(BlockReason::Impossible { why });
    }
    if desired.data_source().is_some() {
        return PlannedChange::NoOp { spec: spec.clone() };
    }
    let (from, to) = (spec.clone(), desired.merge_onto(spec));
    match owner {
        ResourceOwner::Us if from == to => PlannedChange::NoOp { spec: to },
        ResourceOwner::Us => PlannedChange::Update { from, to },
        ResourceOwner::Unmanaged if adopt && from == to => PlannedChange::NoOp { spec: to },
        ResourceOwner::Unmanaged if adopt => match desired.adoption_blocked_by(&from) {
            Some(why) => blocked(BlockReason::Impossible { why }),
            None => PlannedChange::Adopt { from, to },
        },
        ResourceOwner::Unmanaged => blocked(BlockReason::Unmanaged),
        ResourceOwner::Other(owner) => blocked(BlockReason::Foreign {
            owner: owner.clone(),
        }),
    }
}
