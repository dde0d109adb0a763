//! The output of a bootstrap: the plan, and after it the created backend and the next commands.

use crate::{
    backend::{aws::provider::S3Provider, provider::Provider},
    kind::BackendKind,
    text::shell::shell_word,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    context::Context, environment::ConnectedEnvironment, failure::CliError, installed_engine,
    provision, wizard,
};
use crate::{
    backend::aws::{
        blueprint::{STATE_BUCKET, TOPIC},
        resources::AwsSpec,
        teardown::prune,
        verify::external_access,
    },
    checks::Verdict,
    engine::{
        observation::{Observation, Observed},
        plan::{Plan, PlannedChange, SettingChange},
        spec::{Address, KnownOutputs, Spec},
    },
    report::{
        json,
        plan::document::{KeptSetting, UnwantedResource},
    },
    settings::{
        layer::{LockMechanism, SettingsLayer, TrailKind},
        options::said,
        s3::{AlarmSettings, EncryptionSettings, TopicSettings},
    },
    store::location::BackendLocation,
    terraform::{
        read::{TerraformEngine, next::next_command},
        write::files::{FileOutcome, WrittenFile},
    },
    text::words,
};

pub(crate) fn show_plan(
    plan: &Plan<AwsSpec>,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) {
    cx.status(&environment.provider.title());
    say_kept(environment, cx);
    provision::show_steps(plan, cx);
    if environment.provider.settings.lock == LockMechanism::Dynamodb {
        let migrate = environment
            .rerun
            .of_target("lock migrate", " --to both", &[]);
        let is_new = plan.steps.iter().any(|step| {
            step.address == STATE_BUCKET && matches!(step.change, PlannedChange::Create { .. })
        });
        cx.status_wrapped(&if is_new {
            "`dynamodb_table` is deprecated since Terraform 1.11; `--lock s3` locks with an object \
             beside the state."
                .to_owned()
        } else {
            format!("`dynamodb_table` is deprecated since Terraform 1.11; to move: `{migrate}`.")
        });
    }
}

/// Returns warnings for policies that allow principals of other accounts: statements of others are
/// kept and reported.
pub(crate) fn say_openings(
    observation: &Observation<AwsSpec>,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) {
    for checked in
        external_access::checks(observation, environment.provider.aws.account(), &|_| None)
    {
        if let Verdict::Fails { found, .. } = &checked.verdict {
            let address = checked
                .place
                .address
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            cx.status(&format!(
                "warning: {address}: {found}; `tfbackend verify` says more"
            ));
        }
    }
}

/// Returns a note if alarms go to a new topic without any subscription.
pub(crate) fn say_unheard(
    observation: &Observation<AwsSpec>,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) {
    let has = |kind: &dyn Fn(&AwsSpec) -> bool| {
        environment
            .provider
            .blueprint
            .nodes()
            .iter()
            .any(|node| kind(&node.spec))
    };
    let is_new = matches!(observation.get(&TOPIC), Some(Observed::Absent))
        && has(&|spec| matches!(spec, AwsSpec::Topic(_)));
    if is_new && !has(&|spec| matches!(spec, AwsSpec::Subscription(_))) {
        cx.status_wrapped(&format!(
            "note: alarms notify topic {}, which has no subscription: pass --alarm-email, or \
             subscribe to it yourself",
            environment.provider.names.topic
        ));
    }
}

/// The e-mail addresses with unconfirmed or new subscriptions.
pub(crate) fn unconfirmed(
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
        .provider
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
pub(crate) fn say_kept(environment: &ConnectedEnvironment, cx: &mut Context<'_>) {
    for line in kept_lines(environment) {
        cx.status(&line);
    }
}

pub(crate) fn kept_lines(environment: &ConnectedEnvironment) -> Vec<String> {
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
pub(crate) fn refused_changes(environment: &ConnectedEnvironment) -> Vec<String> {
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
pub(crate) fn must_not_be_refused(refused: &[String]) -> Result<(), CliError> {
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
pub(crate) fn kept_settings(environment: &ConnectedEnvironment) -> Vec<KeptSetting> {
    said(&environment.kept)
        .into_iter()
        .map(|(name, value)| KeptSetting { name, value })
        .collect()
}

pub(crate) fn unwanted(environment: &ConnectedEnvironment) -> Vec<UnwantedResource> {
    let all = environment.unwanted.iter();
    all.map(|one| UnwantedResource {
        address: one.node.address.clone(),
        title: one.spec.title(),
    })
    .collect()
}

/// The result: the last line of `bootstrap --output json`.
#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct BootstrapDocument<'a> {
    event: &'static str,
    project: &'a str,
    env: &'a str,
    backend: BackendLocation,
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

#[derive(Serialize, JsonSchema)]
struct FileMade {
    path: String,
    written: bool,
}

/// Prints the created backend, the next commands, and an equivalent command without questions.
///
/// `unconfirmed` are e-mail addresses with an unconfirmed subscription; `saved` says that the
/// settings are in tfbackend.toml.
pub(crate) fn made(
    environment: &ConnectedEnvironment,
    outputs: &KnownOutputs,
    written: &[WrittenFile],
    unconfirmed: Vec<String>,
    saved: bool,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let settings = &environment.provider.settings;
    let dir = crate::cli::files::out(&environment.provider, cx.host);
    let conf = settings
        .common
        .files
        .conf_file
        .for_env(&settings.common.env);
    let on_path = |engine| installed_engine::program(engine, &cx.host.vars).is_some();
    let program = if on_path(TerraformEngine::Terraform) || !on_path(TerraformEngine::OpenTofu) {
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
    let program = environment.rerun.terraform(program);
    let lines = next_command(&dir, &conf, BackendKind::S3)
        .command_lines(&program, &cx.global.aws_words(), &conf)
        .into_iter();
    let next: Vec<String> = lines.map(|line| format!("{there}{line}")).collect();
    if cx.global.json() {
        let made = BootstrapDocument {
            event: "made",
            project: settings.common.project.as_str(),
            env: settings.common.env.as_str(),
            backend: environment.location(),
            account: environment.provider.aws.account(),
            region: settings.region.as_str(),
            bucket: &environment.provider.names.state_bucket,
            table: settings
                .lock
                .uses_table()
                .then_some(&*environment.provider.names.table),
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
        let said = if saved {
            SettingsLayer::default()
        } else {
            said
        };
        let command = wizard::equivalent_command(environment.name(), &said);
        cx.status("The same without questions:");
        let words = cx.global.words();
        cx.status_command(&format!("{command}{words}"));
    }
    Ok(())
}

fn resources(
    environment: &ConnectedEnvironment,
    outputs: &KnownOutputs,
) -> Vec<(&'static str, String)> {
    let S3Provider {
        settings, names, ..
    } = &environment.provider;
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
