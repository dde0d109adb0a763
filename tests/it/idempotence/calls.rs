//! A first run and a second one.

use super::World;
use crate::support::{
    backend::{Backend, said},
    recorder::Call,
    user::User,
};

#[tokio::test]
async fn a_second_run_writes_nothing() {
    let world =
        World::new("--lock both --alarm-email ops@example.com --attach-to user/terraform").await;
    User::make(&world.emulator, "terraform").await;
    let first = world.bootstrap().await;
    let second = world.bootstrap().await;
    assert_eq!(
        second
            .iter()
            .filter(|call| call.is_write())
            .collect::<Vec<_>>(),
        Vec::<&Call>::new()
    );

    let account = world.emulator.account();
    for call in first
        .iter()
        .chain(&second)
        .filter(|call| call.service == "s3" && call.operation != "CreateBucket")
    {
        assert_eq!(
            call.expected_owner.as_deref(),
            Some(account),
            "{}",
            call.operation
        );
    }
}

#[tokio::test]
async fn the_built_program_has_nothing_to_do_the_second_time() {
    let backend = Backend::make(&["--lock", "both", "--alarm-email", "ops@example.com"]).await;
    let again = backend.bootstrap();
    assert!(
        again.status.success()
            && said(&again).contains("nothing to do, the backend matches its settings"),
        "{}",
        said(&again)
    );
}
