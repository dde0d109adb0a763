//! The outline of a state: objects, attributes and outputs by name, with a fingerprint of each
//! value.
//!
//! Attribute names are those of the provider's schema. The keys of a map are values, and are not
//! kept.

use std::collections::BTreeMap;

use super::{
    fingerprint::ValueFingerprint,
    json::{JsonScalar, JsonWalk},
    lenient::folded,
    snapshot::{
        InstanceKey, ResourceAddress, ResourceMode, SnapshotDetail, SnapshotError, StateFile,
        StateSnapshot,
    },
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateOutline {
    pub snapshot: StateSnapshot,
    /// Empty if the content is unknown.
    pub objects: BTreeMap<StateObject, OutlineAttributes>,
    pub outputs: BTreeMap<String, ValueFingerprint>,
}

/// A managed resource or a data source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StateObject {
    pub address: ResourceAddress,
    /// Distinguishes deposed objects, which were replaced but not destroyed yet.
    deposed: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutlineAttributes {
    pub by_name: BTreeMap<String, ValueFingerprint>,
    /// True if the next apply replaces it.
    pub tainted: bool,
    /// Data of Terraform and the provider other than attributes.
    pub rest: ValueFingerprint,
}

impl StateOutline {
    /// # Errors
    /// As [`Snapshot::parse`].
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let snapshot = StateSnapshot::parse(bytes, SnapshotDetail::Counts)?;
        let mut outline = Self {
            snapshot,
            objects: BTreeMap::new(),
            outputs: BTreeMap::new(),
        };
        // It was just parsed as a state without its values, which are read here.
        if outline.is_known() && outline.walk(bytes).is_none() {
            return Err(SnapshotError::NotAState("its content cannot be read"));
        }
        Ok(outline)
    }

    /// As in Go, names are compared case-insensitively, and the last of duplicate lists of
    /// resources is used.
    fn walk(&mut self, bytes: &[u8]) -> Option<()> {
        let Self {
            objects, outputs, ..
        } = self;
        JsonWalk::new(bytes).object(|json, name| match &*folded(&name) {
            "resources" => {
                objects.clear();
                json.list(|json| {
                    OutlineResource::read(json)?.put_into(objects);
                    Some(())
                })
            }
            "outputs" => fingerprints(json, outputs),
            _ => json.skip(),
        })
    }

    /// Returns whether its content is known.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self.snapshot.contents, StateFile::Known(_))
    }
}

#[derive(Default)]
struct OutlineResource {
    module: String,
    mode: String,
    kind: String,
    name: String,
    provider: String,
    instances: Vec<OutlineInstance>,
}

struct OutlineInstance {
    index_key: InstanceKey,
    deposed: Option<String>,
    status: String,
    attributes: BTreeMap<String, ValueFingerprint>,
    rest: BTreeMap<String, ValueFingerprint>,
}

impl OutlineResource {
    fn read(json: &mut JsonWalk<'_>) -> Option<Self> {
        let mut resource = Self::default();
        json.object(|json, name| {
            let text = match &*folded(&name) {
                "module" => &mut resource.module,
                "mode" => &mut resource.mode,
                "type" => &mut resource.kind,
                "name" => &mut resource.name,
                "provider" => &mut resource.provider,
                "instances" => {
                    resource.instances.clear();
                    return json.list(|json| {
                        resource.instances.push(OutlineInstance::read(json)?);
                        Some(())
                    });
                }
                _ => return json.skip(),
            };
            *text = json.text()?.unwrap_or_default();
            Some(())
        })?;
        Some(resource)
    }

    fn put_into(self, objects: &mut BTreeMap<StateObject, OutlineAttributes>) {
        let Self {
            module,
            mode,
            kind,
            name,
            provider,
            instances,
        } = self;
        for one in instances {
            let address = ResourceAddress {
                module: module.clone(),
                mode: if mode == "data" {
                    ResourceMode::Data
                } else {
                    ResourceMode::Managed
                },
                kind: kind.clone(),
                name: name.clone(),
                instance: one.index_key,
                deposed: one.deposed.is_some(),
            };
            let attributes = OutlineAttributes {
                by_name: one.attributes,
                tainted: one.status == "tainted",
                rest: one.rest.iter().fold(
                    ValueFingerprint::nothing().with("provider", ValueFingerprint::of(&provider)),
                    |rest, (name, value)| rest.with(name, *value),
                ),
            };
            objects.insert(
                StateObject {
                    address,
                    deposed: one.deposed.unwrap_or_default(),
                },
                attributes,
            );
        }
    }
}

impl OutlineInstance {
    fn read(json: &mut JsonWalk<'_>) -> Option<Self> {
        let mut one = Self {
            index_key: InstanceKey::Only,
            deposed: None,
            status: String::new(),
            attributes: BTreeMap::new(),
            rest: BTreeMap::new(),
        };
        json.object(|json, name| {
            let name = folded(&name);
            match &*name {
                "index_key" => one.index_key = instance(json.scalar()?),
                "deposed" => one.deposed = json.text()?,
                "status" => one.status = json.text()?.unwrap_or_default(),
                // As in Go, the last of duplicates is used: the text of each is kept and parsed
                // later.
                "attributes" => {
                    one.attributes.clear();
                    fingerprints(json, &mut one.attributes)?;
                }
                // Flat attributes of Terraform before 0.12: `tags.Name` is a key of the map `tags`.
                "attributes_flat" => json.object(|json, name| {
                    let attribute = name.split('.').next().unwrap_or_default().to_owned();
                    let all = one
                        .attributes
                        .entry(attribute)
                        .or_insert_with(ValueFingerprint::nothing);
                    *all = all.with(&name, json.fingerprint()?);
                    Some(())
                })?,
                _ => drop(one.rest.insert(name, json.fingerprint()?)),
            }
            Some(())
        })?;
        Some(one)
    }
}

fn instance(key: JsonScalar<'_>) -> InstanceKey {
    let number = |text: &str| match text.parse() {
        Ok(number) => Some(InstanceKey::Number(number)),
        Err(_) => InstanceKey::truncated(text.parse().ok()?),
    };
    match key {
        JsonScalar::Text(text) => InstanceKey::Key(text),
        JsonScalar::Number(text) => number(text).unwrap_or(InstanceKey::Only),
        JsonScalar::Null | JsonScalar::Other => InstanceKey::Only,
    }
}

/// Reads the fields of an object by name. As in Go, those of a duplicate object are added.
fn fingerprints(
    json: &mut JsonWalk<'_>,
    into: &mut BTreeMap<String, ValueFingerprint>,
) -> Option<()> {
    json.object(|json, name| {
        let value = json.fingerprint()?;
        into.insert(name, value);
        Some(())
    })
}

#[cfg(test)]
mod tests;
