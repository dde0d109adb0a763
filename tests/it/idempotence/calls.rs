//! Every call of a first run and of a second one, which is what `docs/calls.md` lists.

use std::{env, fs, path::Path};

use super::{World, counted};
use crate::support::{
    backend::{Backend, said},
    recorder::Call,
    user::User,
};

#[tokio::test]
async fn a_second_run_writes_nothing() {
    let world = World::new("--lock both --alarm-email ops@example.com --attach-to user/terraform").await;
    User::make(&world.emulator, "terraform").await;
    let first = world.bootstrap().await;
    let second = world.bootstrap().await;
    assert_eq!(second.iter().filter(|call| call.is_write()).collect::<Vec<_>>(), Vec::<&Call>::new());

    let account = world.emulator.account();
    for call in first.iter().chain(&second).filter(|call| call.service == "s3" && call.operation != "CreateBucket") {
        assert_eq!(call.expected_owner.as_deref(), Some(account), "{}", call.operation);
    }
    must_be_documented(&first, &second);
}

#[tokio::test]
async fn the_built_program_has_nothing_to_do_the_second_time() {
    let backend = Backend::make(&["--lock", "both", "--alarm-email", "ops@example.com"]).await;
    let again = backend.bootstrap();
    assert!(again.status.success() && said(&again).contains("nothing to do, everything is as it should be"), "{}", said(&again));
}

fn must_be_documented(first: &[Call], second: &[Call]) {
    let writes: Vec<Call> = first.iter().filter(|call| call.is_write()).cloned().collect();
    let reads: Vec<Call> = first.iter().filter(|call| !call.is_write()).cloned().collect();
    let page = format!("{HEAD}{}{FIRST_READS}{}{SECOND}{}", table(&writes), table(&reads), table(second));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/calls.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/calls.md is not what the program calls; run the tests with UPDATE_DOCS=1. It calls:\n{page}");
}

fn table(calls: &[Call]) -> String {
    let mut table = String::from("| operation | times | IAM action |\n| --- | --- | --- |\n");
    for (call, times) in counted(calls) {
        // Everybody may ask who they are.
        let action = if call.service == "sts" { "none needed".to_owned() } else { format!("`{}`", call.action()) };
        table.push_str(&format!("| {} {} | {times} | {action} |\n", call.service, call.operation));
    }
    table
}

const HEAD: &str = "\
<!-- Made from what the program calls, by a test; run the tests with UPDATE_DOCS=1 to write it again. -->
# What tfbackend calls

Counted on an empty account, with the defaults, `--lock both`, one e-mail address for the alarms and one principal to attach
the policy to. Options that leave something out leave out its calls. Each S3 call but `CreateBucket` carries
`x-amz-expected-bucket-owner`, so that a bucket of another account is never touched. The action is the one that IAM knows the
call by; what is made with its tags in the same call needs the service's action for tagging as well.

## Writes of a first `bootstrap`

";

const FIRST_READS: &str = "
## Reads of a first `bootstrap`

`tfbackend plan` makes the same reads, but for the one that waits for the table, and no writes. After the writes, `bootstrap` looks at everything once more.

";

const SECOND: &str = "
## A `bootstrap` with nothing to do

Reads only. A repair is these reads, the one write for each setting that differs, and these reads again.

";
