//! The table with Terraform's locks and the digests of its states.

use crate::{
    backend::aws::{
        cost,
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ProvisionedThroughput,
    ScalarAttributeType, SseSpecification, SseStatus, SseType, TableDescription, TableStatus, Tag,
};
use serde::{Deserialize, Serialize};

use super::{
    AwsProvider,
    error::{ApiOperation, AwsError, found},
    ownership,
    ownership::{Tags, tags_over, tags_to_add, trips_to_tag},
    resource::{AwsResource, ObserveContext, ObservedResource},
};
use crate::engine::{observation::ResourceOwner, spec::Spec};
use wait::TableWait;

pub(crate) mod migration;
pub(crate) mod recovery;
pub(crate) mod wait;

const DESCRIBE: ApiOperation = ApiOperation::new("dynamodb:DescribeTable");
const TAGS: ApiOperation = ApiOperation::new("dynamodb:ListTagsOfResource");
const CREATE: ApiOperation = ApiOperation::new("dynamodb:CreateTable");
const UPDATE: ApiOperation = ApiOperation::new("dynamodb:UpdateTable");
pub(super) const DELETE: ApiOperation = ApiOperation::new("dynamodb:DeleteTable");
const TAG: ApiOperation = ApiOperation::new("dynamodb:TagResource");

const ABSENT: &[&str] = &["ResourceNotFoundException"];
/// Being updated.
const BUSY: &[&str] = &["ResourceInUseException"];
/// Being updated, or not consistent yet.
const NOT_YET: &[&str] = &["ResourceInUseException", "ResourceNotFoundException"];

/// The key schema that Terraform requires: one attribute, the partition key (Terraform's s3 backend
/// documentation).
pub(crate) const KEY: &str = "LockID";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LockTable {
    pub name: String,
    /// As in `LockID:S`; more than one with a sort key.
    pub key: Vec<String>,
    pub billing: TableBilling,
    pub deletion_protection: bool,
    pub encryption: LockTableEncryption,
    pub tags: Tags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableBilling {
    OnDemand,
    Provisioned { read: i64, write: i64 },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockTableEncryption {
    /// An AWS owned key: free, and not controlled by the account.
    AwsOwned,
    /// `aws/dynamodb`, or a customer managed key, by ARN.
    Kms(String),
}

impl LockTable {
    pub fn key() -> Vec<String> {
        vec![format!("{KEY}:{}", ScalarAttributeType::S.as_str())]
    }
}

impl Spec for LockTable {
    fn title(&self) -> String {
        match self.billing {
            TableBilling::OnDemand => format!("DynamoDB table {}, paid per request", self.name),
            TableBilling::Provisioned { read, write } => format!(
                "DynamoDB table {}, {read} read and {write} write units",
                self.name
            ),
        }
    }

    fn monthly_cost(&self) -> Option<f64> {
        match self.billing {
            TableBilling::OnDemand => None,
            TableBilling::Provisioned { read, write } => {
                let units = |count: i64| f64::from(i32::try_from(count).unwrap_or(i32::MAX));
                let hour =
                    units(read) * cost::READ_UNIT_HOUR + units(write) * cost::WRITE_UNIT_HOUR;
                Some(hour * cost::HOURS)
            }
        }
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        Some(match field {
            "key" => "so that Terraform can use the table for locking",
            "billing" => "so that the table uses the configured billing mode",
            "deletion_protection" => "so that the locks cannot be deleted by mistake",
            "encryption" => "so that a customer managed key controls access to the table",
            _ => return None,
        })
    }

    /// Protection by others is kept.
    fn merge_onto(&self, observed: &Self) -> Self {
        let by_us = observed
            .tags
            .get(ownership::PROTECTED)
            .is_some_and(|protected| protected == "true");
        Self {
            deletion_protection: self.deletion_protection
                || (observed.deletion_protection && !by_us),
            tags: tags_over(&self.tags, &observed.tags),
            ..self.clone()
        }
    }

    /// A table cannot be changed until it is active again, which is checked after each call.
    fn write_round_trips(&self, from: Option<&Self>) -> u32 {
        const AND_WAIT: u32 = 2;
        let Some(from) = from else { return AND_WAIT };
        let updates = [
            self.deletion_protection != from.deletion_protection,
            self.billing != from.billing,
            self.encryption != from.encryption,
        ];
        updates
            .into_iter()
            .map(|differs| AND_WAIT * u32::from(differs))
            .sum::<u32>()
            + trips_to_tag(&from.tags, &self.tags)
    }

    fn blocked_by(&self, observed: &Self) -> Option<String> {
        if observed.key != self.key {
            return Some(format!(
                "table {} has the key schema {}, but Terraform needs {}; the key schema cannot be \
                 changed: choose another name with --table",
                self.name,
                observed.key.join(" "),
                self.key.join(" ")
            ));
        }
        match (&self.encryption, &observed.encryption) {
            (LockTableEncryption::AwsOwned, LockTableEncryption::Kms(key)) => Some(format!(
                "table {} is encrypted with {key}, and an AWS owned key would be weaker; to use \
                 it, change the encryption manually",
                self.name
            )),
            _ => None,
        }
    }
}

impl AwsResource for LockTable {
    const CHECKS: &'static [&'static Check] = &[
        &rules::TABLE,
        &rules::TABLE_KEY,
        &rules::TABLE_BILLING,
        &rules::TABLE_PROTECTION,
        &rules::TABLE_ENCRYPTION,
        &rules::TAGS,
        &rules::UNMANAGED,
    ];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.table_arn(&self.name)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(
            &["dynamodb:DescribeTable", "dynamodb:ListTagsOfResource"],
            arn,
        );
    }

    fn permissions_to_create(
        &self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["dynamodb:CreateTable", "dynamodb:TagResource"], arn);
        self.key_permissions(scope, on);
    }

    fn permissions_to_change(
        &self,
        from: &Self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        if !tags_to_add(Some(&from.tags), &self.tags).is_empty() {
            on(&["dynamodb:TagResource"], arn);
        }
        let with_tags = Self {
            tags: self.tags.clone(),
            ..from.clone()
        };
        if with_tags != *self {
            on(&["dynamodb:UpdateTable"], arn);
        }
        if from.encryption != self.encryption {
            self.key_permissions(scope, on);
        }
    }

    fn permissions_to_delete(
        &self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["dynamodb:DeleteTable"], arn);
        if self.deletion_protection {
            on(&["dynamodb:UpdateTable"], arn);
        }
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let aws = look.aws;
        let arn = self.arn(aws);
        let (table, tags) = tokio::join!(describe(aws, &self.name), get_tags(aws, &arn));
        // DynamoDB may return a denial for the tags of a missing table.
        let Some(table) = table? else { return Ok(None) };
        if table.table_status == Some(TableStatus::Deleting) {
            return Err(AwsError::nonsense(
                DESCRIBE,
                &self.name,
                "is being deleted; run again when it is deleted",
            ));
        }
        let Some(tags) = tags? else { return Ok(None) };
        let owner = aws.mark.owner(&tags);
        let spec = Self {
            name: self.name.clone(),
            key: key_of(&table),
            billing: billing_of(&table),
            deletion_protection: table.deletion_protection_enabled.unwrap_or(false),
            encryption: encryption_of(&table),
            tags,
        };
        Ok(Some(ObservedResource {
            spec,
            output: Some(arn),
            owner,
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        match from {
            None => self.create(aws).await?,
            Some(from) => self.update(aws, from).await?,
        }
        Ok(Some(self.arn(aws)))
    }

    /// Removes the protection first, after which the table cannot be deleted for a moment.
    async fn delete(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        let Some(table) = describe(aws, &self.name).await? else {
            return Ok(());
        };
        if table.table_status != Some(TableStatus::Deleting) {
            if table.deletion_protection_enabled == Some(true) {
                let request = aws
                    .clients
                    .dynamodb
                    .update_table()
                    .table_name(&self.name)
                    .deletion_protection_enabled(false);
                if found(
                    aws.send(UPDATE, &self.name, BUSY, || request.clone().send())
                        .await,
                    ABSENT,
                )?
                .is_none()
                {
                    return Ok(());
                }
                self.wait_until_updated(aws).await?;
            }
            let request = aws.clients.dynamodb.delete_table().table_name(&self.name);
            found(
                aws.send(DELETE, &self.name, BUSY, || request.clone().send())
                    .await,
                ABSENT,
            )?;
        }
        self.wait_until_gone(aws).await
    }
}

impl LockTable {
    /// Those of DynamoDB with the key, on behalf of the caller.
    fn key_permissions(&self, scope: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        if let LockTableEncryption::Kms(arn) = &self.encryption {
            let is_known = arn.starts_with("arn:");
            on(&TABLE_KEY, if is_known { arn } else { &scope.key });
        }
    }
}

/// The actions of DynamoDB with the key on behalf of the caller (DynamoDB: encryption at rest, key
/// policies).
const TABLE_KEY: [&str; 6] = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
];

impl LockTable {
    /// A table of which only the name is known.
    pub fn named(name: &str) -> Self {
        let (billing, encryption) = (TableBilling::OnDemand, LockTableEncryption::AwsOwned);
        Self {
            name: name.to_owned(),
            key: Self::key(),
            billing,
            deletion_protection: false,
            encryption,
            tags: Tags::new(),
        }
    }

    fn arn(&self, aws: &AwsProvider) -> String {
        aws.arn("dynamodb", &aws.region, &format!("table/{}", self.name))
    }

    /// Creates the table with all settings in one call, so that it is never unprotected.
    async fn create(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        let attribute = AttributeDefinition::builder()
            .attribute_name(KEY)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .expect("both parts are given");
        let key = KeySchemaElement::builder()
            .attribute_name(KEY)
            .key_type(KeyType::Hash)
            .build()
            .expect("both parts are given");
        let request = aws
            .clients
            .dynamodb
            .create_table()
            .table_name(&self.name)
            .attribute_definitions(attribute)
            .key_schema(key)
            .billing_mode(self.billing.mode())
            .set_provisioned_throughput(self.billing.throughput())
            .deletion_protection_enabled(self.deletion_protection)
            .set_sse_specification(self.encryption.to_sdk())
            .set_tags(Some(sdk_tags(&self.tags)));
        match aws
            .send(CREATE, &self.name, &[], || request.clone().send())
            .await
        {
            // Another run was faster, or the response to this one was lost.
            Err(error) if error.is(&["ResourceInUseException"]) => {
                self.wait_until_active(aws, TableWait::Creation).await?;
                match get_tags(aws, &self.arn(aws)).await? {
                    Some(tags) if aws.mark.owner(&tags) == ResourceOwner::Us => Ok(()),
                    _ => Err(error),
                }
            }
            result => {
                result?;
                self.wait_until_active(aws, TableWait::Creation).await
            }
        }
    }

    /// Changes one setting per call, and waits for each change (`UpdateTable`).
    async fn update(&self, aws: &AwsProvider, from: &Self) -> Result<(), AwsError> {
        let update = || aws.clients.dynamodb.update_table().table_name(&self.name);
        let (mut updates, mut encryption) = (vec![], None);
        if self.deletion_protection != from.deletion_protection {
            updates.push(update().deletion_protection_enabled(self.deletion_protection));
        }
        if self.billing != from.billing {
            updates.push(
                update()
                    .billing_mode(self.billing.mode())
                    .set_provisioned_throughput(self.billing.throughput()),
            );
        }
        if self.encryption != from.encryption {
            encryption = Some(update().set_sse_specification(self.encryption.to_sdk()));
        }
        for request in updates {
            aws.send(UPDATE, &self.name, NOT_YET, || request.clone().send())
                .await?;
            self.wait_until_active(aws, TableWait::Update).await?;
        }
        if let Some(request) = encryption {
            aws.send(UPDATE, &self.name, NOT_YET, || request.clone().send())
                .await?;
            self.wait_until_encrypted(aws).await?;
        }
        let tags = tags_to_add(Some(&from.tags), &self.tags);
        if !tags.is_empty() {
            let arn = self.arn(aws);
            let request = aws
                .clients
                .dynamodb
                .tag_resource()
                .resource_arn(&arn)
                .set_tags(Some(sdk_tags(&tags)));
            aws.send(TAG, &self.name, NOT_YET, || request.clone().send())
                .await?;
        }
        Ok(())
    }
}

impl TableBilling {
    fn mode(self) -> BillingMode {
        match self {
            Self::OnDemand => BillingMode::PayPerRequest,
            Self::Provisioned { .. } => BillingMode::Provisioned,
        }
    }

    fn throughput(self) -> Option<ProvisionedThroughput> {
        let Self::Provisioned { read, write } = self else {
            return None;
        };
        Some(
            ProvisionedThroughput::builder()
                .read_capacity_units(read)
                .write_capacity_units(write)
                .build()
                .expect("both parts are given"),
        )
    }
}

impl LockTableEncryption {
    fn to_sdk(&self) -> Option<SseSpecification> {
        let Self::Kms(key) = self else { return None };
        Some(
            SseSpecification::builder()
                .enabled(true)
                .sse_type(SseType::Kms)
                .kms_master_key_id(key)
                .build(),
        )
    }
}

/// Returns whether a table of this name is being deleted.
///
/// # Errors
/// If DynamoDB returns an error.
pub(crate) async fn is_being_deleted(aws: &AwsProvider, name: &str) -> Result<bool, AwsError> {
    Ok(describe(aws, name)
        .await?
        .is_some_and(|table| table.table_status == Some(TableStatus::Deleting)))
}

async fn describe(aws: &AwsProvider, name: &str) -> Result<Option<TableDescription>, AwsError> {
    let answer = aws
        .read(
            DESCRIBE,
            name,
            aws.clients
                .dynamodb
                .describe_table()
                .table_name(name)
                .send(),
        )
        .await;
    Ok(found(answer, ABSENT)?.and_then(|answer| answer.table))
}

async fn get_tags(aws: &AwsProvider, arn: &str) -> Result<Option<Tags>, AwsError> {
    let mut tags = Tags::new();
    let mut next = None;
    loop {
        let request = aws
            .clients
            .dynamodb
            .list_tags_of_resource()
            .resource_arn(arn)
            .set_next_token(next);
        let Some(page) = found(aws.read(TAGS, arn, request.send()).await, ABSENT)? else {
            return Ok(None);
        };
        tags.extend(
            page.tags
                .unwrap_or_default()
                .into_iter()
                .map(|tag| (tag.key, tag.value)),
        );
        next = page.next_token;
        if next.is_none() {
            return Ok(Some(tags));
        }
    }
}

fn key_of(table: &TableDescription) -> Vec<String> {
    let kind = |name: &str| {
        let attribute = table
            .attribute_definitions()
            .iter()
            .find(|attribute| attribute.attribute_name() == name);
        attribute.map_or("?", |attribute| attribute.attribute_type().as_str())
    };
    table
        .key_schema()
        .iter()
        .map(|key| format!("{}:{}", key.attribute_name(), kind(key.attribute_name())))
        .collect()
}

fn billing_of(table: &TableDescription) -> TableBilling {
    // Tables that were never on-demand have no summary.
    if table
        .billing_mode_summary()
        .and_then(|summary| summary.billing_mode())
        == Some(&BillingMode::PayPerRequest)
    {
        return TableBilling::OnDemand;
    }
    let throughput = table.provisioned_throughput();
    let units =
        |get: fn(&aws_sdk_dynamodb::types::ProvisionedThroughputDescription) -> Option<i64>| {
            throughput.and_then(get).unwrap_or(0)
        };
    TableBilling::Provisioned {
        read: units(|t| t.read_capacity_units()),
        write: units(|t| t.write_capacity_units()),
    }
}

fn encryption_of(table: &TableDescription) -> LockTableEncryption {
    match table.sse_description() {
        Some(sse)
            if matches!(
                sse.status(),
                Some(SseStatus::Enabled | SseStatus::Enabling | SseStatus::Updating)
            ) =>
        {
            LockTableEncryption::Kms(sse.kms_master_key_arn().unwrap_or_default().to_owned())
        }
        _ => LockTableEncryption::AwsOwned,
    }
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| {
        Tag::builder()
            .key(key)
            .value(value)
            .build()
            .expect("both parts are given")
    };
    tags.iter().map(tag).collect()
}

#[cfg(test)]
mod tests;
