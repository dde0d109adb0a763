//! A plan as a JSON document: what `plan --output json` prints, field by field.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DescribeResource, adoption::AdoptionDocument};
use crate::{
    engine::{
        plan::{BlockReason, KeepReason, Plan, PlanStep, PlannedChange, path::CriticalPath},
        spec::{Address, Spec},
    },
    report::json::VersionedDocument,
};

/// Which environment a plan is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanSubject {
    pub project: String,
    pub env: String,
    /// The account's 12 digits.
    pub account: String,
    pub region: String,
}

/// The whole plan. [`write_document`](crate::report::json::write_document) puts `format_version`
/// before the first field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanDocument {
    #[serde(flatten)]
    pub about: PlanSubject,
    /// The state that the folder will use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<PlannedStateDocument>,
    /// Whether any step is more than a no-op.
    pub changes: bool,
    pub counts: ActionCounts,
    pub monthly_cost: MonthlyCost,
    /// How long carrying it out takes at least. Absent if that cannot be done, or takes something
    /// down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical_path: Option<CriticalPath>,
    /// The IAM policy that carrying it out needs, and looking at everything before and after;
    /// resources as far as IAM knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<PlanPolicyDocument>")]
    pub needed_actions: Option<Value>,
    /// Settings that nothing says, that are not the defaults, and that are kept as they are there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptSetting>,
    /// What is there of the environment although its settings leave it out. It is left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwanted: Vec<UnwantedResource>,
    /// What is in a bucket that is taken over, and what waits for `--enforce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption: Option<AdoptionDocument>,
    /// In an order in which they can be carried out.
    pub steps: Vec<StepDocument>,
}

/// A state, and whether another folder may use it already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedStateDocument {
    /// As in `s3://bucket/key`.
    pub address: String,
    pub status: StateStatus,
    /// What is there, or why that is unknown, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StateStatus {
    /// The folder's partial configuration names it. It was not looked at.
    Configured,
    /// Nothing is there.
    New,
    /// This folder used it before, or has it as its local state.
    Own,
    /// It is there, and the key was said.
    Chosen,
    /// It is there, and this folder has not used it: bootstrap refuses without
    /// `--use-existing-state`.
    Foreign,
    /// It cannot be looked at, and bootstrap refuses.
    Unknown,
}

/// A setting and its value, as in `tfbackend.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeptSetting {
    pub name: String,
    pub value: Value,
}

/// A resource that no setting asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnwantedResource {
    /// As in `lock_table`.
    pub address: Address,
    /// Kind and name, for people.
    pub title: String,
}

/// An IAM policy.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
#[expect(dead_code, reason = "describes what a policy is serialized as")]
struct PlanPolicyDocument {
    version: String,
    statement: Vec<Value>,
}

/// How many steps there are of each action.
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

/// A plan to make things says nothing of deletes.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn none(count: &usize) -> bool {
    *count == 0
}

/// US dollars a month, without what depends on use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MonthlyCost {
    /// By what is created.
    pub added: f64,
    /// By all that is there in the end.
    pub total: f64,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepDocument {
    /// As in `state_bucket/versioning`. Stable between versions.
    pub address: Address,
    pub action: PlannedAction,
    /// Addresses of the steps that come before it.
    pub needs: Vec<Address>,
    /// Kind and name, for people. Absent if blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// US dollars a month, if it costs that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_cost: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What follows from it for the states that are there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consequence: Option<String>,
    /// What is there now: of updates, adoptions, no-ops, deletes and what is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What will be there: of creates, updates and adoptions. A text with `(known after apply:
    /// ADDRESS)` in it is filled in with what the step at that address gives out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    /// Why it is blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonDocument>,
    /// Why it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptStepDocument>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedAction {
    NoOp,
    Create,
    Update,
    /// As update, of something that tfbackend did not make.
    Adopt,
    /// In a plan to take a backend down only.
    Delete,
    /// Stays where the rest is taken down.
    Keep,
    /// Nothing is changed, at this step or any other, until a person has acted.
    Blocked,
}

/// The reason's own fields (`kind` and its facts), and what it says to a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonDocument {
    #[serde(flatten)]
    pub reason: BlockReason,
    pub message: String,
}

/// The same of what is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeptStepDocument {
    #[serde(flatten)]
    pub why: KeepReason,
    pub message: String,
}

/// The JSON Schema of the whole document, as it is printed.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(VersionedDocument<PlanDocument>);
    schema.insert(
        "title".to_owned(),
        "A plan, as `tfbackend plan --output json` prints it".into(),
    );
    schema.to_value()
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
