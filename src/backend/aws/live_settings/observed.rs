//! A cache of observations by identity, so that the same resource is read once.

use std::collections::BTreeMap;

use crate::{
    backend::aws::{
        AwsProvider,
        bucket::BucketSpec,
        lock_table::LockTable,
        ownership::Tags,
        resources::{
            AwsSpec, KeySearch, LOOKS_AT_WHAT_IS_TORN, look_at, torn_nodes,
            what_is_torn_is_unreadable,
        },
        retry::Backoff,
    },
    engine::{
        blueprint::{Blueprint, BlueprintNode},
        observation::{Observation, Observed, ResourceOwner, inherit_owners},
        spec::Address,
    },
};

/// The observations by [`AwsSpec::identity`].
#[derive(Debug, Default)]
pub(crate) struct ObservedResources {
    seen: BTreeMap<String, Observed<AwsSpec>>,
    region: String,
}

impl ObservedResources {
    pub(crate) fn new(aws: &AwsProvider) -> Self {
        Self {
            seen: BTreeMap::new(),
            region: aws.region.clone(),
        }
    }

    pub(crate) fn has(&self, spec: &AwsSpec) -> bool {
        self.seen.contains_key(&spec.identity())
    }

    pub(crate) fn add(&mut self, spec: &AwsSpec, seen: Observed<AwsSpec>) {
        self.seen.insert(spec.identity(), seen);
    }

    /// Removes a node and its parts, which are then read again.
    pub(crate) fn forget(&mut self, address: &Address, blueprint: &Blueprint<AwsSpec>) {
        let is_of_it = |node: &&BlueprintNode<AwsSpec>| {
            node.address == *address || node.address.parent().as_ref() == Some(address)
        };
        for node in blueprint.nodes().iter().filter(is_of_it) {
            self.seen.remove(&node.spec.identity());
        }
    }

    /// Returns the observation of each node. A part has the owner of its parent.
    pub(crate) fn observation(&self, blueprint: &Blueprint<AwsSpec>) -> Observation<AwsSpec> {
        let mut observation = self.as_seen(blueprint);
        what_is_torn_is_unreadable(&mut observation);
        inherit_owners(&mut observation);
        observation
    }

    fn as_seen(&self, blueprint: &Blueprint<AwsSpec>) -> Observation<AwsSpec> {
        let seen = |node: &BlueprintNode<AwsSpec>| {
            Some((
                node.address.clone(),
                self.seen.get(&node.spec.identity())?.clone(),
            ))
        };
        blueprint.nodes().iter().filter_map(seen).collect()
    }

    /// Reads resources again that another run is creating or deleting, until their parent is
    /// observed, too.
    pub(crate) async fn look_again_at_what_is_torn(
        &mut self,
        aws: &AwsProvider,
        blueprints: &[&Blueprint<AwsSpec>],
        keys: KeySearch,
    ) {
        let mut pauses = Backoff::default();
        for _ in 0..LOOKS_AT_WHAT_IS_TORN {
            let torn = |blueprint: &&&Blueprint<AwsSpec>| {
                !torn_nodes(blueprint, &self.as_seen(blueprint)).is_empty()
            };
            let Some(blueprint) = blueprints.iter().find(torn) else {
                return;
            };
            let nodes = torn_nodes(blueprint, &self.as_seen(blueprint));
            pauses.wait().await;
            for (node, seen) in look_at(aws, nodes, keys, blueprint).await {
                self.add(&node.spec, seen);
            }
        }
    }

    /// Returns the spec to read a bucket of which only the name is known.
    pub(crate) fn bucket(&self, name: &str) -> AwsSpec {
        let (name, region) = (name.to_owned(), self.region.clone());
        AwsSpec::Bucket(BucketSpec {
            name,
            region,
            account_regional: false,
            ownership: String::new(),
            grants: vec![],
            tags: Tags::new(),
        })
    }

    pub(crate) fn table(name: &str) -> AwsSpec {
        AwsSpec::LockTable(LockTable::named(name))
    }

    /// Returns whether a bucket of this name belongs to the environment, or may belong to it if
    /// unreadable.
    pub(crate) fn is_bucket(&self, name: &str) -> bool {
        self.may_be_ours(&self.bucket(name))
    }

    pub(crate) fn is_table(&self, name: &str) -> bool {
        self.may_be_ours(&Self::table(name))
    }

    fn may_be_ours(&self, spec: &AwsSpec) -> bool {
        match self.seen.get(&spec.identity()) {
            Some(Observed::Present { owner, .. }) => *owner == ResourceOwner::Us,
            Some(Observed::Unreadable(_)) => true,
            Some(Observed::Absent) | None => false,
        }
    }
}
