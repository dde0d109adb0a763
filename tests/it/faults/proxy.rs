//! The proxy itself: what a test says of it is what happens.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_smithy_types::{error::metadata::ProvideErrorMetadata, retry::RetryConfig};

use super::{bootstrap, world};
use crate::support::{
    aws,
    emulator::Emulator,
    proxy::{Client, Failure, Faults, Proxy, Reply, Stale, When, Which},
    s3,
};

/// The code of the error that the SDK reads, without trying again.
macro_rules! code {
    ($sdk:ident, $request:expr) => {{
        let once = $sdk::config::Config::builder().retry_config(RetryConfig::disabled());
        match $request.customize().config_override(once).send().await {
            Ok(_) => "done".to_owned(),
            Err(error) => error.code().unwrap_or("cut").to_owned(),
        }
    }};
}

/// S3, the two XML services, both versions of JSON, and CBOR.
#[tokio::test]
async fn each_failure_is_read_in_each_protocol() {
    let emulator = Emulator::start().await;
    let failure: Arc<Mutex<Option<Failure>>> = Arc::default();
    let now = Arc::clone(&failure);
    let proxy = Proxy::start(Some(&emulator), move |_, _| {
        now.lock()
            .expect("no panic")
            .map_or(Reply::Forward, Reply::Fail)
    });
    let clients = aws::at(&emulator, proxy.endpoint()).await.clients;
    let failures = [
        Failure::Internal,
        Failure::SlowDown,
        Failure::Throttling,
        Failure::RequestLimitExceeded,
        Failure::OperationAborted,
    ]
    .into_iter()
    .chain([
        Failure::ExpiredToken,
        Failure::AccessDenied,
        Failure::NotFound("NotThere"),
    ]);
    let mut lines = vec![];
    for one in failures {
        *failure.lock().expect("no panic") = Some(one);
        let codes = [
            code!(aws_sdk_s3, clients.s3.list_objects_v2().bucket("states")),
            code!(aws_sdk_iam, clients.iam.list_users()),
            code!(aws_sdk_sns, clients.sns.list_topics()),
            code!(aws_sdk_dynamodb, clients.dynamodb.list_tables()),
            code!(aws_sdk_kms, clients.kms.list_keys()),
            code!(aws_sdk_cloudtrail, clients.cloudtrail.describe_trails()),
            code!(aws_sdk_cloudwatch, clients.cloudwatch.describe_alarms()),
        ];
        lines.push(codes.join(" "));
    }
    insta::assert_snapshot!(lines.join("\n"), @"
    InternalError InternalError InternalError InternalServerError InternalServerError InternalServerError InternalServerError
    SlowDown SlowDown SlowDown SlowDown SlowDown SlowDown SlowDown
    ThrottlingException ThrottlingException ThrottlingException ThrottlingException ThrottlingException ThrottlingException ThrottlingException
    RequestLimitExceeded RequestLimitExceeded RequestLimitExceeded RequestLimitExceeded RequestLimitExceeded RequestLimitExceeded RequestLimitExceeded
    OperationAborted OperationAborted OperationAborted OperationAborted OperationAborted OperationAborted OperationAborted
    ExpiredToken ExpiredToken ExpiredToken ExpiredTokenException ExpiredTokenException ExpiredTokenException ExpiredTokenException
    AccessDenied AccessDenied AccessDenied AccessDeniedException AccessDeniedException AccessDeniedException AccessDeniedException
    NotThere NotThere NotThere NotThere NotThere NotThere NotThere
    ");
}

#[tokio::test]
async fn lost_before_it_was_done_or_after() {
    let emulator = Emulator::start().await;
    let faults = Faults::seeded(0)
        .rule("dynamodb:DeleteTable", Which::Nth(2), || {
            Reply::Cut(When::Before)
        })
        .rule("dynamodb:DeleteTable", Which::Nth(2), || {
            Reply::Cut(When::After)
        });
    let proxy = Proxy::with(&emulator, faults);
    let clients = aws::at(&emulator, proxy.endpoint()).await.clients;
    let delete = || async {
        code!(
            aws_sdk_dynamodb,
            clients.dynamodb.delete_table().table_name("locks")
        )
    };
    assert_eq!(
        delete().await,
        "ResourceNotFoundException",
        "the first is forwarded"
    );
    emulator.python("tests/it/faults/make_table.py", &["locks"]);
    assert_eq!(delete().await, "cut");
    assert_eq!(
        emulator.python("tests/it/support/inventory.py", &[]),
        "table locks\n",
        "nothing was done"
    );
    assert_eq!(
        delete().await,
        "cut",
        "the second of which the first rule has nothing to say"
    );
    assert_eq!(
        emulator.python("tests/it/support/inventory.py", &[]),
        "",
        "it was done"
    );
}

/// The seed decides, and nothing else does.
#[test]
fn a_share_is_that_of_its_seed() {
    let throttled = |seed: u64, share: u8| -> Vec<bool> {
        let faults = Faults::seeded(seed).rule("kms:", Which::Percent(share), || {
            Reply::Fail(Failure::Throttling)
        });
        let call = |service: &str| crate::support::recorder::Call {
            service: service.to_owned(),
            operation: "ListKeys".to_owned(),
            expected_owner: None,
        };
        assert!(
            matches!(faults.reply(&call("iam")), Reply::Forward),
            "it is about another service"
        );
        (0..1000)
            .map(|_| matches!(faults.reply(&call("kms")), Reply::Fail(_)))
            .collect()
    };
    assert_eq!(throttled(7, 30), throttled(7, 30));
    assert_ne!(throttled(7, 30), throttled(8, 30));
    assert!(
        (250..350).contains(
            &throttled(7, 30)
                .into_iter()
                .filter(|throttled| *throttled)
                .count()
        )
    );
    assert_eq!(throttled(7, 100), vec![true; 1000]);
    assert_eq!(throttled(7, 0), vec![false; 1000]);
}

#[tokio::test]
async fn what_is_late_or_stale_and_the_record_of_it() {
    const LATE: Duration = Duration::from_millis(400);
    let emulator = Emulator::start().await;
    let stale = Stale::lasting(Duration::from_secs(3600));
    let slow = Faults::seeded(0).rule("kms:ListKeys", Which::All, || {
        Reply::Delay(LATE, Box::new(Reply::Forward))
    });
    let proxy = Proxy::start(Some(&emulator), move |call, _| match stale.reply(call) {
        Reply::Forward => slow.reply(call),
        unseen => unseen,
    });
    let clients = aws::at(&emulator, proxy.endpoint()).await.clients;
    proxy.take();
    let list = || async { code!(aws_sdk_kms, clients.kms.list_keys()) };
    assert_eq!(
        tokio::join!(list(), list()),
        ("done".to_owned(), "done".to_owned())
    );
    let record = proxy.take_record();
    let [one, two] = &record[..] else {
        panic!("{record:?}")
    };
    let (first_end, second_end) = (one.end.expect("answered"), two.end.expect("answered"));
    assert!(
        first_end - one.start >= LATE && second_end - two.start >= LATE,
        "{record:?}"
    );
    assert!(two.start < first_end, "at the same time: {record:?}");

    let key = clients
        .kms
        .create_key()
        .send()
        .await
        .expect("a key")
        .key_metadata
        .expect("a key")
        .key_id;
    assert_eq!(
        code!(aws_sdk_kms, clients.kms.describe_key().key_id(&key)),
        "NotFoundException"
    );
    assert_eq!(proxy.take(), ["kms:CreateKey", "kms:DescribeKey"]);
    assert!(
        emulator
            .python("tests/it/support/inventory.py", &[])
            .contains("key Enabled"),
        "it is there all the same"
    );
}

/// As before the write, for so long after it; and another question is another one.
#[tokio::test]
async fn a_read_answers_what_it_answered_before_a_write() {
    const LASTS: Duration = Duration::from_secs(2);
    let emulator = Emulator::start().await;
    let proxy = Proxy::with(
        &emulator,
        Faults::seeded(0).rule("s3:GetBucketTagging", Which::All, || Reply::Stale(LASTS)),
    );
    let s3 = aws::at(&emulator, proxy.endpoint()).await.clients.s3;
    for bucket in ["one", "two"] {
        s3::make(&s3, bucket, emulator.region()).await;
    }
    let tags = async |bucket: &str| match s3.get_bucket_tagging().bucket(bucket).send().await {
        Ok(answer) => answer
            .tag_set
            .into_iter()
            .map(|tag| tag.value)
            .collect::<Vec<_>>()
            .join(" "),
        Err(error) => error.code().unwrap_or("cut").to_owned(),
    };
    let tag = async |value: &str| {
        let tag = aws_sdk_s3::types::Tag::builder()
            .key("k")
            .value(value)
            .build()
            .expect("a tag");
        let tagging = aws_sdk_s3::types::Tagging::builder()
            .tag_set(tag)
            .build()
            .expect("tags");
        s3.put_bucket_tagging()
            .bucket("one")
            .tagging(tagging)
            .send()
            .await
            .expect("tagged");
    };
    tag("old").await;
    assert_eq!(tags("one").await, "old", "nothing was answered before");
    tag("new").await;
    assert_eq!(
        (tags("one").await, tags("two").await),
        ("old".to_owned(), "NoSuchTagSet".to_owned())
    );
    tokio::time::sleep(LASTS).await;
    assert_eq!(tags("one").await, "new");
}

#[tokio::test]
async fn objects_are_denied_one_by_one() {
    let emulator = Emulator::start().await;
    let proxy = Proxy::with(
        &emulator,
        Faults::seeded(0).rule("s3:DeleteObjects", Which::Nth(1), || Reply::DenyObjects),
    );
    let s3 = aws::at(&emulator, proxy.endpoint()).await.clients.s3;
    s3::make(&s3, "one", emulator.region()).await;
    let object = |key: &str| {
        aws_sdk_s3::types::ObjectIdentifier::builder()
            .key(key)
            .build()
            .expect("an object")
    };
    let objects = aws_sdk_s3::types::Delete::builder()
        .objects(object("a&b"))
        .objects(object("c"))
        .build()
        .expect("objects");
    let delete = async || {
        s3.delete_objects()
            .bucket("one")
            .delete(objects.clone())
            .send()
            .await
            .expect("an answer")
            .errors
            .unwrap_or_default()
    };
    let denied = delete().await;
    let said: Vec<_> = denied
        .iter()
        .map(|error| {
            (
                error.key().unwrap_or_default(),
                error.code().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(said, [("a&b", "AccessDenied"), ("c", "AccessDenied")]);
    assert!(delete().await.is_empty(), "the second is forwarded");
}

#[tokio::test]
async fn the_client_ends_in_the_middle_of_a_call() {
    for (when, made) in [(When::Before, false), (When::After, true)] {
        let (emulator, place) = world().await;
        let client = Client::default();
        let killed = client.clone();
        let faults = Faults::seeded(0).rule("kms:CreateKey", Which::Nth(1), move || {
            Reply::Kill(killed.clone(), when)
        });
        let (output, _) = bootstrap(&emulator, &place, &client, faults);
        assert_eq!(output.status.signal(), Some(9));
        assert_eq!(
            emulator
                .python("tests/it/support/inventory.py", &[])
                .contains("key Enabled"),
            made,
            "{when:?}"
        );
    }
}

/// What `make proxy` starts.
#[tokio::test]
async fn by_hand_it_does_as_its_rules_say_and_shows_each_call() {
    let emulator = Emulator::start().await;
    // Built with the tests, and beside the program.
    let program = Path::new(env!("CARGO_BIN_EXE_tfbackend"))
        .with_file_name("examples")
        .join("proxy");
    let ca = emulator.ca_file().to_str().expect("text");
    let rules = [
        "kms: nth=2 fail=SlowDown",
        "kms: delay=300ms",
        "iam: cut-after",
    ];
    let mut command = Command::new(&program);
    command
        .args(["--to", emulator.endpoint(), "--ca", ca, "--seed", "7"])
        .args(rules)
        .stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"))
        .lines()
        .map(|line| line.expect("a line"));
    let first = lines.next().expect("a line");
    let (endpoint, rest) = first.split_once(' ').expect("an endpoint");
    assert_eq!(rest, format!("before {} (seed 7)", emulator.endpoint()));

    let clients = aws::at(&emulator, endpoint).await.clients;
    assert_eq!(code!(aws_sdk_kms, clients.kms.list_keys()), "done");
    assert_eq!(code!(aws_sdk_kms, clients.kms.list_aliases()), "SlowDown");
    assert_eq!(code!(aws_sdk_iam, clients.iam.list_users()), "cut");
    let shown: Vec<String> = lines.by_ref().take(4).collect();
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let words: Vec<Vec<&str>> = shown
        .iter()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let [caller, slow, refused, cut] = &words[..] else {
        panic!("{shown:?}")
    };
    assert_eq!((caller[0], caller[3]), ("200", "sts:GetCallerIdentity"));
    assert!(
        slow[0] == "200"
            && slow[1].parse::<u32>().is_ok_and(|took| took >= 300)
            && slow[3] == "kms:ListKeys",
        "{shown:?}"
    );
    assert_eq!(
        (refused[0], refused[3], cut[0], cut[3]),
        ("503", "kms:ListAliases", "cut", "iam:ListUsers")
    );
}
