//! Settings that do not go together, and the names that are derived.

use insta::assert_snapshot;
use tfbackend::settings::{
    layer::SettingsLayer,
    names::AccountId,
    s3::{derived::DerivedNames, resolve::resolve},
};

use crate::support::sources::{env, prod, sources};

const BASE: &str = "--project acme --region eu-west-1";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn wrong(line: &str) -> String {
    prod(&format!("{BASE} {line}"), &[], "").expect_err("contradicts itself")
}

fn right(line: &str) {
    if let Err(error) = prod(&format!("{BASE} {line}"), &[], "") {
        panic!("{line}: {error}");
    }
}

#[test]
fn everything_at_once() {
    let toml = format!(
        "kms-key = \"{KEY}\"\nrotation-days = 90\n[env.prod]\nlock = \"s3\"\nbilling = \
         \"provisioned\"\nconf-file = \"backend.tf\""
    );
    assert_snapshot!(prod(BASE, &[("TFBACKEND_ALARM_TOPIC", "arn:aws-cn:sns:cn-north-1:123456789012:x")], &toml).unwrap_err(), @r#"
    `kms-key` is in us-east-1, the backend in eu-west-1; both must be in one region (`kms-key`: tfbackend.toml:1, `region`: command line)
    `alarm-topic` is in cn-north-1, the backend in eu-west-1; both must be in one region (`alarm-topic`: TFBACKEND_ALARM_TOPIC, `region`: command line)
    `billing` has no effect, because with `lock` `s3` there is no table; leave one of them out (`billing`: tfbackend.toml:5, `lock`: tfbackend.toml:4)
    `rotation-days` has no effect, because the key of `kms-key` is rotated by its owner; leave one of them out (`rotation-days`: tfbackend.toml:2, `kms-key`: tfbackend.toml:1)
    `conf-file` and `tf-file` are both `backend.tf` (`conf-file`: tfbackend.toml:6)
    "#);
}

#[test]
fn places() {
    assert_snapshot!(wrong(&format!("--kms-key {KEY}")), @"`kms-key` is in us-east-1, the backend in eu-west-1; both must be in one region (`kms-key`: command line, `region`: command line)");
    assert_snapshot!(wrong("--alarm-topic arn:aws-cn:sns:eu-west-1:123456789012:x"), @"`alarm-topic` is in partition aws-cn, the backend in aws (`alarm-topic`: command line, `region`: command line)");
    assert_snapshot!(wrong("--account 123456789012 --attach-to arn:aws:iam::210987654321:role/ci"), @"`role/ci` is in account 210987654321, `account` is 123456789012 (`attach-to`: command line, `account`: command line)");
    right("--account 123456789012 --attach-to arn:aws:iam::123456789012:role/ci");
}

#[test]
fn without_effect() {
    assert_snapshot!(wrong("--read-capacity 5"), @"`read-capacity` has no effect, because `billing` is not `provisioned`; leave one of them out (`read-capacity`: command line)");
    assert_snapshot!(wrong("--lock s3 --table abc --table-recovery=true"), @r#"
    `table` has no effect, because with `lock` `s3` there is no table; leave one of them out (`table`: command line, `lock`: command line)
    `table-recovery` has no effect, because with `lock` `s3` there is no table; leave one of them out (`table-recovery`: command line, `lock`: command line)
    "#);
    assert_snapshot!(wrong("--encryption sse-s3 --rotation-days 90 --table-encryption same-key"), @r#"
    `rotation-days` has no effect, because with `encryption` `sse-s3` there is no key; leave one of them out (`rotation-days`: command line, `encryption`: command line)
    `table-encryption` is `same-key`, but with `encryption` `sse-s3` there is no key; set it to `aws-owned` (`table-encryption`: command line, `encryption`: command line)
    "#);
    assert_snapshot!(wrong("--alarms=false --alarm-email a@example.com --delete-events --alarm-object-count 5"), @r#"
    `alarm-email` has no effect, because `alarms` is false; leave one of them out (`alarm-email`: command line, `alarms`: command line)
    `alarm-object-count` has no effect, because `alarms` is false; leave one of them out (`alarm-object-count`: command line, `alarms`: command line)
    `delete-events` needs the alarm topic, and `alarms` is false; change one of them (`delete-events`: command line, `alarms`: command line)
    "#);
    assert_snapshot!(wrong("--external-id acme-1"), @"`external-id` has no effect without `role-arn` (`external-id`: command line)");
    assert_snapshot!(wrong("--conf-credentials"), @"`conf-credentials` has no effect: neither `profile` nor `role-arn` is set (`conf-credentials`: command line)");
    right("--conf-credentials --profile p");
    right("--conf-credentials --role-arn arn:aws:iam::123456789012:role/x --external-id acme-1");
    // For all environments of the file.
    assert!(
        prod(
            BASE,
            &[],
            "conf-credentials = true\nexternal-id = \"acme-1\"\n"
        )
        .is_ok()
    );
    assert!(prod(BASE, &[], "[env.prod]\nconf-credentials = true\n").is_err());
    assert_snapshot!(wrong("--policy=false --attach-to role/x"), @"`attach-to` needs the runner policy, and `policy` is false; change one of them (`attach-to`: command line, `policy`: command line)");
    assert_snapshot!(wrong("--trail off --access-logs=false --log-days 5"), @"`log-days` has no effect, because without `trail` `new` and `access-logs` nothing is logged; leave one of them out (`log-days`: command line, `trail`: command line)");
    right("--alarms=false");
    right("--encryption sse-s3");
    right("--billing provisioned --read-capacity 1");
    right("--trail off --log-days 5");
}

#[test]
fn what_is_said_for_all_environments_need_not_fit_each() {
    let toml = "billing = \"provisioned\"\nread-capacity = 9\nalarm-email = \
                [\"a@example.com\"]\nattach-to = [\"role/x\"]\n[env.prod]\nlock = \"s3\"\nalarms \
                = false\npolicy = false";
    let settings = prod(BASE, &[], toml).unwrap();
    assert!(!settings.bucket.delete_events);
    let toml = "lock = \"s3\"\n[env.prod]\nbilling = \"provisioned\"";
    assert_snapshot!(prod(BASE, &[], toml).unwrap_err(), @"`billing` has no effect, because with `lock` `s3` there is no table; leave one of them out (`billing`: tfbackend.toml:3, `lock`: tfbackend.toml:1)");
}

#[test]
fn buckets_in_their_namespace() {
    assert_snapshot!(wrong("--bucket acme-123456789012-eu-west-1-an"), @"`bucket` ends like a name of the account-regional namespace; set `namespace` to `account-regional`, or choose another name (`bucket`: command line)");
    assert_snapshot!(wrong("--namespace account-regional --bucket acme"), @"`bucket` must end in `-<account>-eu-west-1-an` with `namespace` `account-regional` (`bucket`: command line, `namespace`: command line)");
    assert_snapshot!(wrong("--namespace account-regional --account 123456789012 --bucket acme-210987654321-eu-west-1-an"), @"`bucket` must end in `-123456789012-eu-west-1-an` with `namespace` `account-regional` (`bucket`: command line, `namespace`: command line)");
    assert_snapshot!(prod("--project acme --region me-south-1 --namespace account-regional", &[], "").unwrap_err(), @"there is no account-regional namespace in me-south-1; set `namespace` to `global` (`namespace`: command line, `region`: command line)");
    assert_snapshot!(wrong("--bucket acme-tfstate-prod-logs-123456789012-eu-west-1"), @"`bucket` is the name of the log bucket; choose another (`bucket`: command line)");
    right("--namespace account-regional --bucket acme-123456789012-eu-west-1-an");
    right("--namespace account-regional");
}

#[test]
fn state_paths() {
    assert_snapshot!(wrong("--key env:/dev/terraform.tfstate"), @"`key` lies under `workspace-key-prefix` `env:`: Terraform would treat the state as that of a workspace (`key`: command line)");
    assert_snapshot!(wrong("--key env:"), @"`key` lies under `workspace-key-prefix` `env:`: Terraform would treat the state as that of a workspace (`key`: command line)");
    assert_snapshot!(wrong(&format!("--key {} --workspace-key-prefix {}", "k".repeat(900), "w".repeat(100))), @"`key` and `workspace-key-prefix` are 75 bytes too long together: a workspace's state must fit into 1024 bytes (`key`: command line, `workspace-key-prefix`: command line)");
    right("--key env:x/terraform.tfstate");
    right(&format!("--key {}", "k".repeat(900)));
}

#[test]
fn tags() {
    assert_snapshot!(wrong("--tag Team=a --tag team=b"), @"tag `team` is set twice (IAM tag keys are case-insensitive) (`tag`: command line)");
    let many: Vec<String> = (0..41).map(|i| format!("--tag k{i}=v")).collect();
    assert_snapshot!(wrong(&many.join(" ")), @"41 tags are too many: at most 40 are possible besides those of tfbackend (`tag`: command line)");
}

#[test]
fn files() {
    assert_snapshot!(wrong("--conf-file Backend.TF"), @"`conf-file` and `tf-file` are both `Backend.TF` (`conf-file`: command line)");
    assert_snapshot!(wrong("--conf-file {env}.tf --tf-file prod.tf"), @"`conf-file` and `tf-file` are both `prod.tf` (`conf-file`: command line, `tf-file`: command line)");
    assert_snapshot!(wrong("--conf-file backend.json --tf-file backend.txt"), @r#"
    `conf-file` is `backend.json`: Terraform reads a file of that name as JSON; use `.conf` or `.s3.tfbackend` (`conf-file`: command line)
    `tf-file` is `backend.txt`: only files that end in `.tf` (or `.tofu`, for OpenTofu) are read as configuration (`tf-file`: command line)
    "#);
    assert_snapshot!(wrong("--conf-file a.auto.tfvars --tf-file .backend.tf"), @r#"
    `conf-file` is `a.auto.tfvars`: Terraform reads a file of that name as variables; use `.conf` or `.s3.tfbackend` (`conf-file`: command line)
    `tf-file` is `.backend.tf`: Terraform does not read files whose name begins so (`tf-file`: command line)
    "#);
    right("--conf-file {env}.s3.tfbackend --tf-file backend.tofu");
}

#[test]
fn derived_names_too_long_for_their_service() {
    let long = "--project a-rather-long-project-name --region ap-southeast-1";
    assert_snapshot!(prod(long, &[], "").unwrap_err(), @r#"
    the state bucket would be `a-rather-long-project-name-tfstate-prod-000000000000-ap-southeast-1`: 67 characters, at most 63 are allowed; shorten `project` or the environment's name (or say `bucket`) by 4 (`project`: command line)
    the log bucket would be `a-rather-long-project-name-tfstate-prod-logs-000000000000-ap-southeast-1`: 72 characters, at most 63 are allowed; shorten `project` or the environment's name by 9 (`project`: command line)
    "#);
    assert!(
        prod(
            &format!("{long} --bucket abc --trail off --access-logs=false"),
            &[],
            ""
        )
        .is_ok()
    );
    assert_snapshot!(prod("--project sthree --region eu-west-1 --trail off --access-logs=false", &[], "").unwrap_err(), @"the state bucket would be `sthree-tfstate-prod-000000000000-eu-west-1`, which begins with `sthree-`; a bucket name is 3 to 63 lowercase letters, digits and hyphens, begins and ends with a letter or digit, and has no prefix or suffix that S3 reserves (`project`: command line)");
}

#[test]
fn names() {
    let account: AccountId = "123456789012".parse().unwrap();
    let settings = prod(BASE, &[], "").unwrap();
    insta::assert_debug_snapshot!(DerivedNames::new(&settings, &account), @r#"
    DerivedNames {
        state_bucket: "acme-tfstate-prod-123456789012-eu-west-1",
        log_bucket: "acme-tfstate-prod-logs-123456789012-eu-west-1",
        table: "acme-tfstate-prod-locks",
        key_alias: "alias/acme-tfstate-prod",
        policy: "acme-tfstate-prod-runner-eu-west-1",
        topic: "acme-tfstate-prod-alarms",
        alarm_prefix: "acme-tfstate-prod-",
        trail: "acme-tfstate-prod",
    }
    "#);
    let settings = prod(
        &format!("{BASE} --namespace account-regional --table my-locks"),
        &[],
        "",
    )
    .unwrap();
    let names = DerivedNames::new(&settings, &account);
    assert_eq!(
        names.state_bucket,
        "acme-tfstate-prod-123456789012-eu-west-1-an"
    );
    assert_eq!(
        names.log_bucket,
        "acme-tfstate-prod-logs-123456789012-eu-west-1-an"
    );
    assert_eq!(names.table, "my-locks");
}

/// Two environments never share a name, whatever project and environment are called.
#[test]
fn no_two_environments_derive_one_name() {
    let account: AccountId = "123456789012".parse().unwrap();
    let words = ["a", "b", "logs", "tfstate", "locks", "runner"];
    let mut labels: Vec<String> = words.iter().map(ToString::to_string).collect();
    labels.extend(
        words
            .iter()
            .flat_map(|one| words.iter().map(move |two| format!("{one}-{two}"))),
    );
    labels.extend(
        words
            .iter()
            .flat_map(|one| words.iter().map(move |two| format!("{one}-tfstate-{two}"))),
    );
    let mut seen = std::collections::BTreeMap::new();
    for project in &labels {
        let sources = sources(&format!("--project {project} --region eu-west-1"), &[], "").unwrap();
        let first = match resolve(&env("x"), &sources, &SettingsLayer::default()) {
            Ok(settings) => settings,
            Err(_) => continue,
        };
        for name in &labels {
            let Ok(name) = name.parse() else { continue };
            let mut settings = first.clone();
            settings.common.env = name;
            let names = DerivedNames::new(&settings, &account);
            for derived in [
                ("bucket", names.state_bucket),
                ("bucket", names.log_bucket),
                ("table", names.table),
                ("trail", names.trail),
                ("policy", names.policy),
            ] {
                let whose = format!("{project}/{}", settings.common.env);
                if let Some(other) = seen.insert(derived.clone(), whose.clone()) {
                    panic!("{derived:?} is of {other} and of {whose}");
                }
            }
        }
    }
    assert!(seen.len() > 1000, "{}", seen.len());
}

#[test]
fn what_is_named_twice_exists_once() {
    let twice = "--alarm-email a@example.com --attach-to role/ci ".repeat(2);
    let settings = prod(&format!("{BASE} {twice}"), &[], "").expect("settings");
    let said = format!("{settings:?}");
    assert_eq!(said.matches("a@example.com").count(), 1, "{said}");
    assert_eq!(settings.access.attach_to.len(), 1, "{said}");
}
