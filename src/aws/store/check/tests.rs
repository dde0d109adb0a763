//! What is a fault, and what nobody can say.

use serde_json::json;

use super::*;
use crate::{
    aws::{
        store::StoreAddress,
        testing::{ACCOUNT, KEY_ARN, Script, data, empty, error, text},
    },
    state::layout::Layout,
};

const LIST: &str = "GET ?list-type=2&encoding-type=url";

fn address() -> StoreAddress {
    StoreAddress {
        bucket: "states".to_owned(),
        owner: ACCOUNT.to_owned(),
        table: Some("locks".to_owned()),
        layout: Layout { key: None, workspace_prefix: "env:".to_owned() },
    }
}

async fn checked(script: &Script) -> Checked {
    let (aws, address) = (script.aws(), address());
    Store::new(&aws, &address).check(None, &Should { key: None, encrypt: &Encrypt::OfS3 }).await
}

#[test]
fn what_is_better_than_was_asked_for_is_no_fault() {
    let kms = Encrypt::Kms(KEY_ARN.to_owned());
    let is = |algorithm: Option<&str>, key: Option<&str>| Encryption {
        algorithm: algorithm.map(str::to_owned),
        key: key.map(str::to_owned),
        bucket_key: false,
    };
    let ours = is(Some("aws:kms"), Some(KEY_ARN));
    let theirs = is(Some("aws:kms"), Some("arn:aws:kms:eu-west-1:111122223333:key/other"));
    let of_s3 = is(Some("AES256"), None);
    for (encrypt, key, state, fits) in [
        (&kms, Some(KEY_ARN), &ours, true),
        (&kms, Some(KEY_ARN), &theirs, false),
        (&kms, Some(KEY_ARN), &of_s3, false),
        (&kms, None, &of_s3, true),
        (&Encrypt::OfS3, None, &ours, true),
        (&Encrypt::OfS3, None, &is(None, None), false),
        (&Encrypt::Unsaid, None, &is(None, None), true),
    ] {
        assert_eq!(Should { key, encrypt }.is(state), fits, "{encrypt:?} {key:?} {state:?}");
    }
}

/// Nothing is a fault of a state only because its bucket or its table could not be looked at.
#[tokio::test]
async fn what_could_not_be_looked_at_is_said() {
    let none = || data(json!({"Items": []}));
    let broken = checked(&Script::new().always("Scan", none()).always(LIST, error(403, "AccessDenied"))).await;
    assert_eq!((broken.states, broken.faults.len(), broken.unseen.len()), (0, 0, 1), "{broken:?}");
    assert!(broken.unseen[0].contains("s3:ListBucket"), "{broken:?}");

    let listing =
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a.tfstate</Key><Size>3</Size></Contents></ListBucketResult>";
    let head = empty().header("etag", "\"e\"").header("x-amz-server-side-encryption", "AES256");
    let no_table =
        Script::new().always("Scan", error(400, "ResourceNotFoundException")).always(LIST, text(listing)).always("HEAD", head.clone());
    let no_table = checked(&no_table).await;
    assert_eq!((no_table.states, no_table.faults.len(), no_table.unseen.len()), (1, 0, 1), "{no_table:?}");

    // A state that may not be read: its MD5 is not its ETag.
    let item = json!({"Items": [{"LockID": {"S": "states/a.tfstate-md5"}, "Digest": {"S": "d"}}]});
    let denied = Script::new().always("Scan", data(item)).always(LIST, text(listing)).always("HEAD", head);
    let denied = checked(&denied.always("GET ?x-id=GetObject", error(403, "AccessDenied"))).await;
    assert_eq!(denied.faults.iter().map(|fault| fault.what.name()).collect::<Vec<_>>(), ["unread"], "{denied:?}");
    assert!(!denied.faults[0].what.can_be_repaired());
}
