//! Tries actions that Terraform runs must not be allowed, where they are harmless.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_iam::types::PolicyEvaluationDecisionType;

use super::{BackendProbe, ProbeObjects, ProbeResult, object::DELETE};
use crate::{
    backend::aws::{
        error::{ApiOperation, AwsError},
        lock_table,
    },
    state::{layout::PROBE, lock::new_id},
};

const DELETE_VERSION: ApiOperation =
    ApiOperation::allowed_by("s3:DeleteObject", "s3:DeleteObjectVersion");
const SIMULATE: ApiOperation = ApiOperation::new("iam:SimulatePrincipalPolicy");
const POLICY_ACTIONS: [&str; 2] = ["s3:PutBucketPolicy", "s3:DeleteBucketPolicy"];
const GET_ITEM: ApiOperation = ApiOperation::new("dynamodb:GetItem");

/// Each is `Ok` if the action succeeded.
#[derive(Debug)]
pub struct RunnerRights {
    /// A version of the probe's own object; `None` if there is none.
    pub delete_version: Option<ProbeResult>,
    /// The state of a default workspace, which does not exist.
    pub delete_state: ProbeResult,
    /// An item of another bucket, which does not exist; `None` without a table.
    pub foreign_item: Option<ProbeResult>,
    /// Whether it can write or delete the bucket policy: never tried, but simulated in IAM by the
    /// caller.
    pub change_policy: ProbeResult<bool>,
}

impl BackendProbe<'_> {
    pub(super) async fn rights(&self, role: &str, objects: Option<&ProbeObjects>) -> RunnerRights {
        let version = objects.and_then(|objects| {
            objects
                .without_headers
                .as_ref()?
                .as_ref()
                .ok()?
                .version
                .clone()
        });
        let delete_version = match version {
            Some(version) => Some(self.delete_version(version).await),
            None => None,
        };
        let foreign_item = match &self.target.address.table {
            Some(table) => Some(self.foreign_item(table).await),
            None => None,
        };
        RunnerRights {
            delete_version,
            delete_state: self.delete_state().await,
            foreign_item,
            change_policy: self.change_policy(role).await,
        }
    }

    async fn delete_version(&self, version: String) -> ProbeResult {
        let key = self
            .name
            .beside(&self.target.address.layout, "without-headers");
        let request = self
            .tried
            .clients
            .s3
            .delete_object()
            .bucket(self.bucket())
            .key(&key)
            .version_id(version);
        self.tried
            .read(
                DELETE_VERSION,
                &self.url(&key),
                request.expected_bucket_owner(self.owner()).send(),
            )
            .await
            .map(drop)
    }

    async fn delete_state(&self) -> ProbeResult {
        let key = self.name.never();
        let request = self
            .tried
            .clients
            .s3
            .delete_object()
            .bucket(self.bucket())
            .key(&key)
            .expected_bucket_owner(self.owner());
        self.tried
            .read(DELETE, &self.url(&key), request.send())
            .await
            .map(drop)
    }

    async fn change_policy(&self, role: &str) -> ProbeResult<bool> {
        let bucket = format!(
            "arn:{}:s3:::{}",
            self.cleaner.caller.partition,
            self.bucket()
        );
        let request = self
            .cleaner
            .clients
            .iam
            .simulate_principal_policy()
            .policy_source_arn(role)
            .resource_arns(bucket);
        let request = POLICY_ACTIONS
            .iter()
            .fold(request, |request, action| request.action_names(*action));
        let answer = self.cleaner.read(SIMULATE, role, request.send()).await?;
        let results = answer.evaluation_results();
        if results.len() < POLICY_ACTIONS.len() {
            return Err(AwsError::nonsense(
                SIMULATE,
                role,
                "returned no result for some actions",
            ));
        }
        Ok(results
            .iter()
            .any(|result| *result.eval_decision() == PolicyEvaluationDecisionType::Allowed))
    }

    async fn foreign_item(&self, table: &str) -> ProbeResult {
        let lock_id = format!("{PROBE}-{}/terraform.tfstate", new_id());
        let request = self
            .tried
            .clients
            .dynamodb
            .get_item()
            .table_name(table)
            .key(lock_table::KEY, AttributeValue::S(lock_id));
        self.tried
            .read(GET_ITEM, table, request.send())
            .await
            .map(drop)
    }
}
