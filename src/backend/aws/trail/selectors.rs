//! The event selectors of the trail: the objects of the state bucket, the items of the lock table,
//! nothing else.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_cloudtrail::types::{AdvancedEventSelector, AdvancedFieldSelector};
use serde::{Deserialize, Serialize};

use super::{ABSENT, NOT_YET};
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError, found},
        resource::{AwsResource, ObserveContext, ObservedResource},
    },
    engine::spec::Spec,
};

pub(in crate::backend::aws) const GET: ApiOperation =
    ApiOperation::new("cloudtrail:GetEventSelectors");
const PUT: ApiOperation = ApiOperation::new("cloudtrail:PutEventSelectors");

/// The names of ours.
const OBJECTS: &str = "State objects";
const ITEMS: &str = "Lock table";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventSelectors {
    pub trail: String,
    /// Each selector records the events that meet all of its conditions.
    pub selectors: Vec<AdvancedSelector>,
    /// True if basic selectors are used, which advanced ones replace.
    pub basic: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdvancedSelector {
    pub name: String,
    pub fields: Vec<FieldSelector>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldSelector {
    pub field: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equals: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub starts_with: Vec<String>,
    /// `EndsWith` and all negations, by operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<(String, String)>,
}

impl EventSelectors {
    /// Data events only: management events of a second trail cost money.
    ///
    /// A trailing slash after the bucket matches all of its objects; `/*` would only match keys
    /// that begin with an asterisk (CloudTrail: logging data events).
    pub fn of(trail: String, partition: &str, bucket: &str, table_arn: Option<&str>) -> Self {
        let objects = AdvancedSelector {
            name: OBJECTS.to_owned(),
            fields: vec![
                FieldSelector::equals("eventCategory", "Data"),
                FieldSelector::equals("resources.type", "AWS::S3::Object"),
                FieldSelector::starts_with(
                    "resources.ARN",
                    &format!("arn:{partition}:s3:::{bucket}/"),
                ),
            ],
        };
        let items = table_arn.map(|arn| AdvancedSelector {
            name: ITEMS.to_owned(),
            fields: vec![
                FieldSelector::equals("eventCategory", "Data"),
                FieldSelector::equals("resources.type", "AWS::DynamoDB::Table"),
                FieldSelector::equals("resources.ARN", arn),
            ],
        });
        Self {
            trail,
            selectors: [Some(objects), items].into_iter().flatten().collect(),
            basic: false,
        }
    }

    /// The same, with the selectors of the lock table in `wanted`, if any.
    #[must_use]
    pub fn with_table_of(&self, wanted: Option<&Self>) -> Self {
        let of_table = |selector: &&AdvancedSelector| selector.name == ITEMS;
        let others = self.selectors.iter().filter(|selector| !of_table(selector));
        let items = wanted
            .into_iter()
            .flat_map(|wanted| wanted.selectors.iter().filter(of_table));
        Self {
            selectors: others.chain(items).cloned().collect(),
            ..self.clone()
        }
    }
}

impl FieldSelector {
    fn equals(field: &str, value: &str) -> Self {
        Self {
            field: field.to_owned(),
            equals: vec![value.to_owned()],
            starts_with: vec![],
            other: vec![],
        }
    }

    fn starts_with(field: &str, value: &str) -> Self {
        Self {
            field: field.to_owned(),
            equals: vec![],
            starts_with: vec![value.to_owned()],
            other: vec![],
        }
    }

    fn from_sdk(field: &AdvancedFieldSelector) -> Self {
        let mut other = vec![];
        for (operator, values) in [
            ("EndsWith", field.ends_with()),
            ("NotEquals", field.not_equals()),
            ("NotStartsWith", field.not_starts_with()),
            ("NotEndsWith", field.not_ends_with()),
        ] {
            other.extend(
                values
                    .iter()
                    .map(|value| (operator.to_owned(), value.clone())),
            );
        }
        Self {
            field: field.field().to_owned(),
            equals: field.equals().to_vec(),
            starts_with: field.starts_with().to_vec(),
            other,
        }
    }

    fn to_sdk(&self) -> AdvancedFieldSelector {
        let some = |values: &[String]| (!values.is_empty()).then(|| values.to_vec());
        let other = |operator: &str| {
            let values = self
                .other
                .iter()
                .filter(|(name, _)| name == operator)
                .map(|(_, value)| value.clone());
            some(&values.collect::<Vec<_>>())
        };
        AdvancedFieldSelector::builder()
            .field(&self.field)
            .set_equals(some(&self.equals))
            .set_starts_with(some(&self.starts_with))
            .set_ends_with(other("EndsWith"))
            .set_not_equals(other("NotEquals"))
            .set_not_starts_with(other("NotStartsWith"))
            .set_not_ends_with(other("NotEndsWith"))
            .build()
            .expect("the field is given")
    }
}

impl AdvancedSelector {
    pub(in crate::backend::aws) fn from_sdk(selector: &AdvancedEventSelector) -> Self {
        let mut fields: Vec<FieldSelector> = selector
            .field_selectors()
            .iter()
            .map(FieldSelector::from_sdk)
            .collect();
        let rank = |field: &FieldSelector| {
            ["eventCategory", "resources.type", "resources.ARN"]
                .iter()
                .position(|name| field.field == *name)
                .unwrap_or(9)
        };
        fields.sort_by_key(rank);
        Self {
            name: selector.name().unwrap_or_default().to_owned(),
            fields,
        }
    }

    fn to_sdk(&self) -> AdvancedEventSelector {
        AdvancedEventSelector::builder()
            .set_name(Some(self.name.clone()).filter(|name| !name.is_empty()))
            .set_field_selectors(Some(
                self.fields.iter().map(FieldSelector::to_sdk).collect(),
            ))
            .build()
            .expect("the fields are given")
    }
}

impl Spec for EventSelectors {
    fn title(&self) -> String {
        let what = if self.selectors.len() > 1 {
            "records state objects and lock items"
        } else {
            "records state objects"
        };
        what.to_owned()
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        matches!(field, "selectors" | "basic")
            .then_some("so that every read and write of a state is recorded, at little extra cost")
    }

    /// Selectors of others are kept. The order has no meaning.
    fn merge_onto(&self, observed: &Self) -> Self {
        let mut merged = Self {
            basic: self.basic,
            ..observed.clone()
        };
        merged.selectors.retain(|theirs| {
            self.selectors.contains(theirs) || ![OBJECTS, ITEMS].contains(&&*theirs.name)
        });
        let missing: Vec<AdvancedSelector> = self
            .selectors
            .iter()
            .filter(|ours| !merged.selectors.contains(ours))
            .cloned()
            .collect();
        merged.selectors.extend(missing);
        merged
    }

    fn deleted_with_parent(&self) -> bool {
        true
    }
}

impl AwsResource for EventSelectors {
    const CHECKS: &'static [&'static Check] = &[&rules::TRAIL_SELECTORS];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.trail_arn(&self.trail)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["cloudtrail:GetEventSelectors"], arn);
    }

    fn permissions_to_put(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["cloudtrail:PutEventSelectors"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let request = look
            .aws
            .clients
            .cloudtrail
            .get_event_selectors()
            .trail_name(&self.trail);
        let answer = found(
            look.aws.read(GET, &self.trail, request.send()).await,
            ABSENT,
        )?;
        Ok(answer.map(|answer| {
            ObservedResource::part(Self {
                trail: self.trail.clone(),
                selectors: answer
                    .advanced_event_selectors()
                    .iter()
                    .map(AdvancedSelector::from_sdk)
                    .collect(),
                basic: !answer.event_selectors().is_empty(),
            })
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let selectors = self
            .selectors
            .iter()
            .map(AdvancedSelector::to_sdk)
            .collect();
        let request = aws
            .clients
            .cloudtrail
            .put_event_selectors()
            .trail_name(&self.trail)
            .set_advanced_event_selectors(Some(selectors));
        aws.send(PUT, &self.trail, NOT_YET, || request.clone().send())
            .await?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
