//! The arguments of the `s3` backend: of which type each is, what became of it, and which are
//! credentials.

use super::TerraformEngine;

/// The shape of an argument's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentType {
    /// Text, a number or a boolean: a command line gives it as it is.
    Plain,
    /// A list or an object: a command line gives it as HCL.
    Compound,
}

/// The deprecation status of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentFate {
    Current,
    /// Still taken by both; what to write instead.
    Deprecated(&'static str),
    /// The same, and OpenTofu has no plans to drop it.
    DeprecatedByTerraform(&'static str),
    /// Terraform 1.10 and later stop at it; OpenTofu still takes it.
    RemovedFromTerraform(&'static str),
    /// Gone from both.
    Removed(&'static str),
    /// Only OpenTofu has it.
    OpenTofuOnly,
}

/// The support of an argument by one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentSupport {
    Fully,
    /// With a warning; what to write instead.
    Still(&'static str),
    /// It stops; what to write instead.
    NoLonger(&'static str),
    /// It stops, and has nothing of the kind.
    Never,
}

use ArgumentFate::{
    Current, Deprecated, DeprecatedByTerraform, OpenTofuOnly, Removed, RemovedFromTerraform,
};
use ArgumentType::{Compound, Plain};

/// All that any Terraform since 1.6 or OpenTofu knows. From `backend.go` of both, at the tags 1.6
/// to 1.13.
const KNOWN: [(&str, ArgumentType, ArgumentFate); 61] = [
    ("bucket", Plain, Current),
    ("key", Plain, Current),
    ("region", Plain, Current),
    ("use_lockfile", Plain, Current),
    (
        "dynamodb_table",
        Plain,
        DeprecatedByTerraform("use_lockfile = true"),
    ),
    ("encrypt", Plain, Current),
    ("kms_key_id", Plain, Current),
    ("sse_customer_key", Plain, Current),
    ("acl", Plain, Current),
    ("workspace_key_prefix", Plain, Current),
    ("endpoints", Compound, Current),
    ("endpoint", Plain, Deprecated("endpoints = { s3 = … }")),
    (
        "dynamodb_endpoint",
        Plain,
        Deprecated("endpoints = { dynamodb = … }"),
    ),
    ("iam_endpoint", Plain, Deprecated("endpoints = { iam = … }")),
    ("sts_endpoint", Plain, Deprecated("endpoints = { sts = … }")),
    ("use_path_style", Plain, Current),
    ("force_path_style", Plain, Deprecated("use_path_style")),
    ("assume_role", Compound, Current),
    (
        "role_arn",
        Plain,
        RemovedFromTerraform("assume_role = { role_arn = … }"),
    ),
    (
        "session_name",
        Plain,
        RemovedFromTerraform("assume_role = { session_name = … }"),
    ),
    (
        "external_id",
        Plain,
        RemovedFromTerraform("assume_role = { external_id = … }"),
    ),
    (
        "assume_role_duration_seconds",
        Plain,
        RemovedFromTerraform("assume_role = { duration = … }"),
    ),
    (
        "assume_role_policy",
        Plain,
        RemovedFromTerraform("assume_role = { policy = … }"),
    ),
    (
        "assume_role_policy_arns",
        Compound,
        RemovedFromTerraform("assume_role = { policy_arns = … }"),
    ),
    (
        "assume_role_tags",
        Compound,
        RemovedFromTerraform("assume_role = { tags = … }"),
    ),
    (
        "assume_role_transitive_tag_keys",
        Compound,
        RemovedFromTerraform("assume_role = { transitive_tag_keys = … }"),
    ),
    ("assume_role_with_web_identity", Compound, Current),
    ("allowed_account_ids", Compound, Current),
    ("forbidden_account_ids", Compound, Current),
    ("profile", Plain, Current),
    ("access_key", Plain, Current),
    ("secret_key", Plain, Current),
    ("token", Plain, Current),
    ("shared_credentials_files", Compound, Current),
    (
        "shared_credentials_file",
        Plain,
        Deprecated("shared_credentials_files = [ … ]"),
    ),
    ("shared_config_files", Compound, Current),
    ("skip_credentials_validation", Plain, Current),
    ("skip_requesting_account_id", Plain, Current),
    ("skip_metadata_api_check", Plain, Current),
    ("skip_region_validation", Plain, Current),
    ("skip_s3_checksum", Plain, Current),
    ("max_retries", Plain, Current),
    ("retry_mode", Plain, Current),
    ("custom_ca_bundle", Plain, Current),
    ("http_proxy", Plain, Current),
    ("https_proxy", Plain, Current),
    ("no_proxy", Plain, Current),
    ("insecure", Plain, Current),
    ("use_fips_endpoint", Plain, Current),
    ("use_dualstack_endpoint", Plain, Current),
    ("sts_region", Plain, Current),
    ("ec2_metadata_service_endpoint", Plain, Current),
    ("ec2_metadata_service_endpoint_mode", Plain, Current),
    ("use_legacy_workflow", Plain, Removed("nothing: remove it")),
    ("state_tags", Compound, OpenTofuOnly),
    ("lock_tags", Compound, OpenTofuOnly),
    // Of objects, as `object.field`.
    (
        "endpoints.dynamodb",
        Plain,
        DeprecatedByTerraform("use_lockfile = true, which needs no such endpoint"),
    ),
    ("endpoints.iam", Plain, Current),
    ("endpoints.s3", Plain, Current),
    ("endpoints.sso", Plain, Current),
    ("endpoints.sts", Plain, Current),
];

/// Returns the support of the argument `name`, or of the field `object.field` of `endpoints`, by
/// `engine`.
pub fn taken(name: &str, engine: TerraformEngine) -> ArgumentSupport {
    let Some((_, _, fate)) = KNOWN.iter().find(|(known, ..)| *known == name) else {
        return ArgumentSupport::Never;
    };
    match (*fate, engine) {
        (Current, TerraformEngine::OpenTofu) if name == "endpoints.sso" => ArgumentSupport::Never,
        (Current, _) | (DeprecatedByTerraform(_) | OpenTofuOnly, TerraformEngine::OpenTofu) => {
            ArgumentSupport::Fully
        }
        (Deprecated(instead), _)
        | (DeprecatedByTerraform(instead), TerraformEngine::Terraform)
        | (RemovedFromTerraform(instead), TerraformEngine::OpenTofu) => {
            ArgumentSupport::Still(instead)
        }
        (RemovedFromTerraform(instead), TerraformEngine::Terraform) | (Removed(instead), _) => {
            ArgumentSupport::NoLonger(instead)
        }
        (OpenTofuOnly, TerraformEngine::Terraform) => ArgumentSupport::Never,
    }
}

/// The names of all known arguments, whatever became of them.
pub fn all() -> impl Iterator<Item = &'static str> {
    KNOWN
        .iter()
        .map(|(name, ..)| *name)
        .filter(|name| !name.contains('.'))
}

/// Returns the shape of `name`; unknown arguments are plain, as in Terraform.
pub fn shape(name: &str) -> ArgumentType {
    KNOWN
        .iter()
        .find(|(known, ..)| *known == name)
        .map_or(Plain, |(_, shape, _)| *shape)
}

/// The known argument that a misspelt one most likely stands for.
pub fn likely(name: &str) -> Option<&'static str> {
    let best = all()
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()?;
    (best.0 <= 2).then_some(best.1)
}

/// Arguments and fields, at any depth, whose value lets its holder in.
const SECRET: [&str; 9] = [
    "access_key",
    "secret_key",
    "token",
    "sse_customer_key",
    "web_identity_token",
    "password",
    // As the AWS CLI and its variables call them.
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
];

/// Returns whether `text`, the value of `name`, is a credential: by its name, or because it is an
/// access
/// key id or a URL with a user in it, whatever it is called. No other judge of this is in the
/// program.
pub fn is_secret(name: &str, text: &str) -> bool {
    !text.is_empty()
        && (SECRET.contains(&name.to_ascii_lowercase().as_str())
            || has_access_key_id(text)
            || has_user(text))
}

/// `AKIA` (long-lived) or `ASIA` (temporary), and 16 more.
fn has_access_key_id(text: &str) -> bool {
    let id = |at: usize| {
        text.as_bytes().get(at + 4..at + 20).is_some_and(|id| {
            id.iter()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        })
    };
    ["AKIA", "ASIA"]
        .iter()
        .any(|start| text.match_indices(start).any(|(at, _)| id(at)))
}

fn has_user(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    rest.split(['/', '?', '#'])
        .next()
        .is_some_and(|authority| authority.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_engine_takes_what_it_knows() {
        let both = |name| {
            (
                taken(name, TerraformEngine::Terraform),
                taken(name, TerraformEngine::OpenTofu),
            )
        };
        assert_eq!(
            both("bucket"),
            (ArgumentSupport::Fully, ArgumentSupport::Fully)
        );
        assert_eq!(
            both("dynamodb_table"),
            (
                ArgumentSupport::Still("use_lockfile = true"),
                ArgumentSupport::Fully
            )
        );
        assert_eq!(
            both("force_path_style"),
            (
                ArgumentSupport::Still("use_path_style"),
                ArgumentSupport::Still("use_path_style")
            )
        );
        let instead = "assume_role = { role_arn = … }";
        assert_eq!(
            both("role_arn"),
            (
                ArgumentSupport::NoLonger(instead),
                ArgumentSupport::Still(instead)
            )
        );
        assert_eq!(
            both("state_tags"),
            (ArgumentSupport::Never, ArgumentSupport::Fully)
        );
        assert_eq!(
            both("endpoints.sso"),
            (ArgumentSupport::Fully, ArgumentSupport::Never)
        );
        assert_eq!(
            both("buckte"),
            (ArgumentSupport::Never, ArgumentSupport::Never)
        );
        assert!(matches!(
            both("use_legacy_workflow"),
            (ArgumentSupport::NoLonger(_), ArgumentSupport::NoLonger(_))
        ));
    }

    #[test]
    fn no_argument_is_listed_twice_and_what_stands_instead_is_known() {
        for (at, (name, _, fate)) in KNOWN.iter().enumerate() {
            assert!(
                KNOWN[..at].iter().all(|(other, ..)| other != name),
                "{name}"
            );
            if let Deprecated(instead)
            | DeprecatedByTerraform(instead)
            | RemovedFromTerraform(instead) = fate
            {
                let argument = instead.split([' ', ',']).next().expect("a word");
                assert_eq!(
                    taken(argument, TerraformEngine::Terraform),
                    ArgumentSupport::Fully,
                    "{instead}"
                );
            }
        }
    }

    #[test]
    fn what_is_misspelt_is_guessed() {
        assert_eq!(likely("buckte"), Some("bucket"));
        assert_eq!(likely("use_lock_file"), Some("use_lockfile"));
        assert_eq!(likely("something_else"), None);
    }

    #[test]
    fn credentials_are_known_by_name_and_by_form() {
        for (name, text) in [
            ("token", "x"),
            ("profile", "x ASIAIOSFODNN7EXAMPLE y"),
            ("endpoint", "https://a:b@c/"),
            ("x", "ftp://a@b"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("password", "x"),
        ] {
            assert!(is_secret(name, text), "{name} {text}");
        }
        for (name, text) in [
            ("token", ""),
            ("bucket", "AKIA"),
            ("bucket", "asia-state-bucket-of-the-team"),
            ("endpoint", "https://a/b@c"),
        ] {
            assert!(!is_secret(name, text), "{name} {text}");
        }
    }
}
