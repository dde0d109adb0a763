//! The output of a bootstrap: the plan, and after it the created backend and the next commands.

use crate::text::shell::shell_word;
use serde::Serialize;

use super::{
    context::Context, describe::describe, environment::ConnectedEnvironment, explain,
    failure::CliError, wizard,
};
use crate::{
    backend::aws::{
        blueprint::TOPIC, resources::AwsSpec, teardown::prune, verify::external_access,
    },
    checks::Verdict,
    engine::{
        observation::{Observation, Observed},
        plan::{BlockReason, Plan, PlannedChange, SettingChange},
        spec::{Address, KnownOutputs},
    },
    report::{
        json,
        plan::{
            self as report,
            document::{KeptSetting, UnwantedResource},
        },
    },
    settings::{
        layer::{LockMechanism, SettingsLayer, TrailKind},
        options::said,
        s3::{AlarmSettings, EncryptionSettings, TopicSettings},
    },
    terraform::{
        read::next::next_command,
        write::files::{FileOutcome, WrittenFile},
    },
    text::words,
};

impl ConnectedEnvironment {
    pub fn title(&self) -> String {
        let ConnectedEnvironment { settings, aws, .. } = self;
        format!(
            "{} {} in {} (account {})",
            settings.common.project,
            settings.common.env,
            settings.region,
            aws.account()
        )
    }
}

pub fn show_plan(plan: &Plan<AwsSpec>, environment: &ConnectedEnvironment, cx: &mut Context<'_>) {
    let view = cx.global.view(cx.host);
    cx.status(&environment.title());
    say_kept(environment, cx);
    cx.status("");
    let text = report::text(plan, &describe, &view);
    cx.status_text(&text);
    say_how_to_see_all(plan, cx);
    if environment.settings.lock == LockMechanism::Dynamodb {
        let migrate = environment
            .rerun
            .of_target("lock migrate", " --to both", &[]);
        cx.status(&format!(
            "`dynamodb_table` is deprecated since Terraform 1.11; to move: `{migrate}`."
        ));
    }
}

/// Returns warnings for policies that allow principals of other accounts: statements of others are
/// kept and reported.
pub fn say_openings(
    observation: &Observation<AwsSpec>,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) {
    for checked in external_access::checks(observation, environment.aws.account(), &|_| None) {
        if let Verdict::Fails { what, .. } = &checked.verdict {
            let address = checked
                .place
                .address
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            cx.status(&format!(
                "warning: {address}: {what}; `tfbackend verify` says more"
            ));
        }
    }
}

/// Returns a note if alarms go to a new topic without any subscription.
pub fn say_unheard(
    observation: &Observation<AwsSpec>,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) {
    let has = |kind: &dyn Fn(&AwsSpec) -> bool| {
        environment
            .blueprint
            .nodes()
            .iter()
            .any(|node| kind(&node.spec))
    };
    let is_new = matches!(observation.get(&TOPIC), Some(Observed::Absent))
        && has(&|spec| matches!(spec, AwsSpec::Topic(_)));
    if is_new && !has(&|spec| matches!(spec, AwsSpec::Subscription(_))) {
        cx.status(&format!(
            "note: alarms notify topic {}, which has no subscription: pass --alarm-email, or \
             subscribe to it yourself",
            environment.names.topic
        ));
    }
}

/// The e-mail addresses with unconfirmed or new subscriptions.
pub fn unconfirmed(
    observation: &Observation<AwsSpec>,
    environment: &ConnectedEnvironment,
) -> Vec<String> {
    let waits = |address: &Address| match observation.get(address) {
        Some(Observed::Present {
            spec: AwsSpec::Subscription(found),
            ..
        }) => found.confirmed == Some(false),
        Some(Observed::Absent) => true,
        _ => false,
    };
    let emails = environment
        .blueprint
        .nodes()
        .iter()
        .filter_map(|node| match &node.spec {
            AwsSpec::Subscription(subscription) if waits(&node.address) => {
                Some(subscription.email.clone())
            }
            _ => None,
        });
    emails.collect()
}

/// Returns the existing values that no source sets, and existing resources that the settings
/// exclude.
pub fn say_kept(environment: &ConnectedEnvironment, cx: &mut Context<'_>) {
    for line in kept_lines(environment) {
        cx.status(&line);
    }
}

pub fn kept_lines(environment: &ConnectedEnvironment) -> Vec<String> {
    let kept: Vec<String> = kept_settings(environment)
        .into_iter()
        .map(|one| format!("{} = {}", one.name, text(&one.value)))
        .collect();
    let kept = (!kept.is_empty()).then(|| format!("existing values kept: {}", kept.join(", ")));
    let unwanted = unwanted(environment).into_iter();
    let mut lines: Vec<String> = kept
        .into_iter()
        .chain(unwanted.map(|one| {
            format!(
                "not in the settings any more, kept: {}  {}",
                one.address, one.title
            )
        }))
        .collect();
    if prune::plan(&environment.unwanted)
        .deletes()
        .next()
        .is_some()
    {
        let prune = environment.rerun.command("bootstrap", " --prune", &[]);
        lines.push(format!(
            "`{prune}` deletes what the settings no longer include, after asking for approval."
        ));
    }
    lines
}

fn text(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the refused changes of settings, with alternatives.
pub fn refused_changes(environment: &ConnectedEnvironment) -> Vec<String> {
    let refused = environment
        .changes
        .iter()
        .filter_map(|change| match change {
            SettingChange::Refused { setting, reason } => Some(format!("{setting}: {reason}")),
            SettingChange::Consequence { .. } => None,
        });
    refused.collect()
}

/// # Errors
/// With exit code 3, if there are any.
pub fn must_not_be_refused(refused: &[String]) -> Result<(), CliError> {
    match refused {
        [] => Ok(()),
        [only] => Err(CliError::refused(format!("{only}; nothing was changed"))),
        several => {
            let count = words::count(
                several.len(),
                "setting cannot be changed",
                "settings cannot be changed",
            );
            let mut failure = CliError::refused(format!("{count}; nothing was changed"));
            failure.causes = several.to_vec();
            Err(failure)
        }
    }
}

/// The same for the JSON document.
pub fn kept_settings(environment: &ConnectedEnvironment) -> Vec<KeptSetting> {
    said(&environment.kept)
        .into_iter()
        .map(|(name, value)| KeptSetting { name, value })
        .collect()
}

pub fn unwanted(environment: &ConnectedEnvironment) -> Vec<UnwantedResource> {
    let all = environment.unwanted.iter();
    all.map(|one| UnwantedResource {
        address: one.node.address.clone(),
        title: describe(&one.node.address, &one.spec).title,
    })
    .collect()
}

/// The settings of created resources are shown only with `-v`.
pub fn say_how_to_see_all(plan: &Plan<AwsSpec>, cx: &mut Context<'_>) {
    if cx.global.verbose == 0
        && plan
            .steps
            .iter()
            .any(|step| matches!(step.change, PlannedChange::Create { .. }))
    {
        cx.status("-v shows every setting.");
    }
}

/// Refuses a plan with blocked steps, and names each of them once.
pub fn must_not_be_blocked(
    plan: &Plan<AwsSpec>,
    environment: &ConnectedEnvironment,
) -> Result<(), CliError> {
    let mut blocked = vec![];
    for (address, reason) in plan.blocked() {
        let whole = address
            .parent()
            .and_then(|parent| plan.blocked().find(|(address, _)| **address == parent));
        // A blocked part is reported once with its parent, except for denied reads: all of them are
        // reported.
        if whole.is_some_and(|(_, of_whole)| {
            of_whole == reason || !matches!(of_whole, BlockReason::Unreadable { .. })
        }) {
            continue;
        }
        blocked.push((format!("{}: {reason}", what(address, environment)), reason));
    }
    let mut failure = match &blocked[..] {
        [] => return Ok(()),
        [(only, _)] => CliError::refused(format!("{only}; nothing was changed")),
        several => {
            let mut failure = CliError::refused(format!(
                "{} blocked; nothing was changed",
                words::count(several.len(), "step is", "steps are")
            ));
            failure
                .causes
                .extend(several.iter().map(|(text, _)| text.clone()));
            failure
        }
    };
    let errors = blocked.iter().filter_map(|(_, reason)| match reason {
        BlockReason::Unreadable { error } => Some(error.as_str()),
        _ => None,
    });
    let actions = explain::missing_actions(errors);
    if !actions.is_empty() {
        failure = failure.hint(format!(
            "allow {}, then run the same command again",
            actions.join(", ")
        ));
    }
    Err(failure)
}

/// Returns the missing IAM actions that block steps, each once.
pub fn missing_actions(plan: &Plan<AwsSpec>) -> Vec<&str> {
    let errors = plan.blocked().filter_map(|(_, reason)| match reason {
        BlockReason::Unreadable { error } => Some(error.as_str()),
        _ => None,
    });
    explain::missing_actions(errors)
}

/// Returns a failure for written resources that cannot be read back, whose settings are therefore
/// unknown.
pub fn denied(plan: &Plan<AwsSpec>) -> Option<CliError> {
    let unseen = plan
        .steps
        .iter()
        .filter(|step| plan.blocking_whole(step).is_none())
        .filter_map(|step| match &step.change {
            PlannedChange::Blocked {
                reason: BlockReason::Unreadable { error },
            } => Some((&step.address, error)),
            _ => None,
        });
    let (causes, errors): (Vec<String>, Vec<&str>) = unseen
        .map(|(address, error)| (format!("{address}: {error}"), error.as_str()))
        .unzip();
    let actions = explain::missing_actions(errors.into_iter());
    if actions.is_empty() {
        return None;
    }
    let mut failure = CliError::partly("all changes were applied, but some cannot be read back");
    failure.causes = causes;
    let actions = actions.join(", ");
    Some(failure.hint(format!(
        "allow {actions}, then run the same command again to verify and write the files"
    )))
}

/// Returns the name and address of a resource; for a part, its address, which contains the parent.
fn what(address: &Address, environment: &ConnectedEnvironment) -> String {
    let node = environment
        .blueprint
        .nodes()
        .iter()
        .find(|node| node.address == *address);
    match node.map(|node| &node.spec) {
        Some(AwsSpec::Key(key)) => format!("the KMS key behind {} ({address})", key.alias),
        Some(spec) if address.parent().is_none() => {
            format!("{} ({address})", describe(address, spec).title)
        }
        _ => address.to_string(),
    }
}

/// The result: the last line of `bootstrap --output json`.
#[derive(Serialize)]
struct BootstrapDocument<'a> {
    event: &'static str,
    project: &'a str,
    env: &'a str,
    account: &'a str,
    region: &'a str,
    bucket: &'a str,
    table: Option<&'a str>,
    kms_key: Option<&'a String>,
    files: Vec<FileMade>,
    next: Vec<String>,
    /// E-mail addresses with an unconfirmed subscription, which receive no alarms yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unconfirmed: Vec<String>,
}

#[derive(Serialize)]
struct FileMade {
    path: String,
    written: bool,
}

/// Prints the created backend, the next commands, and an equivalent command without questions.
///
/// `unconfirmed` are e-mail addresses with an unconfirmed subscription.
pub fn made(
    environment: &ConnectedEnvironment,
    outputs: &KnownOutputs,
    written: &[WrittenFile],
    unconfirmed: Vec<String>,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let settings = &environment.settings;
    let dir = environment.out(cx.host);
    let conf = settings
        .common
        .files
        .conf_file
        .for_env(&settings.common.env);
    let program = if which(cx, "terraform") || !which(cx, "tofu") {
        "terraform"
    } else {
        "tofu"
    };
    let out = settings.common.files.out.display().to_string();
    // Relative to the folder in which this command was started.
    let chdir = cx.global.chdir.clone().unwrap_or_default();
    let folder = if dir == cx.host.cwd {
        chdir
    } else {
        chdir.join(out)
    };
    let there = if folder.as_os_str().is_empty() {
        String::new()
    } else {
        format!("cd {} && ", shell_word(&folder.display().to_string()))
    };
    let lines = next_command(&dir, &conf)
        .command_lines(program, &conf)
        .into_iter();
    let next: Vec<String> = lines
        .map(|line| format!("{there}{}", environment.rerun.terraform(&line)))
        .collect();
    if cx.global.json() {
        let made = BootstrapDocument {
            event: "made",
            project: settings.common.project.as_str(),
            env: settings.common.env.as_str(),
            account: environment.aws.account(),
            region: settings.region.as_str(),
            bucket: &environment.names.state_bucket,
            table: settings
                .lock
                .uses_table()
                .then_some(&*environment.names.table),
            kms_key: outputs.get(&crate::backend::aws::blueprint::KEY),
            files: written
                .iter()
                .map(|file| FileMade {
                    path: file.path.display().to_string(),
                    written: matches!(file.outcome, FileOutcome::Written { .. }),
                })
                .collect(),
            next,
            unconfirmed,
        };
        return json::write_line(&mut *cx.host.out, made)
            .map_err(|error| CliError::failed("cannot write the output").because(&error));
    }
    let mut text = String::new();
    for (name, value) in resources(environment, outputs) {
        text.push_str(&format!("{name:<14} {value}\n"));
    }
    for file in written {
        let done = match &file.outcome {
            FileOutcome::Written {
                backup: Some(backup),
            } => format!("written; the previous file is now {}", backup.display()),
            FileOutcome::Written { backup: None } => "written".to_owned(),
            FileOutcome::Unchanged | FileOutcome::Refused(_) | FileOutcome::HeldBack => {
                "current".to_owned()
            }
        };
        text.push_str(&format!(
            "{:<14} {} ({done})\n",
            "file",
            file.path.display()
        ));
    }
    let lines: String = text
        .lines()
        .map(|line| format!("{}\n", crate::report::safe::safe(line)))
        .collect();
    cx.output(&lines)?;
    cx.status("");
    match &next[..] {
        [leave, bring] => {
            cx.status(
                "This folder now uses another state. To keep that state where it is and use this \
                 backend:",
            );
            cx.status(&format!("  {leave}"));
            cx.status("To copy that state into this backend:");
            cx.status(&format!("  {bring}"));
        }
        lines => {
            cx.status("Next:");
            for line in lines {
                cx.status(&format!("  {line}"));
            }
        }
    }
    if !unconfirmed.is_empty() {
        cx.status(&format!(
            "Confirm the e-mail from AWS to {}: until then that address receives no alarms.",
            unconfirmed.join(" and to ")
        ));
    }
    if environment.asked {
        // A key that is only the default of this folder is that of no other.
        let said = SettingsLayer {
            key: environment
                .said
                .key
                .clone()
                .filter(|_| environment.key_said),
            ..environment.said.clone()
        };
        let command = wizard::equivalent_command(environment.name(), &said);
        cx.status("The same without questions:");
        cx.status(&format!("  {command}{}", cx.global.words()));
    }
    Ok(())
}

fn resources(
    environment: &ConnectedEnvironment,
    outputs: &KnownOutputs,
) -> Vec<(&'static str, String)> {
    let ConnectedEnvironment {
        settings, names, ..
    } = environment;
    let mut lines = vec![("state bucket", names.state_bucket.clone())];
    if settings.has_log_bucket() {
        lines.push(("log bucket", names.log_bucket.clone()));
    }
    if settings.lock.uses_table() {
        lines.push(("lock table", names.table.clone()));
    }
    if let Some(key) = outputs.get(&crate::backend::aws::blueprint::KEY)
        && settings.encryption != EncryptionSettings::SseS3
    {
        lines.push(("key", key.clone()));
    }
    if settings.access.policy {
        lines.push((
            "runner policy",
            outputs
                .get(&crate::backend::aws::blueprint::RUNNER_POLICY)
                .unwrap_or(&names.policy)
                .clone(),
        ));
    }
    if let AlarmSettings::On { topic, .. } = &settings.alarms {
        let topic = match topic {
            TopicSettings::New { .. } => names.topic.clone(),
            TopicSettings::Existing { arn } => arn.to_string(),
        };
        lines.push(("alarms to", topic));
    }
    if settings.trail == TrailKind::New {
        lines.push(("trail", names.trail.clone()));
    }
    lines
}

/// Returns whether a program is on PATH.
fn which(cx: &Context<'_>, program: &str) -> bool {
    let path = cx.host.var("PATH").unwrap_or_default();
    std::env::split_paths(path).any(|dir| dir.join(program).is_file())
}
