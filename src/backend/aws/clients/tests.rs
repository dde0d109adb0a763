//! Connections: nothing in the clear, and no profile that the SDK would pass over in silence.

use super::*;

/// 256 MiB, which is the largest state, at 1 Mbit/s.
#[test]
fn a_large_upload_has_time_for_its_bytes() {
    let of = |bytes| {
        let timeouts = upload_timeouts(bytes);
        (
            timeouts.operation_attempt_timeout().unwrap().as_secs(),
            timeouts.operation_timeout().unwrap().as_secs(),
        )
    };
    assert_eq!(
        [of(0), of(1 << 20), of(256 << 20)],
        [(30, 120), (38, 136), (2078, 4216)]
    );
}
use crate::backend::aws::testing::ScriptedServer;

async fn with(
    connection: ConnectionOptions,
    vars: &[(&str, &str)],
) -> Result<SdkConfig, ConnectError> {
    let get = |name: &str| {
        vars.iter()
            .find(|(var, _)| *var == name)
            .map(|(_, value)| (*value).to_owned())
    };
    connect(
        &connection,
        SharedHttpClient::new(ScriptedServer::new()),
        &get,
    )
    .await
}

#[tokio::test]
async fn plain_http_elsewhere_is_refused_wherever_it_was_said() {
    let connection = || ConnectionOptions {
        region: Some("eu-west-1".to_owned()),
        ..ConnectionOptions::default()
    };
    const PLAIN: &str = "http://s3.example.com";
    let said = ConnectionOptions {
        endpoint_url: Some(PLAIN.to_owned()),
        ..connection()
    };
    assert!(matches!(with(said, &[]).await, Err(ConnectError::PlainHttp { url }) if url == PLAIN));
    for var in [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_S3_CONTROL",
        "AWS_ENDPOINT_URL_SSO",
        "AWS_ENDPOINT_URL_SSO_OIDC",
        "AWS_ENDPOINT_URL_KMS",
        "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL_IAM",
        "AWS_ENDPOINT_URL_SNS",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_ENDPOINT_URL_CLOUDTRAIL",
        "AWS_ENDPOINT_URL_CLOUDWATCH",
    ] {
        assert!(
            matches!(
                with(connection(), &[(var, PLAIN)]).await,
                Err(ConnectError::PlainHttp { .. })
            ),
            "{var}"
        );
    }
    for secret in [
        "http://u:hunter2@127.0.0.1:1",
        "https://u:hunter2@example.com",
        "u:hunter2@x",
    ] {
        let error = with(connection(), &[("AWS_ENDPOINT_URL_S3", secret)])
            .await
            .unwrap_err();
        assert!(matches!(error, ConnectError::UserInfo), "{secret}");
        assert!(!error.to_string().contains("hunter2"));
    }
    let local = ConnectionOptions {
        endpoint_url: Some("http://127.0.0.1:4566".to_owned()),
        ..connection()
    };
    assert_eq!(
        with(local, &[]).await.unwrap().endpoint_url(),
        Some("http://127.0.0.1:4566")
    );
}

const CONFIG: &str = "
[default]
region = eu-west-1
[profile plain]
region = eu-west-1
[profile role]
role_arn = arn:aws:iam::111122223333:role/admin
source_profile = plain
[profile mfa]
role_arn = arn:aws:iam::111122223333:role/admin
mfa_serial = arn:aws:iam::111122223333:mfa/me
source_profile = plain
[profile through]
role_arn = arn:aws:iam::111122223333:role/other
source_profile = mfa
[profile round]
role_arn = arn:aws:iam::111122223333:role/other
source_profile = round
[profile serial-alone]
mfa_serial = arn:aws:iam::111122223333:mfa/me
";

async fn checked(name: &str) -> Result<(), ConnectError> {
    let files = Fs::from_slice(&[
        ("/config", CONFIG),
        (
            "/credentials",
            "[keys]\naws_access_key_id = a\naws_secret_access_key = b\n",
        ),
    ]);
    let env = Env::from_slice(&[
        ("AWS_CONFIG_FILE", "/config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/credentials"),
    ]);
    check_profile(name, &files, &env).await
}

#[tokio::test]
async fn profiles() {
    for name in ["default", "plain", "role", "keys", "round", "serial-alone"] {
        checked(name)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let Err(ConnectError::NoProfile { name, known }) = checked("typo").await else {
        panic!("there is none")
    };
    assert_eq!(name, "typo");
    assert!(
        known.iter().any(|name| name == "plain") && known.iter().any(|name| name == "keys"),
        "{known:?}"
    );
    // What the SDK leaves out is said, also where it is asked for on the way.
    for name in ["mfa", "through"] {
        assert!(
            matches!(checked(name).await, Err(ConnectError::MfaProfile { name }) if name == "mfa"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_broken_configuration_file_is_an_error() {
    let env = Env::from_slice(&[
        ("AWS_CONFIG_FILE", "/config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/none"),
    ]);
    let broken = check_profile(
        "default",
        &Fs::from_slice(&[("/config", "[default\nregion")]),
        &env,
    )
    .await;
    assert!(
        matches!(broken, Err(ConnectError::Profiles(_))),
        "{broken:?}"
    );
}
