//! A lock that we take is one of Terraform's own kind for it, and the other way round.

use jiff::Timestamp;
use tfbackend::{
    backend::aws::store::{
        S3Store,
        lock_acquire::{AcquireError, LockMechanisms},
        scan::LockPlace,
        write::{ConditionalDelete, WriteEncryption},
    },
    host::user::who,
    settings::layer::LockMechanism,
};

use super::{
    running::{HEAD, Holder, apply, initialized, nothing_to_change},
    usage::{TABLE, address},
};
use crate::support::{aws::aws, backend::said};

const PATH: &str = "terraform.tfstate";

#[tokio::test]
async fn a_lock_of_ours_keeps_terraform_out_and_terraforms_is_released() {
    let backend = initialized(&["--lock", "both"]).await;
    apply(&backend, &[]);
    let (aws, address) = (
        aws(&backend.emulator).await,
        address(&backend, LockMechanism::Both),
    );
    let store = S3Store::new(&aws, &address);
    let encrypt = WriteEncryption::Kms(backend.conf("kms_key_id"));
    let info = store.lock_info(
        PATH,
        "tfbackend state restore",
        "<ops>@\"home\"",
        Timestamp::now(),
    );

    // Ours, in both places.
    let hold = store
        .acquire(
            PATH,
            LockMechanisms::from(LockMechanism::Both),
            &info,
            &encrypt,
        )
        .await
        .expect("it is free");
    let head = backend
        .emulator
        .python(HEAD, &[&backend.conf("bucket"), "terraform.tfstate.tflock"]);
    assert_eq!(
        head,
        format!(
            "terraform.tfstate.tflock aws:kms {} 1 parts False\n",
            backend.conf("kms_key_id")
        )
    );
    let refused = backend.terraform(&["plan"]);
    let (id, path) = (&info.id, &info.path);
    assert!(!refused.status.success(), "{}", said(&refused));
    for field in [
        &format!("ID:        {id}"),
        &format!("Path:      {path}"),
        "Operation: tfbackend state restore",
        "Who:       <ops>@\"home\"",
        &format!("Version:   {}", env!("CARGO_PKG_VERSION")),
        "Created:   20",
    ] {
        assert!(
            said(&refused).contains(field),
            "{field}: {}",
            said(&refused)
        );
    }
    let second = store.lock_info(PATH, "another", "me@here", Timestamp::now());
    let Err(AcquireError::Held { by, left }) = store
        .acquire(
            PATH,
            LockMechanisms {
                table: true,
                file: false,
            },
            &second,
            &encrypt,
        )
        .await
    else {
        panic!("it is held")
    };
    assert!(
        left.is_empty() && by.halves().count() == 2 && by.info() == Some(&info),
        "{by:?} {left:?}"
    );
    backend.terraform_ok(&["force-unlock", "-force", id]);
    let (now, unread) = store.lock_on(PATH).await;
    assert!(unread.is_empty(), "{unread:?}");
    assert_eq!((&now.item, &now.file), (&LockPlace::Free, &LockPlace::Free));
    let released = store.release(&hold.lock).await;
    assert!(
        matches!(
            (&released.file, &released.item),
            (
                Some(Ok(ConditionalDelete::AlreadyGone)),
                Some(Ok(ConditionalDelete::AlreadyGone))
            )
        ),
        "{released:?}"
    );
    nothing_to_change(&backend, &[]);

    // Terraform's, which the program that held it will miss, and the next one will not.
    let mut holder = Holder::start(&backend);
    let (lock, _) = store.lock_on(PATH).await;
    let refused = backend.terraform(&["plan"]);
    let theirs = lock.info().expect("a lock").clone();
    assert!(
        said(&refused).contains(&format!("ID:        {}", theirs.id)),
        "{}",
        said(&refused)
    );
    assert_eq!(
        (lock.halves().count(), lock.is_of_two(), &*theirs.who),
        (2, false, &*who()),
        "we say who we are as Terraform does"
    );
    assert_eq!(
        lock.halves().next().map(|held| held.raw.clone()),
        Some(theirs.to_go_json()),
        "byte for byte"
    );
    let Err(AcquireError::Held { by, .. }) = store
        .acquire(
            PATH,
            LockMechanisms {
                table: true,
                file: true,
            },
            &second,
            &encrypt,
        )
        .await
    else {
        panic!("it is held")
    };
    assert_eq!(by.info(), Some(&theirs));
    let released = store.release(&lock).await;
    assert!(
        matches!(
            (&released.file, &released.item),
            (
                Some(Ok(ConditionalDelete::Done)),
                Some(Ok(ConditionalDelete::Done))
            )
        ),
        "{released:?}"
    );
    backend.terraform_ok(&["plan"]);
    let missed = holder.finish();
    assert!(
        !missed.status.success() && said(&missed).contains("Error releasing the state lock"),
        "{}",
        said(&missed)
    );
    let left = backend.emulator.python(
        "tests/it/terraform/locks.py",
        &[&backend.conf("bucket"), TABLE],
    );
    assert_eq!(left, "");
}
