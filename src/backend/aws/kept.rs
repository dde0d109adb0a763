//! An environment as it is, and the settings that follow: what nothing says is kept as it is there.
//!
//! The widest blueprint is looked at together with the one that the settings ask for, so that in
//! the ordinary case this takes no longer than looking at the latter. What the resources say of the
//! settings replaces the defaults; what is wanted then and was not looked at yet is looked at in a
//! further round.

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
        EncryptionSettings, Settings,
        derived::DerivedNames,
        error::SettingsError,
        layer::{LockMechanism, SettingsLayer},
        merge::MergedSettings,
        names::{AccountId, EnvName, StateKey, WorkspacePrefix},
        options::{layer_of, said},
        rerun::RerunArguments,
    },
};

pub mod decide;
pub mod locks;
pub mod evidence;
pub mod old_keys;
pub mod sightings;

use decide::{DecisionInputs, KeptDecision};
use evidence::{EvidenceReader, LiveEncryption, LiveEvidence};
use sightings::ObservedResources;

/// A bucket that only another resource names takes a second round, what it says of the settings a
/// third.
const MOST_ROUNDS: usize = 4;

/// What the partial configuration of ours in the folder says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FolderSettings {
    /// The file, as it is named in its folder.
    pub file: String,
    pub key: Option<StateKey>,
    pub workspace_prefix: Option<WorkspacePrefix>,
    pub lock: Option<LockMechanism>,
    pub bucket: Option<String>,
    /// Names that are not the derived ones.
    pub names: SettingsLayer,
    /// As whom Terraform works.
    pub credentials: SettingsLayer,
}

impl FolderSettings {
    /// What it says of the settings, where the cloud says nothing.
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

/// Something of this environment that its settings do not ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOutResource {
    /// As it would be if it were wanted.
    pub node: BlueprintNode<AwsSpec>,
    /// As it is.
    pub spec: AwsSpec,
    pub output: Option<String>,
}

/// An environment as it is.
#[derive(Clone, Debug)]
pub struct Inspection {
    pub merged: MergedSettings,
    pub settings: Settings,
    pub names: DerivedNames,
    pub blueprint: Blueprint<AwsSpec>,
    pub observation: Observation<AwsSpec>,
    /// Parts that the settings leave out, and that are there with the environment's tags. Parents
    /// come before their parts.
    pub unwanted: Vec<LeftOutResource>,
    /// What was asked for and changes what the states that are there depend on.
    pub changes: Vec<SettingChange>,
    /// Kept values that protect less than the default does.
    pub weaker: SettingsLayer,
    /// The blueprint with the defaults in their place; `None` if there are none.
    pub judged: Option<Blueprint<AwsSpec>>,
    /// Whether the state bucket is there.
    pub live: bool,
}

/// What is asked for, and from where.
pub struct InspectOptions<'a> {
    pub aws: &'a AwsProvider,
    pub env: &'a EnvName,
    /// What was said, and the defaults.
    pub merged: &'a MergedSettings,
    pub beside: &'a FolderSettings,
    pub account: &'a AccountId,
    /// Whether the user asked for files that use another state.
    pub moves_state: bool,
    /// What names the environment again on a command line.
    pub rerun: &'a RerunArguments,
}

impl InspectOptions<'_> {
    /// Looks at the environment until what it says of its settings asks for no further look.
    /// Nothing is written.
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
                // Of several keys that were made at once, the one behind its alias is meant.
                (true, Some(own)) => evidence.encryption = Some(LiveEncryption::Key(own.clone())),
                // It may have been made between the looks at the key and at the policies.
                (true, None) if !looked_again => {
                    looked_again = true;
                    evidence.encryption = None;
                    sightings.forget(&KEY, &wide);
                }
                // A teardown scheduled it and took its alias: another takes its place.
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

    fn widest(&self, settings: &Settings) -> Blueprint<AwsSpec> {
        let wide = widest(settings);
        blueprint::blueprint(&wide, &DerivedNames::new(&wide, self.account), self.aws)
    }

    /// Buckets and tables that are named, and were not looked at yet.
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

    /// Whether what encrypts the states is a key with the environment's tags, and not the one that
    /// was found for it. A key whose tags may not be read is not: ours delegate to IAM, and
    /// those of other accounts are not ours.
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
        // What was said is not kept.
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

/// The node with the records of left out parts that it has in the other blueprint: its tags are no
/// finding of their own.
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

/// The layer without what `other` says, and without what has no effect then.
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

/// Each thing once, and only what was not looked at yet.
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

/// What is there with the environment's tags, and not in the blueprint that is wanted.
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
        if with_parent && spec.goes_with_its_whole()
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

/// Whether a part that is not wanted is one of the environment's. Every bucket has logging and
/// notifications of some kind, and those of an adopted one may lead elsewhere.
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
