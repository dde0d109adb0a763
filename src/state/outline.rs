//! What is in a state, by name: objects, their attributes, outputs; of each value whether it is another one.
//!
//! The name of an attribute is one of the provider's schema. The keys of a map are values, and are not kept.

use std::collections::BTreeMap;

use serde::de::MapAccess;

use super::{
    fingerprint::Fingerprint,
    lenient::{Field, Shape},
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
        let mut outline = Self { snapshot, objects: BTreeMap::new(), outputs: BTreeMap::new() };
        if outline.is_known() {
            // That it is a state was just found, by passing over the values; here they are gone into.
            let read: Field<Draft> = serde_json::from_slice(bytes).map_err(|_| SnapshotError::TooDeep)?;
            let draft = read.good().unwrap_or_default();
            outline.outputs = draft.outputs.good().unwrap_or_default().0;
            for resource in draft.resources.good().unwrap_or_default() {
                resource.good().into_iter().for_each(|resource| resource.put_into(&mut outline.objects));
            }
        }
        Ok(outline)
    }

    /// Whether anybody can say what is in it.
    pub fn is_known(&self) -> bool {
        matches!(self.snapshot.contents, Contents::Known(_))
    }
}

#[derive(Default)]
struct Draft {
    resources: Field<Vec<Field<Resource>>>,
    outputs: Field<Names>,
}

/// The fields of an object, by name.
#[derive(Default)]
struct Names(BTreeMap<String, Fingerprint>);

#[derive(Default)]
struct Resource {
    module: String,
    mode: String,
    kind: String,
    name: String,
    provider: String,
    instances: Vec<Field<One>>,
}

struct One {
    index_key: Field<Instance>,
    deposed: Field<String>,
    status: Field<String>,
    attributes: BTreeMap<String, Fingerprint>,
    rest: Fingerprint,
}

impl Resource {
    fn put_into(self, objects: &mut BTreeMap<Object, Attributes>) {
        let Self { module, mode, kind, name, provider, instances } = self;
        for one in instances.into_iter().filter_map(Field::good) {
            let deposed = one.deposed.good();
            let address = Address {
                module: module.clone(),
                mode: if mode == "data" { Mode::Data } else { Mode::Managed },
                kind: kind.clone(),
                name: name.clone(),
                instance: one.index_key.good().unwrap_or(Instance::Only),
                deposed: deposed.is_some(),
            };
            let attributes = Attributes {
                by_name: one.attributes,
                tainted: one.status.good().as_deref() == Some("tainted"),
                rest: one.rest.with("provider", Fingerprint::of(&provider)),
            };
            objects.insert(Object { address, deposed: deposed.unwrap_or_default() }, attributes);
        }
    }
}

impl Shape for Draft {
    fn object<'de, A: MapAccess<'de>>(mut fields: A) -> Result<Option<Self>, A::Error> {
        let mut draft = Self::default();
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "resources" => draft.resources = fields.next_value()?,
                "outputs" => draft.outputs = fields.next_value()?,
                _ => drop(fields.next_value::<serde::de::IgnoredAny>()?),
            }
        }
        Ok(Some(draft))
    }
}

impl Shape for Names {
    fn object<'de, A: MapAccess<'de>>(mut fields: A) -> Result<Option<Self>, A::Error> {
        let mut names = BTreeMap::new();
        while let Some((name, value)) = fields.next_entry()? {
            names.insert(name, value);
        }
        Ok(Some(Self(names)))
    }
}

impl Shape for Resource {
    fn object<'de, A: MapAccess<'de>>(mut fields: A) -> Result<Option<Self>, A::Error> {
        let mut resource = Self::default();
        while let Some(name) = fields.next_key::<String>()? {
            let text = match name.as_str() {
                "module" => &mut resource.module,
                "mode" => &mut resource.mode,
                "type" => &mut resource.kind,
                "name" => &mut resource.name,
                "provider" => &mut resource.provider,
                "instances" => {
                    resource.instances = fields.next_value::<Field<_>>()?.good().unwrap_or_default();
                    continue;
                }
                _ => {
                    fields.next_value::<serde::de::IgnoredAny>()?;
                    continue;
                }
            };
            *text = fields.next_value::<Field<String>>()?.good().unwrap_or_default();
        }
        Ok(Some(resource))
    }
}

impl Shape for One {
    fn object<'de, A: MapAccess<'de>>(mut fields: A) -> Result<Option<Self>, A::Error> {
        let (mut index_key, mut deposed, mut status) = (Field::Absent, Field::Absent, Field::Absent);
        let (mut attributes, mut rest) = (BTreeMap::new(), Fingerprint::nothing());
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "index_key" => index_key = fields.next_value()?,
                "deposed" => deposed = fields.next_value()?,
                "status" => status = fields.next_value()?,
                "attributes" => attributes.extend(names(fields.next_value()?)),
                // Of Terraform before 0.12: `tags.Name` is a key of the map `tags`.
                "attributes_flat" => {
                    for (name, value) in names(fields.next_value()?) {
                        let attribute = name.split('.').next().unwrap_or_default().to_owned();
                        let all = attributes.entry(attribute).or_insert_with(Fingerprint::nothing);
                        *all = all.with(&name, value);
                    }
                }
                _ => {
                    let value = fields.next_value::<Fingerprint>()?;
                    rest = rest.with(&name, value);
                }
            }
        }
        Ok(Some(Self { index_key, deposed, status, attributes, rest }))
    }
}

fn names(field: Field<Names>) -> BTreeMap<String, Fingerprint> {
    field.good().unwrap_or_default().0
}

#[cfg(test)]
mod tests;
