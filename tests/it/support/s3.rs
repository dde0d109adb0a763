//! An S3 client for a test that looks into a sandbox or an emulator.

use std::fs;

use aws_sdk_s3::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::CreateBucketConfiguration,
};
use tfbackend::{
    backend::aws::http::{self, ProxyPolicy},
    sandbox::RunningSandbox,
};

/// As the administrator, over the program's own HTTP client.
pub(crate) fn client(running: &RunningSandbox) -> Client {
    let file = fs::read_to_string(&running.credentials_file).expect("credentials");
    let value = |name: &str| {
        file.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))
            .expect("a credential")
    };
    let ca = fs::read(&running.ca_file).expect("a CA");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        // In the others a bucket needs a location constraint.
        .region(Region::new("us-east-1"))
        .endpoint_url(&running.endpoint)
        .credentials_provider(Credentials::new(
            value("aws_access_key_id"),
            value("aws_secret_access_key"),
            None,
            None,
            "test",
        ))
        .http_client(http::http_client(Some(&ca), ProxyPolicy::Direct).expect("a client"));
    Client::from_conf(config.build())
}

/// A bucket in the emulator's region, which only us-east-1 takes without its name.
pub(crate) async fn make(s3: &Client, bucket: &str, region: &str) {
    let configuration = CreateBucketConfiguration::builder()
        .location_constraint(region.into())
        .build();
    s3.create_bucket()
        .bucket(bucket)
        .create_bucket_configuration(configuration)
        .send()
        .await
        .expect("a bucket");
}
