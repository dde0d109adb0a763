//! The difference, as data: it does nothing by itself, and can be printed, saved and tested.

use serde::{Deserialize, Serialize};

pub mod path;
pub mod teardown;

use crate::engine::{
    blueprint::{Blueprint, BlueprintNode},
    observation::{self, Observation, Observed, ResourceOwner},
    spec::{Address, Spec},
};

/// What is to be done at one address. `from` and `to` are all that printing and writing need.
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
    /// As `Update`, of something that we did not make.
    Adopt {
        from: S,
        to: S,
    },
    Delete {
        from: S,
    },
    /// Stays where the rest is taken down.
    Keep {
        spec: S,
        why: KeepReason,
    },
    /// Nothing may be done here until a person has acted.
    Blocked {
        reason: BlockReason,
    },
}

/// Why a teardown leaves something standing.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, thiserror::Error,
)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum KeepReason {
    #[error("unmanaged: it was not made by tfbackend")]
    Unmanaged,
    #[error("belongs to {owner}")]
    Foreign { owner: String },
    #[error("was there before, and is only used")]
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
    #[error("could not be looked at: {error}")]
    Unreadable { error: String },
    #[error("was not looked at")]
    NotLookedAt,
    #[error("exists, and was not made by tfbackend; pass `--adopt` to take it over")]
    Unmanaged,
    #[error("belongs to {owner}")]
    Foreign { owner: String },
    #[error("{why}")]
    Impossible { why: String },
    #[error("{what}")]
    Missing { what: String },
    /// A change of a live backend that takes more than one step, or steps that this plan cannot
    /// take.
    #[error("{what}; {remedy}")]
    NeedsOrder { what: String, remedy: String },
}

/// A change that the user asked for, of something that a live backend depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingChange {
    /// The plan blocks at an address of the setting's own.
    Refused {
        setting: Address,
        reason: BlockReason,
    },
    /// The plan says at this step what follows from it.
    Consequence { step: Address, what: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanStep<S> {
    pub address: Address,
    pub needs: Vec<Address>,
    /// What follows for the states that are there already.
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
    /// What makes the observed world as the blueprint says, and touches nothing else.
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
            // What stays as it is may be compared with what is not decided yet, and what is written
            // may not.
            let as_it_is = (known != decided)
                .then(|| to(&known))
                .filter(|change| matches!(change, PlannedChange::NoOp { .. }));
            step(node, as_it_is.unwrap_or_else(|| to(&decided)))
        });
        Self {
            steps: steps.collect(),
        }
    }

    /// The same with what was asked for of a live backend: refusals first, consequences at their
    /// steps.
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

    /// The steps of what is not as it should be.
    pub fn differing(&self) -> impl Iterator<Item = &PlanStep<S>> {
        self.steps.iter().filter(|step| {
            !matches!(
                step.change,
                PlannedChange::NoOp { .. } | PlannedChange::Keep { .. }
            )
        })
    }

    /// The steps that need a person first. A plan with any is refused as a whole.
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

    /// The whole that a blocked part belongs to, if that is blocked for the same reason: a person
    /// hears of it once.
    pub fn blocking_whole(&self, part: &PlanStep<S>) -> Option<&Address> {
        let PlannedChange::Blocked { reason } = &part.change else {
            return None;
        };
        let parent = part.address.parent()?;
        self.blocked()
            .find(|(address, why)| **address == parent && *why == reason)
            .map(|(address, _)| address)
    }

    /// The steps that write.
    pub fn writes(&self) -> impl Iterator<Item = &PlanStep<S>> {
        self.steps.iter().filter(|step| step.change.writes())
    }

    /// The steps that delete.
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
            return match desired.reference() {
                Some(what) => blocked(BlockReason::Missing { what }),
                None => PlannedChange::Create { to: desired },
            };
        }
        Some(Observed::Present { spec, owner, .. }) => (spec, owner),
    };
    if let Some(why) = desired.blocked_by(spec) {
        return blocked(BlockReason::Impossible { why });
    }
    if desired.reference().is_some() {
        return PlannedChange::NoOp { spec: spec.clone() };
    }
    let (from, to) = (spec.clone(), desired.over(spec));
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
