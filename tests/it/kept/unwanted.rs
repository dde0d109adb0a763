//! Parts that the settings leave out, and that are there: named, kept, and able to go on.

use super::{findings, nothing_to_do, unsaid, words};
use crate::support::backend::Backend;

const OFF: [&str; 5] = [
    "--trail",
    "off",
    "--alarms=false",
    "--policy=false",
    "--access-logs=false",
];

#[tokio::test]
async fn unwanted_parts_are_named_and_go_on_working() {
    let backend = Backend::make(&[]).await;
    let (emulator, dir) = (&backend.emulator, backend.dir());
    let before = emulator.python("tests/it/hardening/read_back.py", &[]);
    let planned = unsaid(emulator, dir, &[&["plan"], &OFF[..]].concat());
    let all = words(&planned);
    for part in [
        "trail CloudTrail trail acme-tfstate-prod",
        "topic SNS topic",
        "log_bucket S3 bucket",
        "runner_policy IAM policy",
        "alarm[bucket_size]",
    ] {
        assert!(
            all.contains(&format!("not in the settings any more, kept: {part}")),
            "{part}: {all}"
        );
    }
    nothing_to_do(&unsaid(emulator, dir, &[&["bootstrap"], &OFF[..]].concat()));
    assert_eq!(
        emulator.python("tests/it/hardening/read_back.py", &[]),
        before,
        "nothing was taken from what stays"
    );

    assert_eq!(findings(emulator, dir, &OFF), Vec::<String>::new());
    let verified = words(&unsaid(emulator, dir, &[&["verify"], &OFF[..]].concat()));
    assert!(
        verified.contains("not in the settings any more, kept: trail"),
        "{verified}"
    );

    // What is not said any more is what is there.
    nothing_to_do(&unsaid(emulator, dir, &["bootstrap"]));
}
