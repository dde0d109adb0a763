//! `tfbackend config`: the settings of an environment, where each comes from, and the file that
//! keeps them.

use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    context::Context,
    environment::{EnvironmentArgs, Prompting},
    explain,
    failure::CliError,
    folder_settings, known_env,
    local::LocalEnvironment,
    save::{self, SaveRequest},
    session::{self, SandboxSession},
};
use crate::{
    backend::{local::provider::LocalProvider, provider::Provider},
    exit,
    kind::BackendKind,
    report::{json, table::TextTable},
    settings::{local::LocalSettings, merge::SettingOrigin, rerun::RerunArguments, s3::S3Settings},
    store::location::BackendLocation,
};

/// Show the settings of an environment, or write them to tfbackend.toml
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Subcommand, Clone, Debug)]
pub enum ConfigCommand {
    /// Print every setting and its source; AWS is not called
    Show {
        #[command(flatten)]
        environment: Box<EnvironmentArgs>,
    },
    /// Add an environment to tfbackend.toml, asking for settings that are not given; AWS is not
    /// called
    Init {
        #[command(flatten)]
        environment: Box<EnvironmentArgs>,
    },
}

pub(crate) async fn run(args: ConfigArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    match args.command {
        ConfigCommand::Show { environment } => show(*environment, cx),
        ConfigCommand::Init { environment } => init(*environment, cx).await,
    }
}

/// Stands behind the version of the format.
#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct ConfigDocument {
    env: String,
    backend: BackendLocation,
    settings: Vec<ConfigRow>,
}

#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct InitDocument {
    env: String,
    backend: BackendLocation,
    /// The settings file.
    written: String,
}

#[derive(Serialize, JsonSchema)]
struct ConfigRow {
    name: String,
    value: Value,
    /// `from` is the source; a variable has its `name`, a file its `path` and `line`.
    #[schemars(with = "serde_json::Map<String, Value>")]
    origin: SettingOrigin,
}

/// Prints the settings and the values in tfbackend's file in the folder; AWS is not called. Prints
/// contradicting settings as well, and then reports the errors.
pub(crate) fn show(args: EnvironmentArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let (env, sources, mut merged, _) = args.merge(cx.host, &cx.global, Prompting::Never)?;
    let is_s3 = merged.kind == BackendKind::S3;
    if is_s3 && merged.layer.region.is_none() {
        let sandbox = SandboxSession::find(cx.host, &cx.global)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| CliError::failed("cannot start").because(&error))?;
        merged = runtime.block_on(session::with_region(merged, sandbox.as_ref()));
    }
    if is_s3
        && let Ok(settings) = merged.resolve(&env)
        && let Some(file) =
            folder_settings::find(&cx.host.cwd.join(&settings.common.files.out), &settings)
    {
        merged = merged.with_kept(&file.read(&settings, true).layer());
    }
    let plan = RerunArguments::new(
        &env,
        &merged,
        known_env::words(&env, &sources, &cx.global),
        cx.global.sandbox,
    )
    .command("plan", "", &[]);
    let resolved = match merged.kind {
        BackendKind::S3 => merged.resolve(&env).map(|settings| s3_location(&settings)),
        BackendKind::Local => {
            LocalSettings::resolve(&merged, &env).map(|settings| local_location(&settings))
        }
    };
    let resolved = resolved.map_err(|error| explain::settings(&error));
    if cx.global.json() {
        let backend = resolved?;
        let settings = merged
            .rows()
            .into_iter()
            .map(|(name, value, origin)| ConfigRow {
                name,
                value,
                origin,
            })
            .collect();
        let shown = ConfigDocument {
            env: env.to_string(),
            backend,
            settings,
        };
        json::write_document(&mut *cx.host.out, shown)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(exit::DONE);
    }
    let mut table = TextTable::new(["SETTING", "VALUE", "FROM"]);
    for (name, value, origin) in merged.rows() {
        table.row([&name, &text(&value), &origin.to_string()]);
    }
    let view = cx.global.out_view(cx.host);
    cx.output(&table.text(&view))?;
    if !is_s3 {
        return resolved.map(|_| exit::DONE);
    }
    cx.status(&format!(
        "AWS was not called. An existing backend keeps its own values instead of defaults; to see \
         them: {plan}"
    ));
    resolved.map(|_| exit::DONE)
}

/// What the settings say of the location. The account, which names without a setting contain, is
/// unknown.
fn s3_location(settings: &S3Settings) -> BackendLocation {
    let mut location = vec![
        ("key", settings.key.to_string()),
        ("region", settings.region.to_string()),
    ];
    let bucket = settings.bucket.name.as_ref();
    location.extend(bucket.map(|name| ("bucket", name.to_string())));
    let table = settings.table.name.as_ref();
    let table = table.filter(|_| settings.lock.uses_table());
    location.extend(table.map(|name| ("dynamodb_table", name.to_string())));
    BackendLocation::new(BackendKind::S3, location)
}

fn local_location(settings: &LocalSettings) -> BackendLocation {
    let provider = LocalProvider::new(settings.clone());
    BackendLocation::new(LocalProvider::KIND, provider.location())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

async fn init(args: EnvironmentArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let args = EnvironmentArgs {
        new_env: true,
        ..args
    };
    let (env, backend, save) = match args.kind(cx.host, &cx.global)? {
        BackendKind::S3 => {
            let resolved = args.resolve(cx.host, &cx.global, Prompting::Person).await?;
            let save = save::prepare(&SaveRequest::of(&resolved), cx.host)?;
            let backend = s3_location(&resolved.settings);
            (resolved.settings.common.env, backend, save)
        }
        BackendKind::Local => {
            let environment = LocalEnvironment::open(args, Prompting::Person, cx)?;
            let save = save::prepare(&environment.save_request(), cx.host)?;
            (environment.name().clone(), environment.location(), save)
        }
    };
    save.write()?;
    if cx.global.json() {
        let document = InitDocument {
            env: env.to_string(),
            backend,
            written: save.shown().to_owned(),
        };
        json::write_document(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(exit::DONE);
    }
    cx.output(&format!("{} written\n", save.shown()))?;
    cx.status("Next:");
    cx.status(&format!(
        "  tfbackend bootstrap --env {}{}",
        env,
        cx.global.words()
    ));
    Ok(exit::DONE)
}
