//! Parses a state file: reads the required fields and skips everything else.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::{
    InstanceKey, ResourceAddress, ResourceCounts, ResourceMode, SnapshotError, StateFile,
    StateSnapshot, StateWriter,
};
use crate::state::lenient::{FieldCount, LenientField, LenientShape, folded};

/// The fields of a state file that are read. `KEEP` keeps the addresses.
#[derive(Default)]
pub(super) struct SnapshotDraft<const KEEP: bool> {
    version: LenientField<u64>,
    terraform_version: LenientField<String>,
    serial: LenientField<u64>,
    lineage: LenientField<String>,
    encrypted: bool,
    resources: LenientField<ParsedResources<KEEP>>,
    outputs: LenientField<FieldCount>,
}

#[derive(Default)]
struct ParsedResources<const KEEP: bool> {
    counts: ResourceCounts,
    /// At least one resource is invalid.
    wrong: bool,
    of_terraform: bool,
    of_opentofu: bool,
}

#[derive(Default)]
struct ParsedResource {
    module: LenientField<String>,
    mode: LenientField<String>,
    kind: LenientField<String>,
    name: LenientField<String>,
    provider: LenientField<String>,
    instances: LenientField<Vec<LenientField<ParsedInstance>>>,
}

/// An instance of a resource.
#[derive(Default)]
struct ParsedInstance {
    index_key: LenientField<InstanceKey>,
    deposed: LenientField<String>,
}

impl<const KEEP: bool> SnapshotDraft<KEEP> {
    pub(super) fn finish(self) -> Result<StateSnapshot, SnapshotError> {
        let format = optional(self.version, "`version` is not an integer")?;
        let serial = optional(self.serial, "`serial` is not an integer")?;
        let lineage = optional(self.lineage, "`lineage` is not a string")?;
        let terraform_version = optional(
            self.terraform_version,
            "`terraform_version` is not a string",
        )?;
        let (contents, writer) = match (self.encrypted, format) {
            (true, _) => (StateFile::Encrypted, StateWriter::OpenTofu),
            (false, None) => return Err(SnapshotError::NotAState("it has no `version`")),
            (false, Some(4)) => {
                let resources =
                    optional(self.resources, "`resources` is not a list")?.unwrap_or_default();
                let outputs =
                    optional(self.outputs, "`outputs` is not an object")?.unwrap_or_default();
                if resources.wrong {
                    return Err(SnapshotError::NotAState(
                        "an item of `resources` is not a resource",
                    ));
                }
                let writer = writer(terraform_version.as_deref(), &resources);
                (
                    StateFile::Known(ResourceCounts {
                        outputs: outputs.0,
                        ..resources.counts
                    }),
                    writer,
                )
            }
            (false, Some(_)) => (
                StateFile::OtherFormat,
                writer(
                    terraform_version.as_deref(),
                    &ParsedResources::<KEEP>::default(),
                ),
            ),
        };
        Ok(StateSnapshot {
            format,
            terraform_version,
            serial,
            lineage,
            contents,
            writer,
        })
    }
}

fn optional<T>(field: LenientField<T>, wrong: &'static str) -> Result<Option<T>, SnapshotError> {
    match field {
        LenientField::Absent => Ok(None),
        LenientField::Good(value) => Ok(Some(value)),
        LenientField::Wrong => Err(SnapshotError::NotAState(wrong)),
    }
}

/// The first version of OpenTofu is 1.6.0.
fn writer<const KEEP: bool>(
    version: Option<&str>,
    resources: &ParsedResources<KEEP>,
) -> StateWriter {
    let before_the_fork = version.and_then(|version| {
        let mut parts = version.split('.');
        let (major, minor) = (
            parts.next()?.parse::<u64>().ok()?,
            parts.next()?.parse::<u64>().ok()?,
        );
        Some((major, minor) < (1, 6))
    });
    match (
        before_the_fork,
        resources.of_opentofu,
        resources.of_terraform,
    ) {
        (Some(true), _, _) => StateWriter::Terraform,
        (_, true, _) => StateWriter::OpenTofu,
        (_, false, true) => StateWriter::Terraform,
        (_, false, false) => StateWriter::Unknown,
    }
}

/// As in Go, names are compared case-insensitively, and the last of duplicate fields is used.
impl<const KEEP: bool> LenientShape for SnapshotDraft<KEEP> {
    fn object<'de, A: MapAccess<'de>>(mut fields: A) -> Result<Option<Self>, A::Error> {
        let mut draft = Self::default();
        while let Some(name) = fields.next_key::<String>()? {
            match &*folded(&name) {
                "version" => draft.version = fields.next_value()?,
                "terraform_version" => draft.terraform_version = fields.next_value()?,
                "serial" => draft.serial = fields.next_value()?,
                "lineage" => draft.lineage = fields.next_value()?,
                "resources" => draft.resources = fields.next_value()?,
                "outputs" => draft.outputs = fields.next_value()?,
                other => {
                    draft.encrypted |= other == "encrypted_data";
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Some(draft))
    }
}

impl<const KEEP: bool> LenientShape for ParsedResources<KEEP> {
    fn list<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        let mut all = Self::default();
        while let Some(resource) = items.next_element::<LenientField<ParsedResource>>()? {
            all.wrong |= resource
                .good()
                .and_then(|resource| all.add(resource))
                .is_none();
        }
        Ok(Some(all))
    }
}

impl<const KEEP: bool> ParsedResources<KEEP> {
    /// Returns `None` if it is invalid.
    fn add(&mut self, resource: ParsedResource) -> Option<()> {
        let mode = match resource.mode.good()?.as_str() {
            "managed" => ResourceMode::Managed,
            "data" => ResourceMode::Data,
            _ => return None,
        };
        // Go treats a missing field as empty.
        let (kind, name, module) = (
            or_empty(resource.kind)?,
            or_empty(resource.name)?,
            or_empty(resource.module)?,
        );
        let provider = resource.provider.good().unwrap_or_default();
        self.of_terraform |= provider.contains("\"registry.terraform.io/");
        self.of_opentofu |= provider.contains("\"registry.opentofu.org/");
        let instances = or_empty(resource.instances)?;
        let number = u64::try_from(instances.len()).ok()?;
        match mode {
            ResourceMode::Managed => self.counts.managed += number,
            ResourceMode::Data => self.counts.data += number,
        }
        for one in instances {
            let ParsedInstance { index_key, deposed } = one.good()?;
            let instance = match index_key {
                LenientField::Absent => InstanceKey::Only,
                LenientField::Good(key) => key,
                LenientField::Wrong => return None,
            };
            if KEEP {
                let deposed = deposed != LenientField::Absent;
                self.counts.addresses.push(ResourceAddress {
                    module: module.clone(),
                    mode,
                    kind: kind.clone(),
                    name: name.clone(),
                    instance,
                    deposed,
                });
            }
        }
        Some(())
    }
}

/// Returns `None` for a value of another type.
fn or_empty<T: Default>(field: LenientField<T>) -> Option<T> {
    match field {
        LenientField::Absent => Some(T::default()),
        LenientField::Good(value) => Some(value),
        LenientField::Wrong => None,
    }
}

impl LenientShape for ParsedResource {
    fn object<'de, A: MapAccess<'de>>(mut fields: A) -> Result<Option<Self>, A::Error> {
        let mut resource = Self::default();
        while let Some(name) = fields.next_key::<String>()? {
            match &*folded(&name) {
                "module" => resource.module = fields.next_value()?,
                "mode" => resource.mode = fields.next_value()?,
                "type" => resource.kind = fields.next_value()?,
                "name" => resource.name = fields.next_value()?,
                "provider" => resource.provider = fields.next_value()?,
                "instances" => resource.instances = fields.next_value()?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Some(resource))
    }
}

impl LenientShape for ParsedInstance {
    fn object<'de, A: MapAccess<'de>>(mut fields: A) -> Result<Option<Self>, A::Error> {
        let mut one = Self::default();
        while let Some(name) = fields.next_key::<String>()? {
            match &*folded(&name) {
                "index_key" => one.index_key = fields.next_value()?,
                "deposed" => one.deposed = fields.next_value()?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Some(one))
    }
}

impl LenientShape for InstanceKey {
    fn text(text: &str) -> Option<Self> {
        String::text(text).map(Self::Key)
    }

    fn whole(number: u64) -> Option<Self> {
        Some(Self::Number(number))
    }

    fn fraction(number: f64) -> Option<Self> {
        Self::truncated(number)
    }
}
