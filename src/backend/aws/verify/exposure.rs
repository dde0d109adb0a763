//! Access to a backend that the blueprint does not configure: replication to another account,
//! grants of the key, a policy of the table, a website, a second endpoint. tfbackend never creates
//! them, so that no plan shows them.

use aws_sdk_dynamodb::types::TimeToLiveStatus;
use aws_sdk_s3::types::{BucketAccelerateStatus, ReplicationRuleStatus};

use super::catalogue as rule;
use crate::{
    backend::aws::{
        AwsProvider,
        blueprint::{KEY, LOCK_TABLE, STATE_BUCKET},
        bucket,
        error::{ApiOperation, AwsError, NOT_OFFERED, ServiceErrorKind, found},
        key,
        policy::{PolicyDocument, openings::openings},
    },
    checks::{Check, CheckResult, CheckedPlace, Verdict},
};

const REPLICATION: ApiOperation =
    ApiOperation::allowed_by("s3:GetBucketReplication", "s3:GetReplicationConfiguration");
const WEBSITE: ApiOperation = ApiOperation::new("s3:GetBucketWebsite");
const CORS: ApiOperation = ApiOperation::allowed_by("s3:GetBucketCors", "s3:GetBucketCORS");
const ACCELERATION: ApiOperation = ApiOperation::allowed_by(
    "s3:GetBucketAccelerateConfiguration",
    "s3:GetAccelerateConfiguration",
);
const GRANTS: ApiOperation = ApiOperation::new("kms:ListGrants");
const TABLE_POLICY: ApiOperation = ApiOperation::new("dynamodb:GetResourcePolicy");
const TIME_TO_LIVE: ApiOperation = ApiOperation::new("dynamodb:DescribeTimeToLive");
const NO_REPLICATION: &[&str] = &["ReplicationConfigurationNotFoundError"];
const NO_WEBSITE: &[&str] = &["NoSuchWebsiteConfiguration"];
const NO_CORS: &[&str] = &["NoSuchCORSConfiguration"];
const NO_TABLE_POLICY: &[&str] = &["PolicyNotFoundException"];
/// The bucket, table or key does not exist, which is a finding of its own.
const NO_RESOURCE: &[&str] = &[
    "NoSuchBucket",
    "ResourceNotFoundException",
    "NotFoundException",
];
/// Grants per page; a key of tfbackend has few.
const GRANTS_AT_ONCE: i32 = 100;

/// The checks of a bucket, a table and a key.
pub(crate) const OF_BUCKET: [&Check; 4] = [
    &rule::BUCKET_REPLICATION,
    &rule::BUCKET_WEBSITE,
    &rule::BUCKET_CORS,
    &rule::ACCELERATION,
];
pub(crate) const OF_TABLE: [&Check; 2] = [&rule::TABLE_OPEN, &rule::TABLE_EXPIRY];
pub(crate) const OF_KEY: [&Check; 1] = [&rule::KEY_GRANTS];

/// The resources to check.
pub(crate) struct ExposureInputs<'a> {
    pub bucket: &'a str,
    pub table: Option<&'a str>,
    /// By its ARN or its alias: nothing has to be read first.
    pub key: Option<&'a str>,
}

/// Runs the checks of a bucket, and of its table and key if they exist.
pub(crate) async fn checks(aws: &AwsProvider, of: &ExposureInputs<'_>) -> Vec<CheckResult> {
    let at_bucket = CheckedPlace::at(
        &STATE_BUCKET,
        Some(format!("arn:{}:s3:::{}", aws.caller.partition, of.bucket)),
    );
    let table = async {
        let Some(table) = of.table else { return vec![] };
        let place = CheckedPlace::at(
            &LOCK_TABLE,
            Some(aws.arn("dynamodb", &aws.region, &format!("table/{table}"))),
        );
        let (policy, expiry) = tokio::join!(table_policy(aws, table), time_to_live(aws, table));
        [
            checked(&rule::TABLE_OPEN, &place, policy),
            checked(&rule::TABLE_EXPIRY, &place, expiry),
        ]
        .into_iter()
        .flatten()
        .collect()
    };
    let of_key = async {
        let Some(key) = of.key else { return vec![] };
        // A key that does not exist or cannot be read is another finding.
        let Ok(Some(arn)) = arn_of(aws, key).await else {
            return vec![];
        };
        let place = CheckedPlace::at(&KEY, Some(arn.clone()));
        checked(&rule::KEY_GRANTS, &place, grants(aws, &arn).await)
            .into_iter()
            .collect::<Vec<_>>()
    };
    let (replication, website, cors, acceleration, table, of_key) = tokio::join!(
        replication(aws, of.bucket),
        website(aws, of.bucket),
        cors(aws, of.bucket),
        acceleration(aws, of.bucket),
        table,
        of_key
    );
    let of_bucket = [
        (&rule::BUCKET_REPLICATION, replication),
        (&rule::BUCKET_WEBSITE, website),
        (&rule::BUCKET_CORS, cors),
        (&rule::ACCELERATION, acceleration),
    ];
    let of_bucket = of_bucket
        .into_iter()
        .filter_map(|(check, answer)| checked(check, &at_bucket, answer));
    of_bucket.chain(table).chain(of_key).collect()
}

/// The finding and its fix, if the check fails.
type ExposureAnswer = Result<Option<(String, String)>, AwsError>;

/// Returns `None` for a resource that does not exist.
fn checked(
    check: &'static Check,
    place: &CheckedPlace,
    answer: ExposureAnswer,
) -> Option<CheckResult> {
    let verdict = match answer {
        Ok(None) => Verdict::Holds,
        Ok(Some((found, remediation))) => Verdict::Fails { found, remediation },
        Err(error) if error.is(NO_RESOURCE) => return None,
        Err(error) if error.is(NOT_OFFERED) => Verdict::Holds,
        Err(error) => Verdict::Unreadable {
            error: error.to_string(),
        },
    };
    Some(CheckResult::new(check, place.clone(), verdict))
}

/// Finds replication to buckets of other accounts, or to buckets whose owner is unknown.
async fn replication(aws: &AwsProvider, bucket: &str) -> ExposureAnswer {
    let request = aws
        .clients
        .s3
        .get_bucket_replication()
        .bucket(bucket)
        .expected_bucket_owner(aws.account());
    let answer = found(
        aws.read(REPLICATION, bucket, request.send()).await,
        NO_REPLICATION,
    )?;
    let Some(rules) = answer
        .and_then(|answer| answer.replication_configuration)
        .map(|all| all.rules)
    else {
        return Ok(None);
    };
    let enabled = rules
        .iter()
        .filter(|rule| rule.status == ReplicationRuleStatus::Enabled);
    let mut theirs = vec![];
    for (to, said) in enabled
        .filter_map(|rule| rule.destination.as_ref())
        .map(|to| (&to.bucket, to.account.as_deref()))
    {
        let name = to.rsplit(':').next().unwrap_or(to);
        let whose = match said {
            Some(account) => (account != aws.account()).then(|| format!("account {account}")),
            // S3 confirms the owner of the bucket.
            None => match bucket::region(aws, name, aws.account()).await {
                Ok(Some(_)) => None,
                Ok(None) => Some("a bucket that does not exist".to_owned()),
                Err(error) if error.kind == ServiceErrorKind::Denied => Some(
                    "a bucket of another account, or one that these credentials cannot read"
                        .to_owned(),
                ),
                Err(error) => return Err(error),
            },
        };
        theirs.extend(whose.map(|whose| format!("{name} ({whose})")));
    }
    let remediation = format!(
        "delete the rule (`aws s3api delete-bucket-replication --bucket {bucket}`), or accept it \
         with --ignore"
    );
    Ok((!theirs.is_empty()).then(|| {
        (
            format!("states are replicated to {}", theirs.join(", ")),
            remediation,
        )
    }))
}

async fn website(aws: &AwsProvider, bucket: &str) -> ExposureAnswer {
    let request = aws
        .clients
        .s3
        .get_bucket_website()
        .bucket(bucket)
        .expected_bucket_owner(aws.account());
    let answer = found(aws.read(WEBSITE, bucket, request.send()).await, NO_WEBSITE)?;
    Ok(answer.map(|_| {
        (
            "static website hosting is enabled".to_owned(),
            format!("aws s3api delete-bucket-website --bucket {bucket}"),
        )
    }))
}

async fn cors(aws: &AwsProvider, bucket: &str) -> ExposureAnswer {
    let request = aws
        .clients
        .s3
        .get_bucket_cors()
        .bucket(bucket)
        .expected_bucket_owner(aws.account());
    let answer = found(aws.read(CORS, bucket, request.send()).await, NO_CORS)?;
    Ok(answer.and_then(|answer| {
        let origins: Vec<&str> = answer
            .cors_rules()
            .iter()
            .flat_map(|rule| rule.allowed_origins())
            .map(String::as_str)
            .collect();
        let found = format!(
            "pages of {} can read it with the permissions of their visitor",
            origins.join(", ")
        );
        (!origins.is_empty()).then(|| {
            (
                found,
                format!("aws s3api delete-bucket-cors --bucket {bucket}"),
            )
        })
    }))
}

/// S3 Transfer Acceleration: an endpoint of the bucket besides the regional one.
async fn acceleration(aws: &AwsProvider, bucket: &str) -> ExposureAnswer {
    let request = aws
        .clients
        .s3
        .get_bucket_accelerate_configuration()
        .bucket(bucket)
        .expected_bucket_owner(aws.account());
    let answer = aws.read(ACCELERATION, bucket, request.send()).await?;
    let remediation = format!(
        "aws s3api put-bucket-accelerate-configuration --bucket {bucket} \
         --accelerate-configuration Status=Suspended"
    );
    Ok((answer.status == Some(BucketAccelerateStatus::Enabled))
        .then(|| ("Transfer Acceleration is enabled".to_owned(), remediation)))
}

async fn arn_of(aws: &AwsProvider, key: &str) -> Result<Option<String>, AwsError> {
    match key.starts_with("arn:") {
        true => Ok(Some(key.to_owned())),
        false => Ok(key::find::describe(aws, key)
            .await?
            .and_then(|metadata| metadata.arn)),
    }
}

/// Grants to principals of other accounts. Grants of AWS services on behalf of the account are
/// allowed.
async fn grants(aws: &AwsProvider, key: &str) -> ExposureAnswer {
    let (mut theirs, mut marker) = (vec![], None);
    loop {
        let request = aws
            .clients
            .kms
            .list_grants()
            .key_id(key)
            .limit(GRANTS_AT_ONCE)
            .set_marker(marker);
        let page = aws.read(GRANTS, key, request.send()).await?;
        for grant in page.grants() {
            let grantee = grant.grantee_principal().unwrap_or_default();
            // As in `dynamodb.eu-west-1.amazonaws.com`; a value that is not the ARN of an account
            // is a service or a deleted principal.
            let other = grantee
                .split(':')
                .nth(4)
                .is_some_and(|owner| owner != aws.account());
            theirs
                .extend(other.then(|| {
                    format!("{grantee} (grant {})", grant.grant_id().unwrap_or_default())
                }));
        }
        marker = page.next_marker.filter(|_| page.truncated);
        if marker.is_none() {
            break;
        }
    }
    let remediation =
        format!("`aws kms revoke-grant --key-id {key} --grant-id ID`, or accept it with --ignore");
    Ok((!theirs.is_empty()).then(|| {
        (
            format!("the key is granted to {}", theirs.join(", ")),
            remediation,
        )
    }))
}

async fn table_policy(aws: &AwsProvider, table: &str) -> ExposureAnswer {
    let arn = aws.arn("dynamodb", &aws.region, &format!("table/{table}"));
    let request = aws
        .clients
        .dynamodb
        .get_resource_policy()
        .resource_arn(&arn);
    let Some(answer) = found(
        aws.read(TABLE_POLICY, table, request.send()).await,
        NO_TABLE_POLICY,
    )?
    else {
        return Ok(None);
    };
    let policy: PolicyDocument =
        serde_json::from_str(answer.policy().unwrap_or("{}")).map_err(|error| {
            AwsError::nonsense(TABLE_POLICY, table, &format!("invalid policy: {error}"))
        })?;
    let openings = openings(&policy, aws.account());
    let remediation = format!(
        "remove the statement, or all of it: `aws dynamodb delete-resource-policy --resource-arn \
         {arn}`"
    );
    Ok((!openings.is_empty()).then(|| (openings.join("; "), remediation)))
}

async fn time_to_live(aws: &AwsProvider, table: &str) -> ExposureAnswer {
    let request = aws
        .clients
        .dynamodb
        .describe_time_to_live()
        .table_name(table);
    let answer = aws.read(TIME_TO_LIVE, table, request.send()).await?;
    let on = answer.time_to_live_description.filter(|one| {
        matches!(
            one.time_to_live_status,
            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
        )
    });
    Ok(on.map(|on| {
        let attribute = on.attribute_name.unwrap_or_default();
        let remediation = format!(
            "aws dynamodb update-time-to-live --table-name {table} --time-to-live-specification \
             Enabled=false,AttributeName={attribute}"
        );
        (
            format!("items that have the attribute {attribute} are deleted at that time"),
            remediation,
        )
    }))
}

#[cfg(test)]
mod tests;
