//! What the runner cannot do, and what nobody can, administrators included.

use insta::assert_snapshot;

use super::running::{apply, initialized};
use crate::support::backend::Backend;

const TRY: &str = "tests/it/terraform/try.py";

/// What comes of each attempt, as the runner and then as the administrator.
fn attempts(backend: &Backend) -> String {
    let plain = backend.emulator.plain_endpoint();
    let conf =
        ["bucket", "dynamodb_table", "kms_key_id", "key"].map(|argument| backend.conf(argument));
    let args = [conf.each_ref().map(String::as_str).as_slice(), &[&plain]].concat();
    let runner = backend.python_as_runner(TRY, &args);
    let admin = backend.emulator.python(TRY, &args);
    assert_eq!(
        runner.lines().count(),
        admin.lines().count(),
        "{runner}{admin}"
    );
    let rows = runner.lines().zip(admin.lines()).map(|(runner, admin)| {
        let ((what, runner), (again, admin)) = (
            runner.split_once(": ").expect("two parts"),
            admin.split_once(": ").expect("two parts"),
        );
        assert_eq!(what, again);
        format!("{what:<42} {runner:<24} {admin}\n")
    });
    rows.collect()
}

#[tokio::test]
async fn threat_21_the_runner_can_run_terraform_and_no_principal_can_destroy() {
    let backend = initialized(&["--lock", "both"]).await;
    apply(&backend, &[]);
    backend.emulator.python(
        "tests/it/terraform/foreign_item.py",
        &[&backend.conf("dynamodb_table")],
    );
    assert_snapshot!(attempts(&backend), @r"
    read the state                             done                     done
    write the state as Terraform does          done                     done
    write the state, with no word of encryption done                     done
    write it with SSE-S3                       AccessDenied             AccessDenied
    write it with another key                  AccessDenied             AccessDenied
    write it with a key of one's own           AccessDenied             AccessDenied
    begin to upload it with SSE-S3             AccessDenied             AccessDenied
    encrypted with                             our key                  our key
    take a lock                                done                     done
    take it again                              PreconditionFailed       PreconditionFailed
    overwrite it                               AccessDenied             AccessDenied
    release it                                 done                     done
    read the state without TLS                 AccessDenied             AccessDenied
    write the state without TLS                AccessDenied             AccessDenied
    list the bucket without TLS                AccessDenied             AccessDenied
    read an old version                        AccessDenied             done
    list old versions                          AccessDenied             done
    delete a version                           AccessDenied             AccessDenied
    delete the bucket                          AccessDenied             AccessDenied
    delete the default state                   AccessDenied             done
    delete a workspace's state                 done                     done
    read the bucket's policy                   AccessDenied             done
    write the bucket's policy                  AccessDenied             done
    read the bucket's encryption               AccessDenied             done
    lock in the table                          done                     done
    lock it again                              ConditionalCheckFailed   ConditionalCheckFailed
    read the lock                              done                     done
    release the lock                           done                     done
    write an item about another bucket         AccessDenied             done
    read an item about another bucket          AccessDenied             done
    delete an item about another bucket        AccessDenied             done
    write one in a batch                       AccessDenied             done
    scan the table                             AccessDenied             done
    delete the table                           AccessDenied             Validation
    use the key without S3                     AccessDenied             done
    delete the key in 7 days                   AccessDenied             AccessDenied
    delete the key in 30 days                  AccessDenied             done
    take that back                             AccessDenied             done
    enable the key                             AccessDenied             done
    read the key's policy                      AccessDenied             done
    give oneself more                          AccessDenied             done
    suspend versioning                         AccessDenied             done
    shorten the history                        AccessDenied             done
    change the public access block             AccessDenied             done
    ");
}

/// An allow that somebody writes into the bucket's policy lets nobody in from outside.
#[tokio::test]
async fn principals_of_another_account_are_denied() {
    let backend = initialized(&[]).await;
    apply(&backend, &[]);
    let said = backend.emulator.python(
        "tests/it/terraform/strangers.py",
        &[&backend.conf("bucket"), &backend.conf("key")],
    );
    assert_snapshot!(said, @r"
    control list done
    control read done
    control write done
    control delete done
    ours list AccessDenied
    ours read 403
    ours write AccessDenied
    ours delete AccessDenied
    ");
}
