//! A plan as a JSON document: the output of `plan --output json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DescribeResource, adoption::AdoptionDocument};
use crate::{
    engine::{
        plan::{BlockReason, KeepReason, Plan, PlanStep, PlannedChange, path::CriticalPath},
        spec::{Address, Spec},
    },
    store::location::BackendLocation,
};

/// The environment of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanSubject {
    pub project: String,
    pub env: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<BackendLocation>,
    /// The 12-digit account ID; only for backend kind `s3`, as `region`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// The complete plan. [`write_document`](crate::report::json::write_document) puts `format_version`
/// before the first field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanDocument {
    #[serde(flatten)]
    pub about: PlanSubject,
    /// The state that the folder uses after the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<PlannedStateDocument>,
    /// True if any step changes something.
    pub changes: bool,
    pub counts: ActionCounts,
    pub monthly_cost: MonthlyCost,
    /// The minimum duration of the run. Absent if the plan is blocked, or is a teardown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical_path: Option<CriticalPath>,
    /// The IAM policy that the run needs, including reads before and after; resources are as
    /// specific as IAM allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<PlanPolicyDocument>")]
    pub needed_actions: Option<Value>,
    /// Existing non-default values of settings that are not set, which are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptSetting>,
    /// Existing resources of the environment that its settings do not include. They are not
    /// changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwanted: Vec<UnwantedResource>,
    /// The content of an adopted bucket, and the changes that wait for `--enforce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption: Option<AdoptionDocument>,
    /// The steps, in an order in which they can be applied.
    pub steps: Vec<StepDocument>,
}

/// A state, and whether another folder may already use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedStateDocument {
    /// As in `s3://bucket/key`.
    pub address: String,
    pub status: StateStatus,
    /// A description of the existing state, or why it is unknown, for display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StateStatus {
    /// The folder's partial configuration contains it. It was not read.
    Configured,
    /// The state does not exist.
    New,
    /// This folder used it before, or has it as its local state.
    Own,
    /// It exists, and its key was set explicitly.
    Chosen,
    /// It exists, and this folder has not used it: bootstrap fails without `--use-existing-state`.
    Foreign,
    /// It cannot be read, and bootstrap fails.
    Unknown,
}

/// A setting and its value, as in `tfbackend.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeptSetting {
    pub name: String,
    pub value: Value,
}

/// A resource that no setting includes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnwantedResource {
    /// As in `lock_table`.
    pub address: Address,
    /// The kind and name, for display.
    pub title: String,
}

/// An IAM policy.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
#[expect(dead_code, reason = "describes the serialized form of a policy")]
struct PlanPolicyDocument {
    version: String,
    statement: Vec<Value>,
}

/// The number of steps of each action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ActionCounts {
    pub create: usize,
    pub update: usize,
    pub adopt: usize,
    #[serde(default, skip_serializing_if = "none")]
    pub delete: usize,
    #[serde(default, skip_serializing_if = "none")]
    pub keep: usize,
    pub blocked: usize,
    pub no_op: usize,
}

/// A plan of bootstrap has no deletes.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde requires this signature"
)]
fn none(count: &usize) -> bool {
    *count == 0
}

/// US dollars per month, without usage-based costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MonthlyCost {
    /// The cost of created resources.
    pub added: f64,
    /// The cost of all resources after the run.
    pub total: f64,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepDocument {
    /// As in `state_bucket/versioning`. Stable between versions.
    pub address: Address,
    pub action: PlannedAction,
    /// The addresses of the steps that it depends on.
    pub needs: Vec<Address>,
    /// The kind and name, for display. Absent if blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// US dollars per month, if it has a monthly cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_cost: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The consequences for existing states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consequence: Option<String>,
    /// The current values, for updates, adoptions, no-ops, deletes and kept resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// The planned values, for creates, updates and adoptions. `(known after apply: ADDRESS)` in a
    /// text is replaced by the output of the step at that address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    /// The reason why it is blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonDocument>,
    /// The reason why it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptStepDocument>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedAction {
    NoOp,
    Create,
    Update,
    /// Like update, for a resource that tfbackend did not create.
    Adopt,
    /// Only in a teardown plan.
    Delete,
    /// The resource remains after the teardown.
    Keep,
    /// No step of the plan runs until you have resolved the reason.
    Blocked,
}

/// The fields of the reason (`kind` and its facts), and its message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonDocument {
    #[serde(flatten)]
    pub reason: BlockReason,
    pub message: String,
}

/// The same for kept resources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeptStepDocument {
    #[serde(flatten)]
    pub why: KeepReason,
    pub message: String,
}

impl PlanDocument {
    pub fn of<S: Spec>(
        plan: &Plan<S>,
        about: PlanSubject,
        describe: &DescribeResource<'_, S>,
    ) -> Self {
        Self {
            about,
            changes: !plan.is_empty(),
            counts: ActionCounts::of(plan),
            monthly_cost: MonthlyCost::of(plan, describe),
            critical_path: plan.critical_path(),
            state: None,
            needed_actions: None,
            adoption: None,
            kept: vec![],
            unwanted: vec![],
            steps: plan
                .steps
                .iter()
                .map(|step| StepDocument::of(step, describe))
                .collect(),
        }
    }
}

impl ActionCounts {
    pub fn of<S>(plan: &Plan<S>) -> Self {
        let mut counts = Self::default();
        for step in &plan.steps {
            *match step.change {
                PlannedChange::NoOp { .. } => &mut counts.no_op,
                PlannedChange::Create { .. } => &mut counts.create,
                PlannedChange::Update { .. } => &mut counts.update,
                PlannedChange::Adopt { .. } => &mut counts.adopt,
                PlannedChange::Delete { .. } => &mut counts.delete,
                PlannedChange::Keep { .. } => &mut counts.keep,
                PlannedChange::Blocked { .. } => &mut counts.blocked,
            } += 1;
        }
        counts
    }
}

impl MonthlyCost {
    pub fn of<S: Spec>(plan: &Plan<S>, describe: &DescribeResource<'_, S>) -> Self {
        let mut cost = Self::default();
        for step in &plan.steps {
            let (created, spec) = match &step.change {
                PlannedChange::Create { to } => (true, to),
                PlannedChange::Update { to, .. } | PlannedChange::Adopt { to, .. } => (false, to),
                PlannedChange::NoOp { spec } | PlannedChange::Keep { spec, .. } => (false, spec),
                PlannedChange::Delete { .. } | PlannedChange::Blocked { .. } => continue,
            };
            let monthly = describe(&step.address, spec).cost.unwrap_or(0.0);
            cost.total += monthly;
            cost.added += if created { monthly } else { 0.0 };
        }
        cost
    }
}

impl StepDocument {
    fn of<S: Spec>(step: &PlanStep<S>, describe: &DescribeResource<'_, S>) -> Self {
        let (action, from, to) = match &step.change {
            PlannedChange::NoOp { spec } => (PlannedAction::NoOp, Some(spec), None),
            PlannedChange::Create { to } => (PlannedAction::Create, None, Some(to)),
            PlannedChange::Update { from, to } => (PlannedAction::Update, Some(from), Some(to)),
            PlannedChange::Adopt { from, to } => (PlannedAction::Adopt, Some(from), Some(to)),
            PlannedChange::Delete { from } => (PlannedAction::Delete, Some(from), None),
            PlannedChange::Keep { spec, .. } => (PlannedAction::Keep, Some(spec), None),
            PlannedChange::Blocked { .. } => (PlannedAction::Blocked, None, None),
        };
        let (reason, kept) = match &step.change {
            PlannedChange::Blocked { reason } => (
                Some(ReasonDocument {
                    message: reason.to_string(),
                    reason: reason.clone(),
                }),
                None,
            ),
            PlannedChange::Keep { why, .. } => (
                None,
                Some(KeptStepDocument {
                    message: why.to_string(),
                    why: why.clone(),
                }),
            ),
            PlannedChange::NoOp { .. }
            | PlannedChange::Create { .. }
            | PlannedChange::Update { .. }
            | PlannedChange::Adopt { .. }
            | PlannedChange::Delete { .. } => (None, None),
        };
        let line = to.or(from).map(|spec| describe(&step.address, spec));
        Self {
            address: step.address.clone(),
            action,
            needs: step.needs.clone(),
            title: line.as_ref().map(|line| line.title.clone()),
            monthly_cost: line.as_ref().and_then(|line| line.cost),
            note: line.and_then(|line| line.note),
            consequence: step.consequence.clone(),
            from: from.map(super::json),
            to: to.map(super::json),
            reason,
            kept,
        }
    }
}
