//! The credentials of a connection, loaded once: their source and when they expire.

use std::time::SystemTime;

use aws_credential_types::{
    Credentials,
    credential_feature::AwsCredentialFeature,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError},
};

use super::{
    caller::{CallerError, GET},
    clients::{Clients, PreparedConnection},
    error::{AwsError, ServiceErrorKind, chain, is_expired},
};

/// What is known of credentials without a call to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CredentialFacts {
    /// As in `AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`.
    pub source: &'static str,
    /// Unknown for long-lived keys, and if the source does not say it.
    pub expires: Option<SystemTime>,
}

/// Loads the credentials, and returns the connection that uses what was loaded, so that no source
/// is asked twice.
///
/// # Errors
/// If no source has credentials, or one of them fails.
pub(crate) async fn load(
    prepared: &PreparedConnection,
) -> Result<(PreparedConnection, CredentialFacts), CallerError> {
    let Some(provider) = prepared.config.credentials_provider() else {
        return Err(failed(&CredentialsError::not_loaded_no_source()));
    };
    let credentials = provider
        .provide_credentials()
        .await
        .map_err(|error| failed(&error))?;
    let facts = CredentialFacts {
        source: source(&credentials),
        expires: credentials.expiry(),
    };
    let config = prepared
        .config
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Ok((prepared.with_config(config), facts))
}

/// The same error as that of a call without credentials.
fn failed(error: &CredentialsError) -> CallerError {
    let message = chain(error);
    let kind = if is_expired(&message) {
        ServiceErrorKind::Expired
    } else {
        ServiceErrorKind::Credentials
    };
    CallerError::Aws(AwsError {
        kind,
        ..AwsError::nonsense(GET, "the caller", &message)
    })
}

/// Of a chain, the last that supplied them: a role is assumed with credentials of another source.
/// That they belong to a profile is said of most sources.
fn source(credentials: &Credentials) -> &'static str {
    let features = credentials.get_property::<Vec<AwsCredentialFeature>>();
    let features: &[AwsCredentialFeature] = features.map_or(&[], Vec::as_slice);
    match features.iter().rev().find_map(of_feature) {
        Some(source) => source,
        None if features.contains(&AwsCredentialFeature::CredentialsProfile) => {
            "the shared AWS files (profile)"
        }
        None => "a source that the SDK does not name",
    }
}

fn of_feature(feature: &AwsCredentialFeature) -> Option<&'static str> {
    use AwsCredentialFeature as Of;
    Some(match feature {
        Of::CredentialsEnvVars => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        Of::CredentialsEnvVarsStsWebIdToken | Of::CredentialsStsAssumeRoleWebId => {
            "a web identity token (AWS_WEB_IDENTITY_TOKEN_FILE)"
        }
        Of::CredentialsProfileStsWebIdToken => "a web identity token of the profile",
        Of::CredentialsProfileSso | Of::CredentialsSso => "IAM Identity Center (SSO)",
        Of::CredentialsProfileProcess | Of::CredentialsProcess => {
            "the credential_process of the profile"
        }
        Of::CredentialsHttp => "the container or the URL in AWS_CONTAINER_CREDENTIALS_FULL_URI",
        Of::CredentialsImds => "the instance metadata (IMDS)",
        Of::CredentialsProfileLogin | Of::CredentialsLogin => "`aws login`",
        Of::CredentialsStsAssumeRole | Of::CredentialsProfileSourceProfile => {
            "a role that the profile assumes"
        }
        _ => return None,
    })
}

/// The alias of the account; `None` if it has none, or it cannot be read.
pub(crate) async fn account_alias(clients: &Clients) -> Option<String> {
    let answer = clients.iam.list_account_aliases().send().await.ok()?;
    answer.account_aliases().first().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_is_that_of_the_last_link_of_a_chain() {
        let of = |features: &[AwsCredentialFeature]| {
            let mut credentials = Credentials::new("id", "secret", None, None, "test");
            credentials.set_property(features.to_vec());
            source(&credentials)
        };
        use AwsCredentialFeature as Of;
        assert_eq!(
            of(&[Of::CredentialsEnvVars]),
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        );
        assert_eq!(
            of(&[Of::CredentialsProfile, Of::CredentialsStsAssumeRole]),
            "a role that the profile assumes"
        );
        assert_eq!(
            of(&[Of::CredentialsProcess, Of::CredentialsProfile]),
            "the credential_process of the profile"
        );
        assert_eq!(
            of(&[Of::CredentialsProfile]),
            "the shared AWS files (profile)"
        );
        assert_eq!(
            of(&[Of::ResolvedAccountId]),
            "a source that the SDK does not name"
        );
    }

    #[test]
    fn expired_session_is_told_from_missing_credentials() {
        let kind = |error: CredentialsError| match failed(&error) {
            CallerError::Aws(error) => error.kind,
            other => panic!("{other}"),
        };
        assert_eq!(
            kind(CredentialsError::provider_error(
                "the SSO token has expired"
            )),
            ServiceErrorKind::Expired
        );
        assert_eq!(
            kind(CredentialsError::not_loaded("nothing in the environment")),
            ServiceErrorKind::Credentials
        );
    }
}
