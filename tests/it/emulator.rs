//! The fixture itself: what every test over the emulator relies on.

use std::{fs, process::Command};

use crate::support::emulator::Emulator;

#[tokio::test]
async fn python_works_as_its_administrator_and_nothing_of_ours_leaks_in() {
    let emulator = Emulator::start().await;
    let said = emulator.python("tests/it/emulator/who_am_i.py", &["argument"]);
    let (key_id, _) = emulator.credentials();
    assert_eq!(
        said,
        format!(
            "argument arn:aws:iam::{}:user/admin {} {key_id}\n",
            emulator.account(),
            emulator.region()
        )
    );
    assert_eq!(
        emulator.python("tests/it/emulator/strict_tls.py", &[]),
        "127.0.0.1 403\nlocalhost 403\n"
    );
    assert_eq!(
        emulator.aws_env()["AWS_CA_BUNDLE"],
        emulator.ca_file().display().to_string()
    );
    let names: Vec<String> = emulator
        .aws_env()
        .into_keys()
        .filter(|name| name.starts_with("AWS_") || name.starts_with("TF"))
        .collect();
    assert_eq!(
        names,
        [
            "AWS_CA_BUNDLE",
            "AWS_CONFIG_FILE",
            "AWS_DEFAULT_REGION",
            "AWS_EC2_METADATA_DISABLED",
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_SHARED_CREDENTIALS_FILE"
        ]
    );
}

#[tokio::test]
async fn terraform_trusts_its_certificate_and_is_told_no_by_iam() {
    let emulator = Emulator::start().await;
    emulator.python("tests/it/emulator/make_bucket.py", &["states"]);
    let dir = tempfile::tempdir().expect("a directory");
    let backend = r#"
        terraform {
          backend "s3" {
            bucket         = "states"
            key            = "a.tfstate"
            use_lockfile   = true
            use_path_style = true
          }
        }
        resource "terraform_data" "a" {}
    "#;
    fs::write(dir.path().join("main.tf"), backend).expect("written");
    for args in [
        &["init", "-no-color"][..],
        &["apply", "-no-color", "-auto-approve"],
    ] {
        let output = emulator.terraform(dir.path(), args);
        assert!(
            output.status.success(),
            "{args:?}: {output:?}\n{}",
            emulator.log()
        );
    }
    emulator.python("tests/it/emulator/deny_admin.py", &["states"]);
    let output = emulator.terraform(dir.path(), &["plan", "-no-color"]);
    assert!(
        !output.status.success()
            && String::from_utf8_lossy(&output.stderr).contains("StatusCode: 403"),
        "{output:?}"
    );
}

#[tokio::test]
async fn behaves_as_aws_where_a_state_backend_depends_on_it() {
    let emulator = Emulator::start().await;
    emulator.python("tests/it/emulator/make_bucket.py", &["states"]);
    insta::assert_snapshot!(emulator.python("tests/it/emulator/like_aws.py", &["states"]), @r"
    a lock file: written - again: PreconditionFailed - without the condition: AccessDenied
    our key: written - another: AccessDenied - none: written
    another as the bucket's default: AccessDenied
    a customer's key: AccessDenied
    [{'Key': 'project', 'Value': 'acme'}]
    True []
    ");
}

#[tokio::test]
async fn what_a_key_encrypts_is_for_those_who_may_use_the_key() {
    let emulator = Emulator::start().await;
    emulator.python("tests/it/emulator/make_bucket.py", &["states"]);
    insta::assert_snapshot!(emulator.python("tests/it/emulator/key_use.py", &["states"]), @r"
    no key: read AccessDenied - write AccessDenied - item AccessDeniedException AccessDeniedException
    any use: read done - write done - item done done
    through S3: read done - write done - item AccessDeniedException AccessDeniedException
    through S3, for this bucket: read done - write done - item AccessDeniedException AccessDeniedException
    through S3, for another: read AccessDenied - write AccessDenied - item AccessDeniedException AccessDeniedException
    through DynamoDB, for this table: read AccessDenied - write AccessDenied - item done done
    through DynamoDB, for another: read AccessDenied - write AccessDenied - item AccessDeniedException AccessDeniedException
    ");
}

#[tokio::test]
async fn each_has_a_world_of_its_own_that_ends_with_it() {
    let (one, two) = tokio::join!(Emulator::start(), Emulator::start());
    assert_ne!(one.endpoint(), two.endpoint());
    one.python("tests/it/emulator/make_bucket.py", &["same-name"]);
    two.python("tests/it/emulator/make_bucket.py", &["same-name"]);

    let address = one
        .endpoint()
        .strip_prefix("https://")
        .expect("TLS")
        .to_owned();
    std::net::TcpStream::connect(&address).expect("it listens");
    drop(one);
    std::net::TcpStream::connect(&address).expect_err("it is gone");
}

/// Runs itself as a process of its own that is killed while its emulator runs.
#[tokio::test]
async fn ends_even_if_its_test_is_killed() {
    const ADDRESS_FILE: &str = "EMULATOR_ADDRESS_FILE";
    if let Ok(file) = std::env::var(ADDRESS_FILE) {
        let emulator = Emulator::start().await;
        fs::write(
            file,
            emulator.endpoint().strip_prefix("https://").expect("TLS"),
        )
        .expect("written");
        Command::new("kill")
            .args(["-9", &std::process::id().to_string()])
            .status()
            .expect("killed");
        unreachable!("it was killed");
    }
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("address");
    let mut test = Command::new(std::env::current_exe().expect("this program"));
    let name = format!(
        "{}::ends_even_if_its_test_is_killed",
        module_path!().split_once("::").expect("a module").1
    );
    let output = test
        .args(["--exact", &name])
        .env(ADDRESS_FILE, &file)
        .output()
        .expect("run");
    assert!(!output.status.success());
    let address = fs::read_to_string(file).expect("it started");
    for _ in 0..100 {
        if std::net::TcpStream::connect(&address).is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the emulator at {address} is still there");
}
