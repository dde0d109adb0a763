//! Finds denials that may be transient: a new or deleted policy is eventually consistent.

use super::empty::{EmptyError, LeftoverObject, LeftoverReason, NotEmptied};
use crate::backend::aws::error::{AwsError, ServiceErrorKind};

/// The texts of denials by policies other than the removed one.
const OF_OTHERS: [&str; 6] = [
    "identity-based policy",
    "service control policy",
    "resource control policy",
    "permissions boundary",
    "session policy",
    "VPC endpoint policy",
];

/// Returns whether all remaining objects were denied, by no other policy that is known.
pub(super) fn is_denied(left: &NotEmptied) -> bool {
    let denied = |one: &LeftoverObject| match &one.reason {
        LeftoverReason::Refused { code, message } => {
            code == "AccessDenied" && !is_of_others(message)
        }
        LeftoverReason::Newer | LeftoverReason::Again => false,
    };
    matches!(left.why, EmptyError::Kept) && left.left.rows.iter().all(denied)
}

/// Returns whether a call was denied, by no other policy that is known.
pub(super) fn may_pass(error: &AwsError) -> bool {
    error.kind == ServiceErrorKind::Denied && !error.message.as_deref().is_some_and(is_of_others)
}

fn is_of_others(message: &str) -> bool {
    OF_OTHERS.iter().any(|policy| message.contains(policy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::aws::error::ApiOperation;

    /// The policies that AWS reports in a denial, and one that it does not report.
    #[test]
    fn only_the_bucket_policy_was_lifted() {
        let denied = |why: &str| {
            let why = format!(
                "User: arn:aws:iam::1:user/me is not authorized to perform: s3:DeleteBucket on \
                 resource: arn:aws:s3:::a{why}"
            );
            AwsError {
                kind: ServiceErrorKind::Denied,
                ..AwsError::nonsense(ApiOperation::new("s3:DeleteBucket"), "a", &why)
            }
        };
        for (why, passes) in [
            (" with an explicit deny in a resource-based policy", true),
            ("", true),
            (
                " because no identity-based policy allows the s3:DeleteBucket action",
                false,
            ),
            (" with an explicit deny in a service control policy", false),
            (" with an explicit deny in a resource control policy", false),
            (
                " because no permissions boundary allows the s3:DeleteBucket action",
                false,
            ),
            (
                " because no session policy allows the s3:DeleteBucket action",
                false,
            ),
            (
                " because no VPC endpoint policy allows the s3:DeleteBucket action",
                false,
            ),
            (" with an explicit deny in a VPC endpoint policy", false),
        ] {
            assert_eq!(may_pass(&denied(why)), passes, "{why}");
        }
    }
}
