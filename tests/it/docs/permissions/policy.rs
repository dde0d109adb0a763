//! The policy that the page shows: all actions of `bootstrap`, each on the resources that it is
//! for, under their conditions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tfbackend::{
    backend::aws::permissions::conditions::{PermissionConditions, PolicyCondition},
    cli::environment::ConnectedEnvironment,
};

use super::{BESIDES, KEY_USE, actions};

/// An IAM policy that allows `bootstrap` of this environment and nothing else, as far as AWS knows
/// resources and conditions.
pub(crate) fn policy(environment: &ConnectedEnvironment) -> Value {
    const PRINCIPALS: &str = "Principals";
    let (reads, writes) = actions();
    let mut actions: BTreeSet<String> = reads
        .into_iter()
        .chain(writes)
        .chain(BESIDES.iter().map(|(action, _)| (*action).to_owned()))
        .collect();
    actions.extend(KEY_USE.map(str::to_owned));
    let (names, aws) = (&environment.provider.names, &environment.provider.aws);
    let (partition, region) = (&aws.caller.partition, &*aws.region);
    let bucket = |name: &str| format!("arn:{partition}:s3:::{name}");
    let key = aws.arn("kms", region, "key/*");
    let of_principals = |action: &str| {
        ["iam:Attach", "iam:Detach", "iam:ListAttached"]
            .iter()
            .any(|start| action.starts_with(start))
    };
    let principals: Vec<String> = environment
        .provider
        .settings
        .access
        .attach_to
        .iter()
        .map(|principal| aws.arn("iam", "", principal.as_str()))
        .collect();
    let places: [(&str, &str, Vec<String>); 8] = [
        (
            "Buckets",
            "s3:",
            vec![bucket(&names.state_bucket), bucket(&names.log_bucket)],
        ),
        (
            "LockTable",
            "dynamodb:",
            vec![aws.arn("dynamodb", region, &format!("table/{}", names.table))],
        ),
        ("Topic", "sns:", vec![aws.arn("sns", region, &names.topic)]),
        (
            "Alarms",
            "cloudwatch:",
            vec![aws.arn(
                "cloudwatch",
                region,
                &format!("alarm:{}*", names.alarm_prefix),
            )],
        ),
        (
            "Trail",
            "cloudtrail:",
            vec![aws.arn("cloudtrail", region, &format!("trail/{}", names.trail))],
        ),
        (
            "Policy",
            "iam:",
            vec![aws.arn("iam", "", &format!("policy/{}", names.policy))],
        ),
        (PRINCIPALS, "iam:", principals),
        (
            "Key",
            "kms:",
            vec![key, aws.arn("kms", region, &names.key_alias)],
        ),
    ];
    // These name no resource, or one that is not known yet.
    const ANYWHERE: [&str; 3] = [
        "cloudtrail:DescribeTrails",
        "cloudwatch:DescribeAlarms",
        "kms:ListKeys",
    ];
    // Repairs of a key: a user who may do this to any key of the account takes them over.
    const OF_THE_KEY_ITSELF: [&str; 1] = ["kms:PutKeyPolicy"];
    const KEY: &str = "key/00000000-0000-0000-0000-000000000000";
    let mut statements =
        vec![json!({ "Sid": "Anywhere", "Effect": "Allow", "Action": ANYWHERE, "Resource": "*" })];
    let conditions = PermissionConditions::new(
        aws,
        Some(aws.arn("iam", "", &format!("policy/{}", names.policy))),
    );
    let anywhere = |action: &str| ANYWHERE.contains(&action);
    let mut made = |sid: &str, of: &[&String], resources: &[String]| {
        // A statement for each set of conditions and resources.
        let mut groups: BTreeMap<(Vec<PolicyCondition>, Vec<&String>), Vec<&str>> = BTreeMap::new();
        for action in of {
            let mut by_conditions: BTreeMap<Vec<PolicyCondition>, Vec<&String>> = BTreeMap::new();
            for arn in resources {
                by_conditions
                    .entry(conditions.of(action, arn))
                    .or_default()
                    .push(arn);
            }
            for (conditions, arns) in by_conditions {
                groups.entry((conditions, arns)).or_default().push(action);
            }
        }
        for (at, ((conditions, arns), actions)) in groups.into_iter().enumerate() {
            let sid = if at == 0 {
                sid.to_owned()
            } else {
                format!("{sid}{}", at + 1)
            };
            let mut statement =
                json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": arns });
            for (operator, key, value) in conditions {
                statement["Condition"][operator][key] = json!(value);
            }
            statements.push(statement);
        }
    };
    let create_key = "kms:CreateKey".to_owned();
    made("CreateKey", &[&create_key], &["*".to_owned()]);
    for (sid, prefix, resources) in places {
        let fits = |action: &str| {
            action.starts_with(prefix) && (sid == PRINCIPALS) == of_principals(action)
        };
        let of = |action: &&String| fits(action) && !anywhere(action) && **action != create_key;
        let of: Vec<&String> = actions
            .iter()
            .filter(of)
            .filter(|action| !OF_THE_KEY_ITSELF.contains(&action.as_str()))
            .collect();
        made(sid, &of, &resources);
    }
    let of: Vec<String> = OF_THE_KEY_ITSELF
        .iter()
        .map(|action| (*action).to_owned())
        .chain(["kms:TagResource".to_owned()])
        .collect();
    // A policy that an older version made, which had no region in its name.
    let former = aws.arn(
        "iam",
        "",
        &format!(
            "policy/{}",
            names.policy.trim_end_matches(&format!("-{region}"))
        ),
    );
    made(
        "FormerPolicy",
        &[
            &"iam:GetPolicy".to_owned(),
            &"iam:GetPolicyVersion".to_owned(),
        ],
        &[former],
    );
    made(
        "KeyOnceItExists",
        &of.iter().collect::<Vec<_>>(),
        &[aws.arn("kms", region, KEY)],
    );
    json!({ "Version": "2012-10-17", "Statement": statements })
}
