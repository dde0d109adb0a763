//! Checks that block, partial configuration, the record of `init` and the cloud agree.

use super::{
    BackendSetup, FolderFiles, at,
    catalogue::{BLOCK_AGREES, CLOUD_AGREES, INITIALIZED},
    fails, named, shown,
};
use crate::{
    checks::{CheckResult, Verdict},
    terraform::{
        read::{
            ArgumentValue, ConfiguredBlock, PartialFile, SavedBackend,
            configuration::NO_STATE_STORES,
        },
        write::s3::{DEFAULT_WORKSPACE_KEY_PREFIX, S3BackendConfig},
    },
};

/// The arguments that determine which state a run uses: they are never changed without migrating
/// it.
const STATE: [&str; 3] = ["bucket", "key", "workspace_key_prefix"];

/// The arguments that must be set, and must be the same.
const MUST_BE_SAID: [&str; 5] = [
    "dynamodb_table",
    "use_lockfile",
    "encrypt",
    "kms_key_id",
    "workspace_key_prefix",
];

pub(super) fn check(files: &FolderFiles<'_>) -> Vec<CheckResult> {
    let mut all = vec![];
    if let Some(block) = files.block {
        let readable = files
            .partial
            .iter()
            .filter(|partial| partial.arguments.is_ok());
        all.extend(
            readable.map(|partial| at(&BLOCK_AGREES, &partial.path, block_agrees(block, partial))),
        );
    }
    if let Ok(Some(saved)) = &files.folder.saved
        && let Some(verdict) = initialized(files, saved)
    {
        all.push(at(&INITIALIZED, &saved.path, verdict));
    }
    if let Some(cloud) = files.cloud {
        all.extend(with_cloud(files, cloud));
    }
    all
}

fn block_agrees(block: &ConfiguredBlock, partial: &PartialFile) -> Verdict {
    let mut found = vec![];
    let mut remediation = vec![];
    for ours in &block.arguments {
        let Some(theirs) = partial
            .said()
            .iter()
            .find(|theirs| theirs.name == ours.name)
        else {
            continue;
        };
        if !same(&ours.name, Some(&ours.value), Some(&theirs.value)) {
            let name = named(&ours.name);
            found.push(format!(
                "{name} is {} at {}, and {} at {}",
                shown(Some(&ours.value)),
                ours.at,
                shown(Some(&theirs.value)),
                theirs.at
            ));
            remediation.push(format!("remove {name} at {}", ours.at));
        }
    }
    if found.is_empty() {
        Verdict::Holds
    } else {
        fails(found.join("; "), remediation.join("; "))
    }
}

/// `None` if the files are not sufficient to compare.
fn initialized(files: &FolderFiles<'_>, saved: &SavedBackend) -> Option<Verdict> {
    let setup = match &files.setups[..] {
        [] => return None,
        [one] => one,
        several => match several.iter().find(|setup| is_place(setup, saved)) {
            Some(setup) => setup,
            None => return Some(of_none(files, saved)),
        },
    };
    if !saved.is_s3() {
        let unsupported = if saved.kind.is_state_store() {
            format!("; {NO_STATE_STORES}")
        } else {
            String::new()
        };
        let found = format!(
            "it was initialized with `{}`{unsupported}",
            saved.kind.title()
        );
        return Some(fails(
            found,
            format!(
                "{}, or with `-migrate-state` instead of `-reconfigure` to migrate its state",
                files.init(setup)
            ),
        ));
    }
    let must = MUST_BE_SAID
        .iter()
        .copied()
        .filter(|name| !setup.arguments.contains_key(name));
    let differ = setup
        .arguments
        .keys()
        .copied()
        .chain(must)
        .filter(|name| !same(name, setup.value(name), saved.value(name)));
    let found: Vec<String> = differ
        .map(|name| {
            let (now, then) = (shown(setup.value(name)), shown(saved.value(name)));
            format!(
                "{} is {now} at {}, and was {then} at the last `init`",
                named(name),
                setup.spot(name)
            )
        })
        .collect();
    Some(if found.is_empty() {
        Verdict::Holds
    } else {
        fails(found.join("; "), files.init(setup))
    })
}

fn of_none(files: &FolderFiles<'_>, saved: &SavedBackend) -> Verdict {
    let found = format!(
        "it was initialized with `{}`, bucket {}, key {}, which none of the {} partial \
         configurations contains",
        saved.kind.title(),
        shown(saved.value("bucket")),
        shown(saved.value("key")),
        files.setups.len()
    );
    fails(
        found,
        format!(
            "`{} init -reconfigure -backend-config=FILE` with the intended file",
            files.folder.engine.program()
        ),
    )
}

/// Returns whether it is the same state.
fn is_place(setup: &BackendSetup<'_>, saved: &SavedBackend) -> bool {
    ["bucket", "key", "workspace_key_prefix"]
        .iter()
        .all(|name| same(name, setup.value(name), saved.value(name)))
}

fn with_cloud(files: &FolderFiles<'_>, cloud: &S3BackendConfig) -> Vec<CheckResult> {
    let about = files.of_cloud(cloud);
    if about.is_empty() && !files.in_use().is_empty() {
        let found = format!(
            "none of the files contains the bucket of the environment {}, {}",
            cloud.env,
            shown(Some(&text(&cloud.bucket)))
        );
        let remediation = format!(
            "`tfbackend render --env {}`",
            crate::text::shell::shell_word(&cloud.env)
        );
        return vec![at(
            &CLOUD_AGREES,
            &files.folder.dir,
            fails(found, remediation),
        )];
    }
    about
        .iter()
        .map(|setup| at(&CLOUD_AGREES, setup.path, agrees(files, setup, cloud)))
        .collect()
}

fn agrees(files: &FolderFiles<'_>, setup: &BackendSetup<'_>, cloud: &S3BackendConfig) -> Verdict {
    let wanted = |name: &str, value: Option<ArgumentValue>| (name.to_owned(), value);
    let is_said = |name: &str| setup.arguments.contains_key(name);
    let all = [
        wanted("bucket", Some(text(&cloud.bucket))),
        wanted("key", Some(text(&cloud.key))),
        wanted("region", Some(text(&cloud.region))),
        wanted("kms_key_id", cloud.kms_key_arn.as_deref().map(text)),
        wanted("dynamodb_table", cloud.dynamodb_table.as_deref().map(text)),
        wanted(
            "use_lockfile",
            Some(ArgumentValue::Bool(cloud.use_lockfile)),
        ),
        wanted(
            "workspace_key_prefix",
            Some(text(&cloud.workspace_key_prefix)),
        ),
    ];
    // The region may come from the environment, and a missing key is reported by another check.
    let is_known = cloud.kms_key_arn.is_none() || files.key().is_some();
    let left_open = |name: &str| {
        matches!(name, "region" | "kms_key_id") && !is_said(name)
            || name == "kms_key_id" && !is_known
    };
    // Each folder may have a state of its own in the bucket: a derived key does not contradict
    // that.
    let unsaid = |name: &str| name == "key" && !files.key_said;
    let differ = all.into_iter().filter(|(name, wanted)| {
        !left_open(name) && !unsaid(name) && !same(name, setup.value(name), wanted.as_ref())
    });
    let (mut found, mut write, mut remove, mut other_state) = (vec![], vec![], vec![], vec![]);
    for (name, wanted) in differ {
        let (is, wanted_text) = (shown(setup.value(&name)), shown(wanted.as_ref()));
        found.push(format!(
            "{} is {is} at {}, but {wanted_text} in the backend",
            named(&name),
            setup.spot(&name)
        ));
        if STATE.contains(&&*name) {
            other_state.push(format!("{} {is}", named(&name)));
            continue;
        }
        match wanted {
            Some(_) => write.push(format!("`{name} = {wanted_text}`")),
            None => remove.push(named(&name)),
        }
    }
    if let Some(accounts) = setup
        .value("allowed_account_ids")
        .and_then(ArgumentValue::as_texts)
        && !accounts.contains(&cloud.account)
    {
        let spot = setup.spot("allowed_account_ids");
        found.push(format!(
            "`allowed_account_ids` at {spot} does not contain the account of the backend, {}",
            cloud.account
        ));
        write.push(format!(
            "`allowed_account_ids = [{}]`",
            shown(Some(&text(&cloud.account)))
        ));
    }
    if found.is_empty() {
        return Verdict::Holds;
    }
    let right =
        (!write.is_empty() || !remove.is_empty()).then(|| set_right(files, setup, &write, &remove));
    let settings = (!other_state.is_empty()).then(|| {
        format!(
            "this folder uses another state than the settings: if it is correct, set {} in the \
             settings; otherwise move the state with `{} init -migrate-state`, never with \
             -reconfigure",
            other_state.join(", "),
            files.folder.engine.program()
        )
    });
    fails(
        found.join("; "),
        [settings, right]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; "),
    )
}

fn set_right(
    files: &FolderFiles<'_>,
    setup: &BackendSetup<'_>,
    write: &[String],
    remove: &[String],
) -> String {
    let list = |verb: &str, all: &[String]| {
        (!all.is_empty()).then(|| format!("{verb} {}", all.join(", ")))
    };
    let changes = [list("write", write), list("remove", remove)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" and ");
    let init = files.init(setup);
    if setup.is_saved {
        format!("{changes} in the configuration for `init`, then {init}")
    } else {
        format!("in {}, {changes}; then {init}", setup.path.display())
    }
}

fn text(text: &str) -> ArgumentValue {
    ArgumentValue::Text(text.to_owned())
}

/// Returns whether two values are equal for Terraform. An unknown value equals any value.
fn same(name: &str, one: Option<&ArgumentValue>, other: Option<&ArgumentValue>) -> bool {
    let default = match name {
        "use_lockfile" | "encrypt" => text("false"),
        "workspace_key_prefix" => text(DEFAULT_WORKSPACE_KEY_PREFIX),
        _ => ArgumentValue::Null,
    };
    let meaning = |value: Option<&ArgumentValue>| match value.map(normal) {
        None | Some(ArgumentValue::Null) => default.clone(),
        Some(ArgumentValue::Text(empty)) if empty.is_empty() && name != "workspace_key_prefix" => {
            default.clone()
        }
        Some(value) => value,
    };
    let (one, other) = (meaning(one), meaning(other));
    is_unknown(&one) || is_unknown(&other) || one == other
}

fn is_unknown(value: &ArgumentValue) -> bool {
    match value {
        ArgumentValue::Secret(_) | ArgumentValue::NotLiteral => true,
        ArgumentValue::List(items) => items.iter().any(is_unknown),
        ArgumentValue::Object(fields) => fields.values().any(is_unknown),
        ArgumentValue::Null
        | ArgumentValue::Text(_)
        | ArgumentValue::Bool(_)
        | ArgumentValue::Number(_) => false,
    }
}

/// Text, numbers and booleans are converted to each other; lists are sets; null in an object is
/// unset.
fn normal(value: &ArgumentValue) -> ArgumentValue {
    match value {
        ArgumentValue::Bool(value) => text(&value.to_string()),
        ArgumentValue::Number(number) => text(number),
        ArgumentValue::List(items) => {
            let mut items: Vec<ArgumentValue> = items.iter().map(normal).collect();
            items.sort();
            ArgumentValue::List(items)
        }
        ArgumentValue::Object(fields) => {
            let fields = fields
                .iter()
                .filter(|(_, value)| **value != ArgumentValue::Null);
            ArgumentValue::Object(
                fields
                    .map(|(name, value)| (name.clone(), normal(value)))
                    .collect(),
            )
        }
        ArgumentValue::Null
        | ArgumentValue::Text(_)
        | ArgumentValue::Secret(_)
        | ArgumentValue::NotLiteral => value.clone(),
    }
}
