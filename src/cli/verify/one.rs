//! Verifies one environment: all reads at once, with the settings that follow from existing
//! resources.

use crate::backend::{aws::provider::S3Provider, provider::Provider};
use std::future::Future;

use tokio::sync::oneshot;

use super::{
    VerifyOptions, document, fixes,
    live::{InUse, NoBucket, live_use},
    now, of_files, probe, resources, tf_file,
};
use crate::{
    backend::aws::{
        blueprint::{KEY, STATE_BUCKET},
        resources::AwsSpec,
        verify::{
            VerifiedBackend, account, catalogue,
            expected::{self, OfStates},
            exposure, subscribers,
        },
    },
    checks::{CheckResult, CheckedPlace, Verdict, accept::AcceptedFinding},
    cli::{
        adoption, context::Context, environment::ConnectedEnvironment, failure::CliError, summary,
        wizard,
    },
    engine::{
        observation::{self, Observation, Observed},
        plan::{BlockReason, SettingChange},
    },
    report::findings::document::{VerifiedEnvironment, VerifyDocument},
    settings::{
        options::said,
        s3::{EncryptionSettings, S3Settings, derived::DerivedNames},
    },
};

pub(super) async fn of_environment(
    environment: ConnectedEnvironment,
    accepted: &[AcceptedFinding],
    options: &VerifyOptions,
    cx: &mut Context<'_>,
) -> Result<VerifyDocument, CliError> {
    let at = now(cx);
    // All at once: each takes two round trips, and none has to wait for another. The settings may
    // turn out to be others: then what depends on them is looked at again.
    let (tell, told) = oneshot::channel();
    let inspecting = async {
        let inspection = environment.inspect(false).await;
        let _ = tell.send(inspection.as_ref().map_or_else(
            |_| AroundInputs::default(),
            |it| AroundInputs::of(&it.observation),
        ));
        inspection
    };
    let told = async { told.await.unwrap_or_default() };
    // In boxes: together they are larger than what a stack has room for.
    let looking = async {
        tokio::join!(
            Box::pin(inspecting),
            Box::pin(around(&environment, told, options, at))
        )
    };
    let (inspection, mut others) = cx.busy_with("checking the backend", looking).await?;
    let guessed = surroundings(&environment);
    let (environment, observation) = environment.as_inspected(inspection?);
    if surroundings(&environment) != guessed {
        others = cx
            .until_cancelled(Box::pin(around(
                &environment,
                async { AroundInputs::of(&observation) },
                options,
                at,
            )))
            .await?;
    }
    judge(environment, &observation, others, accepted, options, cx).await
}

/// The inputs that the checks of [`around`] wait for.
#[derive(Clone, Debug, Default)]
struct AroundInputs {
    /// True if there is a bucket for states.
    bucket: bool,
    /// The ARN of the key that they should be encrypted with.
    key: Option<String>,
}

impl AroundInputs {
    fn of(observation: &Observation<AwsSpec>) -> Self {
        let bucket = matches!(
            observation.get(&STATE_BUCKET),
            Some(Observed::Present { .. })
        );
        Self {
            bucket,
            key: observation::outputs(observation).remove(&KEY),
        }
    }
}

fn table_of(environment: &ConnectedEnvironment) -> Option<String> {
    environment
        .provider
        .settings
        .lock
        .uses_table()
        .then(|| environment.provider.names.table.clone())
}

/// Returns the inputs that the checks of [`around`] depend on.
fn surroundings(environment: &ConnectedEnvironment) -> (S3Settings, DerivedNames) {
    (
        environment.provider.settings.clone(),
        environment.provider.names.clone(),
    )
}

/// Checks outside of the blueprint: the account, alarm subscribers, and the states.
async fn around(
    environment: &ConnectedEnvironment,
    told: impl Future<Output = AroundInputs>,
    options: &VerifyOptions,
    at: jiff::Timestamp,
) -> Vec<CheckResult> {
    let S3Provider {
        names,
        aws: account,
        blueprint,
        ..
    } = &environment.provider;
    let table = table_of(environment);
    let own_alarms = blueprint
        .nodes()
        .iter()
        .filter_map(|node| match &node.spec {
            AwsSpec::Alarm(alarm) => Some(&*alarm.name),
            _ => None,
        });
    let about = account::SurveyScope {
        bucket: &names.state_bucket,
        table: table.as_deref(),
        own_alarms: own_alarms.collect(),
        policy: blueprint.nodes().iter().find_map(|node| match &node.spec {
            AwsSpec::Policy(policy) => Some(policy),
            _ => None,
        }),
    };
    let of = in_use(environment, table.clone());
    let of_states = async {
        Some(told.await)
            .filter(|told| told.bucket)
            .map(|told| told.key)
            .ok_or(NoBucket)
    };
    let using = async {
        if options.usage {
            live_use(account, &of, of_states, options, at).await
        } else {
            vec![]
        }
    };
    let alias = match &environment.provider.settings.encryption {
        EncryptionSettings::NewKey { .. } => Some(names.key_alias.as_str()),
        EncryptionSettings::OwnKey { arn } => Some(arn.as_str()),
        EncryptionSettings::SseS3 => None,
    };
    let beside = exposure::ExposureInputs {
        bucket: &names.state_bucket,
        table: table.as_deref(),
        key: alias,
    };
    let (surveyed, exposed, listened, used) = tokio::join!(
        Box::pin(account::checks(account, &about)),
        Box::pin(exposure::checks(account, &beside)),
        Box::pin(subscribers::checks(account, blueprint)),
        Box::pin(using)
    );
    surveyed
        .into_iter()
        .chain(exposed)
        .chain(listened)
        .chain(used)
        .collect()
}

fn in_use(environment: &ConnectedEnvironment, table: Option<String>) -> InUse<'_> {
    let S3Provider {
        settings, names, ..
    } = &environment.provider;
    InUse {
        bucket: &names.state_bucket,
        table,
        settings,
        lock: Some(settings.lock),
        only: None,
    }
}

/// Compares the observation with the settings.
async fn judge(
    environment: ConnectedEnvironment,
    observation: &Observation<AwsSpec>,
    others: Vec<CheckResult>,
    accepted: &[AcceptedFinding],
    options: &VerifyOptions,
    cx: &mut Context<'_>,
) -> Result<VerifyDocument, CliError> {
    let S3Provider {
        settings,
        names,
        aws: account,
        ..
    } = &environment.provider;
    // What is kept and protects less than a default is judged by the default, until something says
    // it.
    let blueprint = environment
        .judged
        .as_ref()
        .unwrap_or(&environment.provider.blueprint);
    let remediation = wizard::command(
        "bootstrap",
        environment.name(),
        &environment.flags_to_mend(),
    ) + &cx.global.words();
    let backend = VerifiedBackend {
        aws: account,
        blueprint,
        observation,
        remediation: &remediation,
        lock_files: settings.lock.uses_lockfile(),
        tagged: true,
        describe: crate::report::plan::found,
    };
    let mut checked = backend.checks();
    adoption::name_enforce(&mut checked, &environment, observation, &remediation, cx).await?;
    checked.push(settings_live(&environment));
    checked.extend(others);
    checked.extend(of_files(&environment, observation, cx).await?);
    let states = OfStates {
        bucket: &names.state_bucket,
        usage: options.usage,
        contents: options.read_states,
    };
    expected::complete_beside(&mut checked, &environment.provider.blueprint, &states);
    let mut notes = notes_of(&environment, cx.global.document());
    // A principal with only the runner policy cannot read the bucket, and can still run the probe.
    if !matches!(
        observation.get(&STATE_BUCKET),
        None | Some(Observed::Absent)
    ) {
        let key = observation::outputs(observation).get(&KEY).cloned();
        let target = in_use(&environment, table_of(&environment)).target(account, key);
        let (probed, said) = probe::run(account, &target, &remediation, &options.probe, cx).await?;
        checked.extend(probed);
        notes.extend(said);
    }
    fixes::name_backend(&mut checked, |name, more| match name.split(' ').next() {
        Some("state" | "lock") => Some(environment.rerun.of_target(name, more, &[])),
        Some("bootstrap" | "teardown" | "policy") => {
            Some(environment.rerun.command(name, more, &[]))
        }
        _ => None,
    });
    let who = VerifiedEnvironment {
        project: Some(settings.common.project.to_string()),
        env: Some(settings.common.env.to_string()),
        backend: Some(environment.location()),
        account: Some(account.account().to_owned()),
        region: Some(settings.region.to_string()),
        bucket: Some(names.state_bucket.clone()),
        table: table_of(&environment),
    };
    let mut document = document(who, &checked, accepted, options.min_severity.into(), cx);
    document.resources = resources(&environment.provider.blueprint, observation);
    if matches!(observation.get(&STATE_BUCKET), Some(Observed::Absent)) {
        document.score_nothing();
    }
    document.file = tf_file(&environment, cx);
    if document.resources.iter().all(|resource| !resource.present) {
        document.notes.push(format!(
            "this environment does not exist; `{}` creates it",
            environment.rerun.command("bootstrap", "", &[])
        ));
    }
    document.notes.extend(notes);
    Ok(document)
}

/// Checks whether the settings match the existing backend.
fn settings_live(environment: &ConnectedEnvironment) -> CheckResult {
    let refused: Vec<(String, String)> = environment
        .changes
        .iter()
        .filter_map(|change| match change {
            SettingChange::Refused {
                reason: BlockReason::NeedsOrder { what, remedy },
                ..
            } => Some((what.clone(), remedy.clone())),
            SettingChange::Refused { .. } | SettingChange::Consequence { .. } => None,
        })
        .collect();
    let verdict = match refused.is_empty() {
        true => Verdict::Holds,
        false => {
            let (found, remediation): (Vec<String>, Vec<String>) = refused.into_iter().unzip();
            Verdict::Fails {
                found: found.join("; "),
                remediation: remediation.join("; "),
            }
        }
    };
    CheckResult::new(
        &catalogue::SETTINGS_LIVE,
        CheckedPlace::named(environment.provider.title()),
        verdict,
    )
}

/// Returns notes about existing values that are kept, and resources that the settings exclude.
fn notes_of(environment: &ConnectedEnvironment, is_document: bool) -> Vec<String> {
    let mut notes = if is_document {
        environment.notes.clone()
    } else {
        vec![]
    };
    notes.extend(summary::kept_lines(environment));
    let weaker: Vec<String> = said(&environment.weaker).keys().cloned().collect();
    if !weaker.is_empty() {
        let names = weaker.join(", ");
        notes.push(format!(
            "{names}: protects less than the default, and no setting asks for it; if that is \
             intended, set it in tfbackend.toml"
        ));
    }
    notes
}
