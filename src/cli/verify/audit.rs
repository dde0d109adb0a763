//! `verify --bucket B` without an environment: a backend made by hand, by a module, by another
//! tool.

use super::{VerifyOptions, answer, document, ignore, resources};
use crate::{
    backend::aws::{
        AwsProvider, blueprint as aws_blueprint,
        blueprint::STATE_BUCKET,
        verify::{
            VerifiedBackend, account, catalogue, exposure,
            unmanaged::{self, UnmanagedBackend},
        },
    },
    checks::{CheckedPlace, files},
    cli::{
        context::Context,
        environment::EnvironmentArgs,
        explain,
        failure::CliError,
        session::{self, AccountSession, SandboxSession},
    },
    engine::observation::{Observed, ResourceOwner},
    exit,
    kind::BackendKind,
    report::findings::document::VerifiedEnvironment,
    settings::{
        file::SettingsFile,
        layer::{EncryptionKind, LockMechanism, SettingsLayer, TrailKind},
        merge::SettingsSources,
        names::{AccountId, BucketName, EnvName, ProfileName, Region},
        s3::{S3Settings, derived::DerivedNames},
    },
    store::location::BackendLocation,
    terraform::read::{ConfiguredBackend, configured::NotConfigured},
    text::shell::shell_word,
};

/// The region of the first call: S3 returns the region of the bucket.
const ANYWHERE: &str = "us-east-1";
/// A placeholder for names that are not looked up.
const NAMELESS: &str = "unknown";

pub(super) async fn run(
    args: EnvironmentArgs,
    options: &VerifyOptions,
    bucket: BucketName,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let sources = SettingsSources::read(cx.host, args.layer, cx.global.config.as_deref())
        .map_err(|error| explain::settings(&error))?;
    let said = sources.flags.clone();
    // No environment of the file is meant.
    let caller = SettingsLayer {
        account: said.account.clone(),
        ..said.credentials()
    }
    .or_credentials(&sources.variables);
    let sandbox = SandboxSession::find(cx.host, &cx.global)?;
    let start = start_region(&sources, caller.profile.as_ref(), sandbox.as_ref()).await?;
    let file = sources.file;
    let mut accepted = file
        .as_ref()
        .map(|file: &SettingsFile| file.accepted(None))
        .unwrap_or_default();
    let asked = ignore::asked(options)?;

    let connect =
        async |region: &Region, cx: &mut Context<'_>| -> Result<AccountSession, CliError> {
            session::connect(&caller, cx.host, &cx.global, sandbox.as_ref(), region).await
        };
    let mut notes = vec![];
    let mut region = start;
    let mut aws = connect(&region, cx)
        .await?
        .about(&settings(&said, &bucket, &region, None)?);
    let there = cx
        .until_cancelled(unmanaged::region(&aws, bucket.as_str()))
        .await?;
    let there = there.map_err(|error| {
        explain::aws(
            CliError::new(exit::FAILED, format!("cannot read bucket {bucket}")).because(&error),
            &error,
            None,
        )
    })?;
    let Some(there) = there else {
        return Err(CliError::failed(format!("there is no bucket {bucket}")));
    };
    if there != region.as_str() {
        notes.push(format!(
            "the bucket is in {there}, not in {region}; using {there}"
        ));
        region = there
            .parse()
            .map_err(|error| CliError::failed(format!("S3 returned an invalid region: {error}")))?;
        aws = connect(&region, cx)
            .await?
            .about(&settings(&said, &bucket, &region, None)?);
    }
    let found = cx
        .until_cancelled(UnmanagedBackend::look(&aws, bucket.as_str()))
        .await?;
    let found = found.map_err(|error| {
        explain::aws(
            CliError::failed(format!("cannot read the encryption of bucket {bucket}"))
                .because(&error),
            &error,
            None,
        )
    })?;
    let settings = settings(&said, &bucket, &region, Some(&found))?;
    ignore::keep(asked, &mut accepted, None, file.as_ref(), cx)?;
    let mut document = held_to(&settings, &said, &aws, &found, &accepted, options, cx).await?;
    document.notes.splice(0..0, notes);
    answer(&document, cx)
}

/// Returns the region from the settings or the profile, or any region.
async fn start_region(
    sources: &SettingsSources,
    profile: Option<&ProfileName>,
    sandbox: Option<&SandboxSession>,
) -> Result<Region, CliError> {
    if let Some(region) = sources
        .flags
        .region
        .clone()
        .or_else(|| sources.variables.region.clone())
    {
        return Ok(region);
    }
    if let Some((_, Ok(region))) = &sources.ambient_region {
        return Ok(region.clone());
    }
    let profile = session::default_region(profile.and_then(ProfileName::chosen), sandbox).await;
    profile
        .as_deref()
        .unwrap_or(ANYWHERE)
        .parse()
        .map_err(|error| {
            CliError::failed(format!("the region of the profile cannot be used: {error}"))
                .hint("pass --region")
        })
}

/// Returns the expected backend of this bucket and table, as far as it can be derived.
fn settings(
    said: &SettingsLayer,
    bucket: &BucketName,
    region: &Region,
    found: Option<&UnmanagedBackend>,
) -> Result<S3Settings, CliError> {
    let own_key = found
        .and_then(|found| found.key.as_ref())
        .and_then(|key| key.arn.parse().ok());
    let layer = SettingsLayer {
        project: NAMELESS.parse().ok(),
        region: Some(region.clone()),
        account: said.account.clone(),
        bucket: Some(bucket.clone()),
        table: said.table.clone(),
        key: said.key.clone(),
        lock: Some(if said.table.is_some() {
            LockMechanism::Dynamodb
        } else {
            LockMechanism::S3
        }),
        encryption: own_key.is_none().then_some(EncryptionKind::SseS3),
        kms_key: own_key,
        alarms: Some(false),
        policy: Some(false),
        access_logs: Some(false),
        trail: Some(TrailKind::Existing(None)),
        ..SettingsLayer::default()
    };
    let sources = SettingsSources {
        flags: layer,
        ..SettingsSources::default()
    };
    let env: EnvName = NAMELESS
        .parse()
        .map_err(|error| CliError::failed(format!("{error}")))?;
    sources
        .merged(&env)
        .resolve(&env)
        .map_err(|error| explain::settings(&error))
}

async fn held_to(
    settings: &S3Settings,
    said: &SettingsLayer,
    aws: &AwsProvider,
    found: &UnmanagedBackend,
    accepted: &[crate::checks::accept::AcceptedFinding],
    options: &VerifyOptions,
    cx: &mut Context<'_>,
) -> Result<crate::report::findings::document::VerifyDocument, CliError> {
    let account: AccountId = aws.account().parse().map_err(|error| {
        CliError::failed(format!("AWS returned an invalid account ID: {error}"))
    })?;
    let names = DerivedNames::new(settings, &account);
    let blueprint = aws_blueprint::blueprint(settings, &names, aws);
    let table = settings.lock.uses_table().then(|| names.table.clone());
    let about = account::SurveyScope {
        bucket: &names.state_bucket,
        table: table.as_deref(),
        own_alarms: vec![],
        policy: None,
    };
    let place = CheckedPlace::at(
        &STATE_BUCKET,
        Some(format!(
            "arn:{}:s3:::{}",
            aws.caller.partition, names.state_bucket
        )),
    );
    // An AWS managed key has no grants to others.
    let key = found
        .key
        .as_ref()
        .filter(|key| !key.managed)
        .map(|key| &*key.arn);
    let beside = exposure::ExposureInputs {
        bucket: &names.state_bucket,
        table: table.as_deref(),
        key,
    };
    let looking = async {
        tokio::join!(
            crate::backend::aws::resources::observe(aws, &blueprint),
            account::checks(aws, &about),
            exposure::checks(aws, &beside),
            unmanaged::what_else(
                aws,
                &names.state_bucket,
                table.as_deref(),
                found.key.as_ref()
            )
        )
    };
    let (mut observation, surveyed, exposed, what_else) =
        cx.busy_with("checking the bucket", looking).await?;
    // The owner is not relevant for its safety.
    for seen in observation.values_mut() {
        if let Observed::Present { owner, .. } = seen {
            *owner = ResourceOwner::Unmanaged;
        }
    }
    let remediation = remediation(settings, found) + &cx.global.words();
    let backend = VerifiedBackend {
        aws,
        blueprint: &blueprint,
        observation: &observation,
        remediation: &remediation,
        lock_files: table.is_none(),
        tagged: false,
        describe: crate::report::plan::found,
    };
    let mut checked = backend.checks();
    // The default key of the bucket is used here; other checks judge it.
    checked.retain(|one| !std::ptr::eq(one.check, &catalogue::KEY) || one.is_finding());
    checked.extend(found.checks(&place, &remediation));
    unmanaged::hold_table_to_a_key(&mut checked, &observation, &remediation);
    unmanaged::make_a_trail(&mut checked, &remediation);
    checked.push(unmanaged::alarmed(&surveyed, place, &remediation));
    checked.extend(surveyed);
    checked.extend(what_else);
    checked.extend(exposed);
    let (of_files, unsupported) = of_files(settings, cx).await?;
    checked.extend(of_files);
    let of = super::live::InUse {
        bucket: &names.state_bucket,
        table: table.clone(),
        settings,
        lock: table.is_some().then_some(settings.lock),
        only: said.key.as_ref().map(ToString::to_string),
    };
    let key = found.key.as_ref().map(|key| key.arn.clone());
    let target = of.target(aws, key.clone());
    if options.usage {
        let at = super::now(cx);
        checked.extend(
            cx.until_cancelled(super::live::live_use(
                aws,
                &of,
                async { Ok(key) },
                options,
                at,
            ))
            .await?,
        );
    }
    let (probed, notes) = super::probe::run(aws, &target, &remediation, &options.probe, cx).await?;
    checked.extend(probed);
    let words = words(settings, said) + &cx.global.words();
    super::fixes::name_backend(&mut checked, |name, more| {
        ["state ", "lock "]
            .iter()
            .any(|group| name.starts_with(group))
            .then(|| format!("tfbackend {name}{more}{words}"))
    });
    let mut location = vec![
        ("bucket", names.state_bucket.clone()),
        ("region", settings.region.to_string()),
    ];
    location.extend(table.clone().map(|table| ("dynamodb_table", table)));
    let who = VerifiedEnvironment {
        project: None,
        env: None,
        backend: Some(BackendLocation::new(BackendKind::S3, location)),
        account: Some(account.to_string()),
        region: Some(settings.region.to_string()),
        bucket: Some(names.state_bucket.clone()),
        table,
    };
    let mut document = document(who, &checked, accepted, options.min_severity.into(), cx);
    document.resources = resources(&blueprint, &observation);
    document.notes.extend(notes);
    document.notes.extend(unsupported);
    Ok(document)
}

/// The current folder, if it is of this bucket; and a note where it has its state elsewhere.
async fn of_files(
    settings: &S3Settings,
    cx: &mut Context<'_>,
) -> Result<(Vec<crate::checks::CheckResult>, Option<String>), CliError> {
    let mut folder = super::read_folder(&cx.host.cwd, &[], cx)?;
    if let Err(error @ NotConfigured::StateStore { .. }) =
        ConfiguredBackend::of_folder(&folder, &[])
    {
        let error = error
            .to_string()
            .replace(&format!("{}/", cx.host.cwd.display()), "");
        return Ok((
            vec![],
            Some(format!(
                "the files of this folder were not checked: {error}"
            )),
        ));
    }
    let is_of_it = |configured: &ConfiguredBackend| {
        settings
            .bucket
            .name
            .as_ref()
            .is_some_and(|name| configured.bucket.value == name.as_str())
    };
    if !ConfiguredBackend::candidates(&folder).iter().any(is_of_it) {
        return Ok((vec![], None));
    }
    super::engine::add_installed(&mut folder, &cx.host.vars).await;
    Ok((
        super::named_from(&cx.host.cwd, files::check(&folder, None, true)),
        None,
    ))
}

/// Returns the words that name the bucket for `state` and `lock` commands.
fn words(settings: &S3Settings, said: &SettingsLayer) -> String {
    let word = |(name, value): (&str, Option<String>)| {
        value.map(|value| format!(" --{name} {}", shell_word(&value)))
    };
    let named = [
        (
            "bucket",
            settings.bucket.name.as_ref().map(ToString::to_string),
        ),
        ("region", Some(settings.region.to_string())),
        ("table", said.table.as_ref().map(ToString::to_string)),
        ("key", said.key.as_ref().map(ToString::to_string)),
    ];
    named.into_iter().filter_map(word).collect()
}

/// Returns the `bootstrap --adopt` command that fixes all findings, with placeholders for names.
fn remediation(settings: &S3Settings, found: &UnmanagedBackend) -> String {
    let bucket = settings
        .bucket
        .name
        .as_ref()
        .map(|name| format!(" --bucket {name}"))
        .unwrap_or_default();
    let table = settings
        .table
        .name
        .as_ref()
        .map(|name| format!(" --table {name}"))
        .unwrap_or_default();
    let key = found
        .key
        .as_ref()
        .filter(|key| !key.managed)
        .map(|key| format!(" --kms-key {}", key.arn))
        .unwrap_or_default();
    format!(
        "tfbackend bootstrap --env NAME --project NAME --region {}{bucket}{table}{key} --adopt",
        settings.region
    )
}
