//! The observed environment and the resulting settings: unset settings keep their existing values.
//!
//! The blueprint with all options is read together with the one of the settings, so that this
//! usually takes no longer than reading the latter. The existing values replace the defaults; nodes
//! that are then wanted and were not read yet are read in a further round.

use std::collections::BTreeMap;

use super::{
    AwsProvider,
    blueprint::{self, KEY, LeftOutParts, STATE_BUCKET, TOPIC, TRAIL, widest},
    bucket::notifications,
    key::find,
    resources::{AwsSpec, KeySearch, look_at},
};
use crate::{
    engine::{
        blueprint::{Blueprint, BlueprintNode},
        observation::{Observation, Observed, ResourceOwner},
        plan::SettingChange,
        spec::{Address, Spec},
    },
    settings::{
        error::SettingsError,
        layer::{LockMechanism, SettingsLayer},
        merge::MergedSettings,
        names::{AccountId, EnvName, StateKey, WorkspacePrefix},
        options::{layer_of, said},
        rerun::RerunArguments,
        s3::{EncryptionSettings, S3Settings, derived::DerivedNames},
    },
};

pub(crate) mod decide;
pub(crate) mod locks;
pub(crate) mod evidence;
pub(crate) mod old_keys;
pub(crate) mod observed;

use decide::{DecisionInputs, KeptDecision};
use evidence::{EvidenceReader, LiveEncryption, LiveEvidence};
use observed::ObservedResources;

/// A bucket that only another resource refers to needs a second round, its settings a third.
const MOST_ROUNDS: usize = 4;

/// The values of the generated partial configuration in the folder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FolderSettings {
    /// The file name in its folder.
    pub file: String,
    pub key: Option<StateKey>,
    pub workspace_prefix: Option<WorkspacePrefix>,
    pub lock: Option<LockMechanism>,
    pub bucket: Option<String>,
    /// Names that differ from the derived ones.
    pub names: SettingsLayer,
    /// The credentials of Terraform.
    pub credentials: SettingsLayer,
}

impl FolderSettings {
    /// Its values for settings that the cloud does not determine.
    pub fn layer(&self) -> SettingsLayer {
        let names = self.names.clone().or_credentials(&self.credentials);
        let Self {
            key,
            workspace_prefix,
            lock,
            ..
        } = self.clone();
        SettingsLayer {
            key,
            workspace_key_prefix: workspace_prefix,
            lock,
            conf_credentials: self.credentials.conf_credentials,
            ..names
        }
    }
}

/// A resource of this environment that its settings do not include.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOutResource {
    /// The desired spec if it were included.
    pub node: BlueprintNode<AwsSpec>,
    /// The observed resource.
    pub spec: AwsSpec,
    pub output: Option<String>,
}

/// An observed environment.
#[derive(Clone, Debug)]
pub struct Inspection {
    pub merged: MergedSettings,
    pub settings: S3Settings,
    pub names: DerivedNames,
    pub blueprint: Blueprint<AwsSpec>,
    pub observation: Observation<AwsSpec>,
    /// Existing resources with the environment's tags that the settings do not include. Parents
    /// come before their parts.
    pub unwanted: Vec<LeftOutResource>,
    /// Requested changes that affect existing states.
    pub changes: Vec<SettingChange>,
    /// Kept values that protect less than the default.
    pub weaker: SettingsLayer,
    /// The blueprint with the defaults instead; `None` if there are no such values.
    pub judged: Option<Blueprint<AwsSpec>>,
    /// True if the state bucket exists.
    pub live: bool,
}

/// The request and its sources.
pub struct InspectOptions<'a> {
    pub aws: &'a AwsProvider,
    pub env: &'a EnvName,
    /// The given settings and the defaults.
    pub merged: &'a MergedSettings,
    pub beside: &'a FolderSettings,
    pub account: &'a AccountId,
    /// True if the user requested files for another state.
    pub moves_state: bool,
    /// The arguments that select the environment on a command line.
    pub rerun: &'a RerunArguments,
}

impl InspectOptions<'_> {
    /// Reads the environment until its existing values require no further read. Nothing is written.
    ///
    /// # Errors
    /// If the settings contradict each other.
    pub async fn run(&self) -> Result<Inspection, SettingsError> {
        let mut sightings = ObservedResources::new(self.aws);
        let mut merged = self.merged.clone().with_kept(&self.beside.layer());
        let mut decision = KeptDecision::default();
        let (mut evidence, mut looked_again) = (LiveEvidence::default(), false);
        for _ in 0..MOST_ROUNDS {
            let settings = merged.resolve(self.env)?;
            let names = DerivedNames::new(&settings, self.account);
            let wide = self.widest(&settings);
            let wanted = blueprint::blueprint(&settings, &names, self.aws);
            let asked_for_own_key =
                matches!(settings.encryption, EncryptionSettings::NewKey { .. });
            let keys = if asked_for_own_key {
                KeySearch::ByTags
            } else {
                KeySearch::ByAlias
            };
            let candidates = self.candidates(&names, &wide, &sightings);
            let nodes = new_nodes(
                wanted.nodes().iter().chain(wide.nodes()).chain(&candidates),
                &sightings,
            );
            if nodes.is_empty() {
                break;
            }
            for (node, seen) in look_at(self.aws, nodes, keys, &wide).await {
                sightings.add(&node.spec, seen);
            }
            sightings
                .look_again_at_what_is_torn(self.aws, &[&wanted, &wide], keys)
                .await;
            let observed = sightings.observation(&wide);
            let reader = EvidenceReader {
                aws: self.aws,
                names: &names,
                wide: &observed,
                sightings: &sightings,
                beside: self.beside,
            };
            evidence = reader.evidence();
            match (self.names_our_key(&evidence).await, &evidence.own_key) {
                (false, _) => {}
                // Of several concurrently created keys, the one behind the alias is used.
                (true, Some(own)) => evidence.encryption = Some(LiveEncryption::Key(own.clone())),
                // It may have been created between the reads of the key and of the policies.
                (true, None) if !looked_again => {
                    looked_again = true;
                    evidence.encryption = None;
                    sightings.forget(&KEY, &wide);
                }
                // A teardown scheduled it and deleted its alias: another one replaces it.
                (true, None) => evidence.encryption = None,
            }
            let facts = DecisionInputs {
                evidence: &evidence,
                beside: self.beside,
                merged: self.merged,
                settings: &settings,
                account: self.account,
                moves_state: self.moves_state,
                rerun: self.rerun,
            };
            decision = facts.decide();
            merged = self
                .merged
                .clone()
                .with_kept(&decision.kept)
                .without_refused(&decision.refused);
        }
        self.conclude(merged, decision, &evidence, &sightings).await
    }

    fn widest(&self, settings: &S3Settings) -> Blueprint<AwsSpec> {
        let wide = widest(settings);
        blueprint::blueprint(&wide, &DerivedNames::new(&wide, self.account), self.aws)
    }

    /// Returns buckets and tables that are referred to and were not read yet.
    fn candidates(
        &self,
        names: &DerivedNames,
        wide: &Blueprint<AwsSpec>,
        sightings: &ObservedResources,
    ) -> Vec<BlueprintNode<AwsSpec>> {
        let observed = sightings.observation(wide);
        let reader = EvidenceReader {
            aws: self.aws,
            names,
            wide: &observed,
            sightings,
            beside: self.beside,
        };
        let node = |spec| BlueprintNode {
            address: STATE_BUCKET,
            needs: vec![],
            spec,
        };
        let buckets = reader
            .bucket_candidates()
            .into_iter()
            .map(|name| node(sightings.bucket(&name)));
        let tables = reader
            .table_candidates()
            .into_iter()
            .map(|name| node(ObservedResources::table(&name)));
        buckets.chain(tables).collect()
    }

    /// Returns whether the states are encrypted with a key with the environment's tags that is not
    /// the found one. A key with unreadable tags is not: owned keys delegate to IAM, and keys of
    /// other accounts are not owned.
    async fn names_our_key(&self, evidence: &LiveEvidence) -> bool {
        match &evidence.encryption {
            Some(LiveEncryption::Key(arn)) if Some(arn) != evidence.own_key.as_ref() => {
                find::is_ours(self.aws, arn).await.unwrap_or(false)
            }
            Some(LiveEncryption::Key(_) | LiveEncryption::S3) | None => false,
        }
    }

    async fn conclude(
        &self,
        merged: MergedSettings,
        decision: KeptDecision,
        evidence: &LiveEvidence,
        sightings: &ObservedResources,
    ) -> Result<Inspection, SettingsError> {
        let settings = merged.resolve(self.env)?;
        let names = DerivedNames::new(&settings, self.account);
        let wide = self.widest(&settings);
        let wanted = blueprint::blueprint(&settings, &names, self.aws);
        let unwanted = unwanted(&wanted, &wide, sightings);
        let mut changes = decision.changes;
        let under_old = old_keys::under(self.aws, &settings, &names, evidence).await;
        changes.extend(under_old.consequence(&settings, evidence));
        let staying = LeftOutParts {
            old_keys: under_old.keys(),
            ..staying(&unwanted)
        };
        let blueprint = blueprint::beside(&settings, &names, self.aws, &staying);
        let observation = sightings.observation(&blueprint);
        // A given setting is not a kept one.
        let mut weaker = said(&decide::weaker_than_default(&decision.kept));
        weaker.retain(|name, _| merged.is_kept(name));
        let weaker = layer_of(weaker);
        let judged = if weaker == SettingsLayer::default() {
            None
        } else {
            let by_defaults = self
                .merged
                .clone()
                .with_kept(&without(&decision.kept, &weaker))
                .without_refused(&decision.refused);
            let judged =
                blueprint::beside(&by_defaults.resolve(self.env)?, &names, self.aws, &staying);
            Some(Blueprint::new(
                judged
                    .nodes()
                    .iter()
                    .map(|node| with_records_of(&blueprint, node))
                    .collect(),
            ))
        };
        Ok(Inspection {
            merged,
            settings,
            names,
            blueprint,
            observation,
            unwanted,
            changes,
            weaker,
            judged,
            live: evidence.live,
        })
    }
}

/// Copies the records of disabled parts from the other blueprint, so that tags are not a finding of
/// their own.
fn with_records_of(
    blueprint: &Blueprint<AwsSpec>,
    node: &BlueprintNode<AwsSpec>,
) -> BlueprintNode<AwsSpec> {
    let mut node = node.clone();
    if let (AwsSpec::LockTable(judged), Some(AwsSpec::LockTable(kept))) = (
        &mut node.spec,
        blueprint.get(&node.address).map(|node| &node.spec),
    ) {
        judged.tags.clone_from(&kept.tags);
    }
    node
}

/// Returns the layer without settings of `other`, and without settings that have no effect then.
fn without(layer: &SettingsLayer, other: &SettingsLayer) -> SettingsLayer {
    let (mut left, other) = (said(layer), said(other));
    left.retain(|name, _| !other.contains_key(name));
    let left = layer_of(left);
    if other.contains_key("billing") {
        SettingsLayer {
            read_capacity: None,
            write_capacity: None,
            ..left
        }
    } else {
        left
    }
}

/// Returns each identity once, and only those that were not read yet.
fn new_nodes<'a>(
    nodes: impl Iterator<Item = &'a BlueprintNode<AwsSpec>>,
    sightings: &ObservedResources,
) -> Vec<&'a BlueprintNode<AwsSpec>> {
    let mut new: BTreeMap<String, &BlueprintNode<AwsSpec>> = BTreeMap::new();
    for node in nodes.filter(|node| !sightings.has(&node.spec)) {
        new.entry(node.spec.identity()).or_insert(node);
    }
    new.into_values().collect()
}

/// Returns existing resources with the environment's tags that are not in the desired blueprint.
fn unwanted(
    wanted: &Blueprint<AwsSpec>,
    wide: &Blueprint<AwsSpec>,
    sightings: &ObservedResources,
) -> Vec<LeftOutResource> {
    let is_wanted = |node: &BlueprintNode<AwsSpec>| {
        wanted
            .nodes()
            .iter()
            .any(|other| other.spec.identity() == node.spec.identity())
    };
    let observed = sightings.observation(wide);
    let mut unwanted: Vec<LeftOutResource> = vec![];
    for node in wide.nodes().iter().filter(|node| !is_wanted(node)) {
        let Some(Observed::Present {
            spec,
            output,
            owner: ResourceOwner::Us,
        }) = observed.get(&node.address)
        else {
            continue;
        };
        let parent = node.address.parent();
        let with_parent = parent
            .as_ref()
            .is_some_and(|parent| unwanted.iter().any(|other| other.node.address == *parent));
        if with_parent && spec.deleted_with_parent()
            || parent.is_some() && !does_something(spec, &node.spec)
        {
            continue;
        }
        unwanted.push(LeftOutResource {
            node: node.clone(),
            spec: spec.clone(),
            output: output.clone(),
        });
    }
    unwanted
}

/// Returns whether an unwanted part belongs to the environment. Every bucket has logging and
/// notification settings, and those of an adopted bucket may have other targets.
fn does_something(spec: &AwsSpec, ours: &AwsSpec) -> bool {
    match (spec, ours) {
        (AwsSpec::Logging(logging), AwsSpec::Logging(ours)) => {
            logging.target.is_some() && logging.target == ours.target
        }
        (AwsSpec::Notifications(all), _) => all
            .targets
            .iter()
            .any(|target| target.id.starts_with(notifications::OURS)),
        (AwsSpec::Recovery(recovery), _) => recovery.enabled,
        _ => true,
    }
}

fn staying(unwanted: &[LeftOutResource]) -> LeftOutParts {
    let stays = |address: &Address| unwanted.iter().any(|one| one.node.address == *address);
    LeftOutParts {
        trail: stays(&TRAIL),
        topic: stays(&TOPIC),
        delete_events: stays(&Address::new("state_bucket/notifications")),
        access_logs: stays(&Address::new("state_bucket/logging")),
        old_keys: vec![],
    }
}
