//! The alias: made once, never pointed elsewhere.

use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::aws::testing::{Answer, KEY_ARN, Script, absent_only_by, data, empty, error, look, retried_on};

fn alias() -> Alias {
    Alias { name: "alias/acme".to_owned(), key: KEY_ARN.to_owned() }
}

fn leads_to(arn: &str) -> Answer {
    data(json!({"KeyMetadata": { "KeyId": "id", "Arn": arn }}))
}

#[tokio::test]
async fn present_absent_and_made() {
    let script = Script::new().on("DescribeKey", leads_to(KEY_ARN));
    assert_eq!(look(&script, &alias()).await.unwrap().unwrap().spec, alias());
    assert_eq!(script.sent(), r#"DescribeKey {"KeyId":"alias/acme"}"#);
    absent_only_by(&alias(), "DescribeKey", &["NotFoundException"], |script| script).await;
    let script = Script::new().on("CreateAlias", empty());
    alias().write(&script.aws(), None).await.unwrap();
    assert_snapshot!(script.sent(), @r#"CreateAlias {"AliasName":"alias/acme","TargetKeyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}"#);
    retried_on(&alias(), None, "CreateAlias", &["NotFoundException"], |script| script.always("CreateAlias", empty())).await;
}

#[tokio::test]
async fn an_alias_that_exists_by_now_is_success_if_it_leads_to_the_key() {
    let taken = || Script::new().on("CreateAlias", error(400, "AlreadyExistsException"));
    alias().write(&taken().on("DescribeKey", leads_to(KEY_ARN)).aws(), None).await.unwrap();
    let error = alias().write(&taken().on("DescribeKey", leads_to("arn:other")).aws(), None).await.unwrap_err();
    assert!(error.is(&["AlreadyExistsException"]));
}

#[test]
fn an_alias_of_another_key_blocks() {
    assert_eq!(alias().blocked_by(&alias()), None);
    let why = alias().blocked_by(&Alias { key: "arn:other".to_owned(), ..alias() }).unwrap();
    assert!(why.contains("arn:other"), "{why}");
}
