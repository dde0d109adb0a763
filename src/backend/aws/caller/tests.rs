//! Who is calling, and where that is refused.

use super::*;
use crate::backend::aws::testing::{ACCOUNT, ScriptedAnswer, ScriptedServer, error, text};

fn identity(arn: &str) -> ScriptedAnswer {
    text(format!(
        "<Arn>{arn}</Arn><UserId>AIDA</UserId><Account>{ACCOUNT}</Account>"
    ))
}

async fn ask(answer: ScriptedAnswer) -> Result<Caller, CallerError> {
    Caller::ask(
        &ScriptedServer::new()
            .on("GetCallerIdentity", answer)
            .aws()
            .clients,
    )
    .await
}

#[tokio::test]
async fn account_and_partition_are_those_of_the_credentials() {
    for (arn, partition) in [
        (format!("arn:aws:iam::{ACCOUNT}:user/me"), "aws"),
        (
            format!("arn:aws-cn:sts::{ACCOUNT}:assumed-role/admin/me"),
            "aws-cn",
        ),
        (format!("arn:aws-us-gov:iam::{ACCOUNT}:root"), "aws-us-gov"),
    ] {
        let caller = ask(identity(&arn)).await.unwrap();
        assert_eq!(
            caller,
            Caller {
                account: ACCOUNT.to_owned(),
                partition: partition.to_owned(),
                arn
            }
        );
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_no_caller() {
    for answer in [
        identity(""),
        identity("me"),
        text(format!("<Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn>")),
    ] {
        assert!(matches!(ask(answer).await, Err(CallerError::Nonsense(_))));
    }
    let Err(CallerError::Aws(error)) = ask(error(403, "InvalidClientTokenId")).await else {
        panic!("refused")
    };
    assert_eq!(
        error.kind,
        crate::backend::aws::error::ServiceErrorKind::Credentials
    );
}

#[test]
fn nothing_is_done_elsewhere() {
    let caller = Caller {
        account: ACCOUNT.to_owned(),
        partition: "aws".to_owned(),
        arn: String::new(),
    };
    caller.must_be(None, "eu-west-1", "aws").unwrap();
    caller.must_be(Some(ACCOUNT), "eu-west-1", "aws").unwrap();
    assert!(matches!(
        caller.must_be(Some("999999999999"), "eu-west-1", "aws"),
        Err(CallerError::WrongAccount { .. })
    ));
    assert!(matches!(
        caller.must_be(Some(ACCOUNT), "cn-north-1", "aws-cn"),
        Err(CallerError::WrongPartition { .. })
    ));
}
