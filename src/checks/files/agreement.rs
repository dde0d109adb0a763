//! Whether block, partial configuration, what `init` stored, and the cloud say the same.

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
        write::{BackendConfig, arguments::DEFAULT_WORKSPACE_KEY_PREFIX},
    },
};

/// Which states a run finds: another value is never written without taking them along.
const STATE: [&str; 3] = ["bucket", "key", "workspace_key_prefix"];

/// What must not only be the same where it is said, but also be said.
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
    let mut what = vec![];
    let mut mend = vec![];
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
            what.push(format!(
                "{name} is {} at {}, and {} at {}",
                shown(Some(&ours.value)),
                ours.at,
                shown(Some(&theirs.value)),
                theirs.at
            ));
            mend.push(format!("remove {name} at {}", ours.at));
        }
    }
    if what.is_empty() {
        Verdict::Holds
    } else {
        fails(what.join("; "), mend.join("; "))
    }
}

/// `None` if the files do not say enough to compare with.
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
        let what = format!(
            "it was initialized with `{}`{unsupported}",
            saved.kind.title()
        );
        return Some(fails(
            what,
            format!(
                "{}, or `-migrate-state` for `-reconfigure` to take its state along",
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
    let what: Vec<String> = differ
        .map(|name| {
            let (now, then) = (shown(setup.value(name)), shown(saved.value(name)));
            format!(
                "{} is {now} at {}, and was {then} at the last `init`",
                named(name),
                setup.spot(name)
            )
        })
        .collect();
    Some(if what.is_empty() {
        Verdict::Holds
    } else {
        fails(what.join("; "), files.init(setup))
    })
}

fn of_none(files: &FolderFiles<'_>, saved: &SavedBackend) -> Verdict {
    let what = format!(
        "it was initialized with `{}`, bucket {}, key {}, which none of the {} partial \
         configurations names",
        saved.kind.title(),
        shown(saved.value("bucket")),
        shown(saved.value("key")),
        files.setups.len()
    );
    fails(
        what,
        format!(
            "`{} init -reconfigure -backend-config=FILE` with the one that is meant",
            files.folder.engine.program()
        ),
    )
}

/// Whether it is the same state.
fn is_place(setup: &BackendSetup<'_>, saved: &SavedBackend) -> bool {
    ["bucket", "key", "workspace_key_prefix"]
        .iter()
        .all(|name| same(name, setup.value(name), saved.value(name)))
}

fn with_cloud(files: &FolderFiles<'_>, cloud: &BackendConfig) -> Vec<CheckResult> {
    let about = files.of_cloud(cloud);
    if about.is_empty() && !files.in_use().is_empty() {
        let what = format!(
            "none of the files names the bucket of the environment {}, {}",
            cloud.env,
            shown(Some(&text(&cloud.bucket)))
        );
        let mend = format!(
            "`tfbackend render --env {}`",
            crate::text::shell::shell_word(&cloud.env)
        );
        return vec![at(&CLOUD_AGREES, &files.folder.dir, fails(what, mend))];
    }
    about
        .iter()
        .map(|setup| at(&CLOUD_AGREES, setup.path, agrees(files, setup, cloud)))
        .collect()
}

fn agrees(files: &FolderFiles<'_>, setup: &BackendSetup<'_>, cloud: &BackendConfig) -> Verdict {
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
    // The region may come from the environment, and that no key is named is another check's
    // concern.
    let is_known = cloud.kms_key_arn.is_none() || files.key().is_some();
    let left_open = |name: &str| {
        matches!(name, "region" | "kms_key_id") && !is_said(name)
            || name == "kms_key_id" && !is_known
    };
    // Any folder may have a state of its own in the bucket: a key that was merely derived says
    // nothing against that.
    let unsaid = |name: &str| name == "key" && !files.key_said;
    let differ = all.into_iter().filter(|(name, wanted)| {
        !left_open(name) && !unsaid(name) && !same(name, setup.value(name), wanted.as_ref())
    });
    let (mut what, mut write, mut remove, mut other_state) = (vec![], vec![], vec![], vec![]);
    for (name, wanted) in differ {
        let (is, wanted_text) = (shown(setup.value(&name)), shown(wanted.as_ref()));
        what.push(format!(
            "{} is {is} at {}, and the backend's is {wanted_text}",
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
        what.push(format!(
            "`allowed_account_ids` at {spot} does not have the backend's account, {}",
            cloud.account
        ));
        write.push(format!(
            "`allowed_account_ids = [{}]`",
            shown(Some(&text(&cloud.account)))
        ));
    }
    if what.is_empty() {
        return Verdict::Holds;
    }
    let right =
        (!write.is_empty() || !remove.is_empty()).then(|| set_right(files, setup, &write, &remove));
    let settings = (!other_state.is_empty()).then(|| {
        format!(
            "this folder uses another state than the settings say: if it is the right one, say {} \
             in the settings; else move the state with `{} init -migrate-state`, never with \
             -reconfigure",
            other_state.join(", "),
            files.folder.engine.program()
        )
    });
    fails(
        what.join("; "),
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
        format!("{changes} in what `init` is given, then {init}")
    } else {
        format!("in {}, {changes}; then {init}", setup.path.display())
    }
}

fn text(text: &str) -> ArgumentValue {
    ArgumentValue::Text(text.to_owned())
}

/// Whether two values mean the same to Terraform. What cannot be known differs from nothing.
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
