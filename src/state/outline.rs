//! What is in a state, by name: objects, their attributes, outputs; of each value whether it is
//! another one.
//!
//! The name of an attribute is one of the provider's schema. The keys of a map are values, and are
//! not kept.

use std::collections::BTreeMap;

use super::{
    fingerprint::Fingerprint,
    json::{JsonScalar, JsonWalk},
    lenient::folded,
    snapshot::{Address, Contents, Instance, Mode, Snapshot, SnapshotError, Want},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    pub snapshot: Snapshot,
    /// Nothing where the contents are not known.
    pub objects: BTreeMap<Object, Attributes>,
    pub outputs: BTreeMap<String, Fingerprint>,
}

/// An object that exists because of the state, or was read for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    pub address: Address,
    /// Tells apart those that were replaced and are not destroyed yet.
    deposed: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    pub by_name: BTreeMap<String, Fingerprint>,
    /// To be replaced by the next apply.
    pub tainted: bool,
    /// What Terraform and the provider keep beside.
    pub rest: Fingerprint,
}

impl Outline {
    /// # Errors
    /// As [`Snapshot::parse`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let snapshot = Snapshot::parse(bytes, Want::Counts)?;
        let mut outline = Self {
            snapshot,
            objects: BTreeMap::new(),
            outputs: BTreeMap::new(),
        };
        // That it is a state was just found, by passing over the values; here they are gone into.
        if outline.is_known() && outline.walk(bytes).is_none() {
            return Err(SnapshotError::NotAState("what is in it cannot be read"));
        }
        Ok(outline)
    }

    /// As Go does, names are compared without case, and of two lists of resources the last is
    /// taken.
    fn walk(&mut self, bytes: &[u8]) -> Option<()> {
        let Self {
            objects, outputs, ..
        } = self;
        JsonWalk::new(bytes).object(|json, name| match &*folded(&name) {
            "resources" => {
                objects.clear();
                json.list(|json| {
                    Resource::read(json)?.put_into(objects);
                    Some(())
                })
            }
            "outputs" => fingerprints(json, outputs),
            _ => json.skip(),
        })
    }

    /// Whether anybody can say what is in it.
    pub fn is_known(&self) -> bool {
        matches!(self.snapshot.contents, Contents::Known(_))
    }
}

#[derive(Default)]
struct Resource {
    module: String,
    mode: String,
    kind: String,
    name: String,
    provider: String,
    instances: Vec<One>,
}

struct One {
    index_key: Instance,
    deposed: Option<String>,
    status: String,
    attributes: BTreeMap<String, Fingerprint>,
    rest: BTreeMap<String, Fingerprint>,
}

impl Resource {
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
                        resource.instances.push(One::read(json)?);
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

    fn put_into(self, objects: &mut BTreeMap<Object, Attributes>) {
        let Self {
            module,
            mode,
            kind,
            name,
            provider,
            instances,
        } = self;
        for one in instances {
            let address = Address {
                module: module.clone(),
                mode: if mode == "data" {
                    Mode::Data
                } else {
                    Mode::Managed
                },
                kind: kind.clone(),
                name: name.clone(),
                instance: one.index_key,
                deposed: one.deposed.is_some(),
            };
            let attributes = Attributes {
                by_name: one.attributes,
                tainted: one.status == "tainted",
                rest: one.rest.iter().fold(
                    Fingerprint::nothing().with("provider", Fingerprint::of(&provider)),
                    |rest, (name, value)| rest.with(name, *value),
                ),
            };
            objects.insert(
                Object {
                    address,
                    deposed: one.deposed.unwrap_or_default(),
                },
                attributes,
            );
        }
    }
}

impl One {
    fn read(json: &mut JsonWalk<'_>) -> Option<Self> {
        let mut one = Self {
            index_key: Instance::Only,
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
                // As Go does, the last of two is taken: it keeps the text of each, and reads it
                // later.
                "attributes" => {
                    one.attributes.clear();
                    fingerprints(json, &mut one.attributes)?;
                }
                // Of Terraform before 0.12: `tags.Name` is a key of the map `tags`.
                "attributes_flat" => json.object(|json, name| {
                    let attribute = name.split('.').next().unwrap_or_default().to_owned();
                    let all = one
                        .attributes
                        .entry(attribute)
                        .or_insert_with(Fingerprint::nothing);
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

fn instance(key: JsonScalar<'_>) -> Instance {
    let number = |text: &str| match text.parse() {
        Ok(number) => Some(Instance::Number(number)),
        Err(_) => Instance::truncated(text.parse().ok()?),
    };
    match key {
        JsonScalar::Text(text) => Instance::Key(text),
        JsonScalar::Number(text) => number(text).unwrap_or(Instance::Only),
        JsonScalar::Null | JsonScalar::Other => Instance::Only,
    }
}

/// The fields of an object, by name. As Go does, those of a second object of the same name are
/// added.
fn fingerprints(json: &mut JsonWalk<'_>, into: &mut BTreeMap<String, Fingerprint>) -> Option<()> {
    json.object(|json, name| {
        let value = json.fingerprint()?;
        into.insert(name, value);
        Some(())
    })
}

#[cfg(test)]
mod tests;
