//! An IAM user of a test's own, who may do what the test says and no more.

use std::collections::BTreeMap;

use aws_sdk_iam::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
};
use serde_json::{Value, json};

use super::{aws::http_client, emulator::Emulator, program::Place};

pub(crate) struct User {
    name: String,
    /// Access key id and secret.
    keys: (String, String),
    /// As the administrator.
    iam: Client,
}

impl User {
    /// One who may do nothing yet.
    pub(crate) async fn make(emulator: &Emulator, name: &str) -> Self {
        let iam = iam(emulator);
        iam.create_user()
            .user_name(name)
            .send()
            .await
            .expect("a user");
        let made = iam
            .create_access_key()
            .user_name(name)
            .send()
            .await
            .expect("a key")
            .access_key
            .expect("a key");
        Self {
            name: name.to_owned(),
            keys: (made.access_key_id, made.secret_access_key),
            iam,
        }
    }

    /// Whatever runs in this environment, runs as this user.
    pub(crate) fn works_in(&self, vars: &mut BTreeMap<String, String>) {
        vars.remove("AWS_SHARED_CREDENTIALS_FILE");
        vars.insert("AWS_ACCESS_KEY_ID".to_owned(), self.keys.0.clone());
        vars.insert("AWS_SECRET_ACCESS_KEY".to_owned(), self.keys.1.clone());
    }

    /// A place in which this user works.
    pub(crate) fn place(&self, emulator: &Emulator) -> Place {
        let mut place = Place::with(emulator);
        self.works_in(&mut place.vars);
        place
    }

    /// What these statements say, instead of what was allowed before.
    pub(crate) async fn may(&self, statements: &Value) {
        self.has_policy(&json!({ "Version": "2012-10-17", "Statement": statements }))
            .await;
    }

    /// The same as a whole document.
    pub(crate) async fn has_policy(&self, document: &Value) {
        let put = self
            .iam
            .put_user_policy()
            .user_name(&self.name)
            .policy_name("all")
            .policy_document(document.to_string());
        put.send().await.expect("a policy");
    }

    pub(crate) async fn may_only(&self, actions: &[&str]) {
        self.may(&json!({ "Effect": "Allow", "Action": actions, "Resource": "*" }))
            .await;
    }

    pub(crate) async fn may_all_but(&self, action: &str) {
        let all = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
        self.may(&json!([all, { "Effect": "Deny", "Action": action, "Resource": "*" }]))
            .await;
    }
}

fn iam(emulator: &Emulator) -> Client {
    let (id, secret) = emulator.credentials();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(emulator.region().to_owned()))
        .endpoint_url(emulator.endpoint())
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .http_client(http_client(emulator));
    Client::from_conf(config.build())
}
