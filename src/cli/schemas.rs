//! The JSON Schema of each document that a command prints with `--output json`.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use super::{
    config::{ConfigDocument, InitDocument},
    failure::FailureDocument,
    here::FolderDocument,
    local::{
        bootstrap::LocalBootstrapDocument,
        teardown::{LocalTeardownDocument, PlanOfTeardown},
    },
    lock::outcome::LockReleaseDocument,
    render::RenderDocument,
    sandbox::SandboxDocument,
    state::{backup::StateBackupDocument, pull::PullDocument},
    summary::BootstrapDocument,
    teardown::{cancel::CancelledDeletion, report::TakenDownDocument, show::TeardownDocument},
    verify::AllDocument,
    version::VersionDocument,
};
use crate::report::{
    check::StateCheckDocument,
    findings::document::VerifyDocument,
    json::{NotedDocument, VersionedDocument},
    locks::{LocksDocument, ShownDocument},
    migration::MigrationDocument,
    plan::document::PlanDocument,
    progress::json::EventDocument,
    restore::RestoreDocument,
    self_check::SelfCheckDocument,
    state_move::StateMoveDocument,
    states::{
        diff::DiffDocument, list::ListDocument, show::ShowDocument, versions::VersionsDocument,
    },
    stored_locks::{ReleasedLocksDocument, ShownLockDocument, StoredLocksDocument},
};

/// A document whose form depends on the backend kind, or a line of several forms.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "describes the forms of a document")]
enum EitherDocument<A, B> {
    First(A),
    Second(B),
}

type BackendDocument<T> = NotedDocument<'static, T>;

/// Returns the schemas, each with the name of its file in `docs/reference/schema`.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("plan", of::<PlanDocument>("A plan: `plan`")),
        (
            "bootstrap",
            of::<
                EitherDocument<
                    EventDocument,
                    EitherDocument<BootstrapDocument<'_>, LocalBootstrapDocument<'_>>,
                >,
            >("A line of `bootstrap`: an event, or the result"),
        ),
        (
            "teardown-plan",
            of::<EitherDocument<TeardownDocument, PlanOfTeardown>>(
                "A plan of a teardown: `teardown --plan`",
            ),
        ),
        (
            "teardown",
            of::<
                EitherDocument<
                    EventDocument,
                    EitherDocument<
                        TakenDownDocument<'_>,
                        EitherDocument<LocalTeardownDocument<'_>, CancelledDeletion<'_>>,
                    >,
                >,
            >("A line of `teardown`: an event, or the result"),
        ),
        (
            "folder",
            of::<FolderDocument>("What is in a folder: `tfbackend` without a command"),
        ),
        ("verify", of::<VerifyDocument>("A verification: `verify`")),
        (
            "verify-all",
            of::<AllDocument>("The verifications of all environments: `verify --all`"),
        ),
        ("render", of::<RenderDocument>("The files: `render`")),
        (
            "config-show",
            of::<ConfigDocument>("The settings of an environment: `config show`"),
        ),
        (
            "config-init",
            of::<InitDocument>("A new environment: `config init`"),
        ),
        ("state-list", of::<ListDocument>("The states: `state list`")),
        ("state-show", of::<ShowDocument>("A state: `state show`")),
        (
            "state-diff",
            of::<DiffDocument>("Two versions of a state: `state diff`"),
        ),
        (
            "state-versions",
            of::<VersionsDocument>("The versions of a state: `state versions`"),
        ),
        (
            "state-check",
            of::<BackendDocument<StateCheckDocument>>("The problems of the states: `state check`"),
        ),
        (
            "state-restore",
            of::<BackendDocument<RestoreDocument>>("A restored state: `state restore`"),
        ),
        (
            "state-pull",
            of::<PullDocument>("A downloaded state: `state pull --out`"),
        ),
        (
            "state-backup",
            of::<StateBackupDocument>("A backup of the states: `state backup`"),
        ),
        (
            "lock-list",
            of::<BackendDocument<EitherDocument<LocksDocument, StoredLocksDocument>>>(
                "The locks: `lock list`",
            ),
        ),
        (
            "lock-show",
            of::<BackendDocument<EitherDocument<ShownDocument, ShownLockDocument>>>(
                "The locks of a state: `lock show`",
            ),
        ),
        (
            "lock-release",
            of::<BackendDocument<EitherDocument<LockReleaseDocument<'_>, ReleasedLocksDocument>>>(
                "Released locks: `lock release`",
            ),
        ),
        (
            "lock-migrate",
            of::<BackendDocument<MigrationDocument>>(
                "A migration of the lock mechanism: `lock migrate`",
            ),
        ),
        (
            "migrate",
            of::<StateMoveDocument>("A migration of states: `migrate`"),
        ),
        (
            "sandbox",
            of::<SandboxDocument>("The sandbox: `sandbox up`, `status` and `down`"),
        ),
        (
            "version",
            of::<VersionDocument>("The build of the program: `version`"),
        ),
        (
            "self-check",
            of::<SelfCheckDocument>("The checks of the machine: `self-check`"),
        ),
        ("error", of::<FailureDocument>("A failure of any command")),
    ]
}

/// Fields that a command may leave out are optional; all others are required.
fn of<T: JsonSchema>(title: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<VersionedDocument<T>>();
    schema.insert("title".to_owned(), title.into());
    schema.remove("description");
    schema.to_value()
}
