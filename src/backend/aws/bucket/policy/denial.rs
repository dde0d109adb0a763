//! Finds statements of others that deny requests of Terraform with the generated `backend.conf`:
//! with such a bucket, every apply fails after the infrastructure was changed.
//!
//! Only certain denials count: a condition on anything outside the request may exempt Terraform
//! runs.

use serde_json::Value;

use super::{ALGORITHM, KEY};
use crate::{
    backend::aws::policy::{
        Effect, PolicyDocument, Statement,
        pattern::{matches, texts},
    },
    engine::spec::UNKNOWN,
};

/// Condition keys of headers that Terraform never sends with this backend.
const NEVER: [&str; 4] = [
    "s3:x-amz-acl",
    "s3:x-amz-storage-class",
    "s3:x-amz-server-side-encryption-customer-algorithm",
    "s3:x-amz-copy-source",
];
const PRINCIPAL_ACCOUNT: &str = "aws:PrincipalAccount";
/// The minimum TLS version of Terraform with S3.
const LEAST_TLS: f64 = 1.2;

/// The state of a workspace, which is deleted with it.
const OF_A_WORKSPACE: &str = "env:/any/any.tfstate";

/// The encryption that Terraform requests, from `backend.conf`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EncryptionHeaders {
    /// The ARN of the key.
    bucket: String,
    /// The account whose principals run Terraform.
    account: Option<String>,
    /// `None` if unknown.
    algorithm: Option<String>,
    key: Option<String>,
}

impl EncryptionHeaders {
    /// Returns the requests that the policy of tfbackend allows, which are those of the generated
    /// files. `None` for a bucket without states.
    pub(crate) fn by(ours: &PolicyDocument) -> Option<Self> {
        let statement = |sid: &str| {
            ours.statements
                .iter()
                .find(|statement| statement.sid.as_deref() == Some(sid))
        };
        let value = |statement: &Statement, operator: &str, key: &str| {
            statement.condition(operator, key).into_iter().next()
        };
        let encryption = statement("TfbackendDenyOtherEncryption")?;
        let bucket = encryption
            .rest
            .get("Resource")?
            .as_str()?
            .strip_suffix("/*")?
            .to_owned();
        let algorithm = Some(value(encryption, "StringNotEquals", ALGORITHM)?);
        let account = statement("TfbackendDenyOtherAccounts")
            .and_then(|statement| value(statement, "StringNotEquals", PRINCIPAL_ACCOUNT));
        let key = statement("TfbackendDenyOtherKey")
            .and_then(|statement| value(statement, "ArnNotEquals", KEY));
        Some(Self {
            bucket,
            account,
            algorithm,
            key,
        })
    }

    /// Returns the requests for a bucket (its ARN) with unknown encryption of states.
    pub(crate) fn to(bucket: String, account: &str) -> Self {
        Self {
            bucket,
            account: Some(account.to_owned()),
            algorithm: None,
            key: None,
        }
    }

    fn request(
        &self,
        what: &'static str,
        action: &'static str,
        name: &str,
        lock: bool,
    ) -> TerraformRequest<'_> {
        let resource = if name.is_empty() {
            self.bucket.clone()
        } else {
            format!("{}/{name}", self.bucket)
        };
        TerraformRequest {
            sends: self,
            what,
            action,
            resource,
            writes: action == "s3:PutObject",
            lock,
        }
    }

    /// Requests that every run needs.
    fn of_a_run(&self) -> Vec<TerraformRequest<'_>> {
        vec![
            self.request("writing states", "s3:PutObject", "any.tfstate", false),
            self.request(
                "writing lock files",
                "s3:PutObject",
                "any.tfstate.tflock",
                true,
            ),
            self.request("reading states", "s3:GetObject", "any.tfstate", false),
            self.request("listing states", "s3:ListBucket", "", false),
        ]
    }

    /// Requests that are needed to acquire, read and release a lock file.
    fn of_locks(&self) -> Vec<TerraformRequest<'_>> {
        vec![
            self.request(
                "writing lock files",
                "s3:PutObject",
                "any.tfstate.tflock",
                true,
            ),
            self.request(
                "reading lock files",
                "s3:GetObject",
                "any.tfstate.tflock",
                true,
            ),
            self.request(
                "deleting lock files",
                "s3:DeleteObject",
                "any.tfstate.tflock",
                true,
            ),
        ]
    }
}

/// A kind of request of Terraform.
struct TerraformRequest<'a> {
    sends: &'a EncryptionHeaders,
    what: &'static str,
    action: &'static str,
    resource: String,
    writes: bool,
    lock: bool,
}

/// Describes each statement that certainly denies Terraform a request, regardless of locks.
pub(crate) fn denials(document: &PolicyDocument, sends: &EncryptionHeaders) -> Vec<String> {
    denied(document, sends, &sends.of_a_run())
}

/// Describes each that denies creating or deleting a lock file: a denied deletion is found too late
/// and blocks all other runs.
pub(crate) fn denials_of_locks(
    document: &PolicyDocument,
    sends: &EncryptionHeaders,
) -> Vec<String> {
    denied(document, sends, &sends.of_locks())
}

/// Describes each that denies a request, with all denied requests.
pub(crate) fn all_denials(
    document: &PolicyDocument,
    sends: &EncryptionHeaders,
    lock_files: bool,
) -> Vec<String> {
    let mut requests = sends.of_a_run();
    requests.extend(
        sends
            .of_locks()
            .into_iter()
            .filter(|request| lock_files && request.action != "s3:PutObject"),
    );
    requests.push(sends.request(
        "deleting states of workspaces",
        "s3:DeleteObject",
        OF_A_WORKSPACE,
        false,
    ));
    denied(document, sends, &requests)
}

fn denied(
    document: &PolicyDocument,
    sends: &EncryptionHeaders,
    requests: &[TerraformRequest<'_>],
) -> Vec<String> {
    let others = document
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Deny && !statement.is_ours());
    others
        .filter_map(|statement| {
            let denied: Vec<&str> = requests
                .iter()
                .filter(|request| request.is_denied_by(statement))
                .map(|request| request.what)
                .collect();
            (!denied.is_empty()).then(|| in_words(statement, &denied, sends))
        })
        .collect()
}

fn in_words(statement: &Statement, denied: &[&str], sends: &EncryptionHeaders) -> String {
    let who = statement
        .sid
        .as_deref()
        .map_or("a statement without Sid".to_owned(), |sid| {
            format!("statement {sid}")
        });
    let wanted = |name: &str| {
        let operators = statement
            .rest
            .get("Condition")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        let negated = operators
            .filter(|(operator, _)| operator.contains("Not"))
            .filter_map(|(_, keys)| keys.as_object());
        let values = negated
            .flatten()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .flat_map(|(_, values)| texts(values));
        values.collect::<Vec<String>>().join(" or ")
    };
    let (algorithm, key) = (wanted(ALGORITHM), wanted(KEY));
    let sent = format!("{} denies {}", who, denied.join(", "));
    let kms = sends.key.is_some();
    let Some(sends_algorithm) = sends
        .algorithm
        .as_ref()
        .filter(|_| !(algorithm.is_empty() && key.is_empty()))
    else {
        return format!("{sent} for every run; change the statement");
    };
    match (&*algorithm, &*key) {
        ("AES256", _) if kms => {
            format!(
                "{sent}: it requires {algorithm}, but Terraform sends {sends_algorithm}; use \
                 --encryption sse-s3, or change the statement"
            )
        }
        ("", _) if kms => {
            let ours = sends
                .key
                .as_deref()
                .filter(|key| !key.starts_with(UNKNOWN))
                .unwrap_or("a new key");
            format!(
                "{sent}: it requires the key {key}, but Terraform sends {ours}; use --kms-key \
                 {key}, or change the statement"
            )
        }
        ("", _) => format!(
            "{sent}: it requires the key {key}, but Terraform sends {sends_algorithm}; use \
             --kms-key {key}, or change it"
        ),
        _ => {
            format!(
                "{sent}: it requires {algorithm}, but Terraform sends {sends_algorithm}; use a \
                 key (--kms-key), or change the statement"
            )
        }
    }
}

impl TerraformRequest<'_> {
    /// A Deny for an account or its root applies to all its principals.
    fn is_everybody(&self, principal: Option<&Value>) -> bool {
        let ours = |who: &str| {
            self.sends.account.as_deref().is_some_and(|account| {
                who == account || who.ends_with(&format!("::{account}:root"))
            })
        };
        match principal {
            Some(Value::Object(kinds)) => kinds
                .get("AWS")
                .is_some_and(|who| texts(who).iter().any(|who| who == "*" || ours(who))),
            Some(other) => other == "*",
            None => false,
        }
    }

    fn is_denied_by(&self, statement: &Statement) -> bool {
        let field = |name: &str| statement.rest.get(name);
        let any = |name: &str, fits: &dyn Fn(&str) -> bool| {
            field(name).map(|value| texts(value).iter().any(|text| fits(text)))
        };
        let action = |pattern: &str| matches(&pattern.to_lowercase(), &self.action.to_lowercase());
        let resource = |pattern: &str| matches(pattern, &self.resource);
        let said = |plain: Option<bool>, negated: Option<bool>| {
            plain.unwrap_or_else(|| negated.is_some_and(|hit| !hit))
        };
        self.is_everybody(field("Principal"))
            && said(any("Action", &action), any("NotAction", &action))
            && said(any("Resource", &resource), any("NotResource", &resource))
            && field("Condition").is_none_or(|condition| self.meets(condition))
    }

    /// Returns whether it certainly meets all conditions.
    fn meets(&self, condition: &Value) -> bool {
        let Some(operators) = condition.as_object() else {
            return false;
        };
        operators.iter().all(|(operator, keys)| {
            keys.as_object().is_some_and(|keys| {
                keys.iter().all(|(key, values)| {
                    self.meets_one(operator, key, &texts(values)) == Some(true)
                })
            })
        })
    }

    /// `None` if unknown.
    fn meets_one(&self, operator: &str, key: &str, values: &[String]) -> Option<bool> {
        let key = key.to_lowercase();
        if key == "s3:tlsversion" && operator == "NumericLessThan" {
            let least: Vec<f64> = values
                .iter()
                .map(|value| value.parse().ok())
                .collect::<Option<_>>()?;
            return least
                .iter()
                .all(|least| *least <= LEAST_TLS)
                .then_some(false);
        }
        let sent = self.sent(&key)?;
        if operator == "Null" {
            return values
                .iter()
                .map(|value| value == "true")
                .next()
                .map(|absent| absent == sent.is_none());
        }
        if values.iter().any(|value| value.contains("${")) {
            return None;
        }
        let (plain, optional) = operator
            .strip_suffix("IfExists")
            .map_or((operator, false), |plain| (plain, true));
        let (negated, wild, any_case) = match plain {
            "StringEquals" => (false, false, false),
            "StringEqualsIgnoreCase" | "Bool" => (false, false, true),
            "StringLike" | "ArnEquals" | "ArnLike" => (false, true, false),
            "StringNotEquals" => (true, false, false),
            "StringNotEqualsIgnoreCase" => (true, false, true),
            "StringNotLike" | "ArnNotEquals" | "ArnNotLike" => (true, true, false),
            _ => return None,
        };
        let Some(sent) = sent else {
            return Some(optional || negated);
        };
        let hit = values.iter().any(|value| match (wild, any_case) {
            (true, _) => matches(value, sent),
            (false, true) => value.eq_ignore_ascii_case(sent),
            (false, false) => value == sent,
        });
        Some(hit != negated)
    }

    /// Returns the value of a condition key in the request: `Some(None)` if absent, `None` if
    /// unknown.
    #[expect(clippy::option_option, reason = "absent and unknown differ")]
    fn sent(&self, key: &str) -> Option<Option<&str>> {
        match key {
            ALGORITHM | KEY if self.writes && self.sends.algorithm.is_none() => None,
            ALGORITHM => Some(self.sends.algorithm.as_deref().filter(|_| self.writes)),
            KEY => Some(self.sends.key.as_deref().filter(|_| self.writes)),
            "s3:if-none-match" => Some(self.lock.then_some("*")),
            "aws:securetransport" => Some(Some("true")),
            "aws:principalisawsservice" => Some(Some("false")),
            key if NEVER.contains(&key) => Some(None),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
