//! Resolves arguments to an environment: its settings, its account, and its blueprint.

use crate::{backend::provider::Provider, store::location::BackendLocation};
use std::path::PathBuf;

use clap::Args;

use super::{
    busy::BusySpinner,
    explain,
    failure::CliError,
    folder_defaults,
    global::GlobalOptions,
    known_env,
    session::{self, AccountSession, SandboxSession},
    wizard::{self, UnfinishedAnswers, WizardAnswers},
};
use crate::{
    backend::aws::{
        blueprint,
        live_settings::{FolderSettings, InspectOptions, Inspection, LeftOutResource, locks},
        provider::S3Provider,
        resources::AwsSpec,
    },
    engine::{
        blueprint::Blueprint,
        observation::Observation,
        plan::{Plan, SettingChange},
    },
    exit,
    host::{Host, Prompt, PromptError},
    kind::BackendKind,
    report::plan::document::PlanSubject,
    settings::{
        defaults,
        file::SettingsFile,
        layer::SettingsLayer,
        merge::{MergedSettings, SettingsSources},
        names::{AccountId, EnvName, ProfileName, Region},
        options::{layer_of, said},
        rerun::RerunArguments,
        s3::{CredentialSettings, S3Settings, derived::DerivedNames},
        variables,
    },
    terraform::write::s3::EmulatorEndpoint,
};

mod live;
mod questions;

use questions::ask_for_groups;

use live::{account_of, beside_of, for_runs, is_live, of_runs};

/// The environment and its options on the command line.
#[derive(Args, Clone, Debug)]
pub struct EnvironmentArgs {
    /// Environment, such as `prod`; part of every name
    #[arg(long, short, value_name = "NAME", help_heading = "Environment")]
    pub env: Option<EnvName>,

    /// Allow an environment that is not in tfbackend.toml, although the file has others
    #[arg(long, help_heading = "Environment")]
    pub new_env: bool,

    #[command(flatten)]
    pub layer: SettingsLayer,
}

/// An environment in its account, before any of its resources is read.
pub struct ConnectedEnvironment {
    /// Until an [`adoption`](super::adoption) is complete, a part of its blueprint waits.
    pub provider: S3Provider,
    /// The merged flags, variables, file and answers.
    pub said: SettingsLayer,
    /// The options of the command line.
    pub flags: SettingsLayer,
    /// Words that name it on a command line.
    pub rerun: RerunArguments,
    /// True if the user was asked for any setting.
    pub asked: bool,
    /// True if the user can be asked.
    pub may_ask: bool,
    /// True if the state key was set for this folder and is not its default.
    pub key_said: bool,
    pub merged: MergedSettings,
    /// The settings in tfbackend's file in its folder.
    pub beside: FolderSettings,
    /// Existing values that no source sets and that differ from the defaults: they are kept.
    pub kept: SettingsLayer,
    /// Those of them that protect less than the defaults.
    pub weaker: SettingsLayer,
    /// The blueprint with the defaults in their place, by which it is judged; `None` if there are
    /// none.
    pub judged: Option<Blueprint<AwsSpec>>,
    /// Existing resources that the settings exclude. Empty before the inspection.
    pub unwanted: Vec<LeftOutResource>,
    /// Changed settings that its states depend on. Empty before the inspection.
    pub changes: Vec<SettingChange>,
    /// True if its state bucket exists.
    pub live: bool,
    /// The credentials that a settings file chose.
    pub notes: Vec<String>,
}

/// A requested environment, before any call to AWS.
pub struct ResolvedEnvironment {
    pub settings: S3Settings,
    pub merged: MergedSettings,
    pub sources: SettingsSources,
    /// True if the user was asked for any setting.
    pub asked: bool,
    /// True if the user can be asked.
    pub may_ask: bool,
    sandbox: Option<SandboxSession>,
    connected: Option<AccountSession>,
    /// The settings of a saved plan, instead of all other sources.
    plan: Option<SettingsLayer>,
}

/// Selects whether the user is asked for missing settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompting {
    Never,
    /// The user, if there is a terminal.
    Person,
    /// The same, after AWS accepted the credentials, so that invalid credentials are reported
    /// before ten questions.
    PersonKnownToAws,
}

impl EnvironmentArgs {
    /// Returns whether any source names the environment.
    pub fn is_named(&self, host: &Host) -> bool {
        self.env.is_some() || host.var("TFBACKEND_ENV").is_some()
    }

    /// Returns the backend kind of the environment, before it is resolved.
    ///
    /// # Errors
    /// If a source cannot be read.
    pub fn kind(&self, host: &Host, global: &GlobalOptions) -> Result<BackendKind, CliError> {
        if let Some(kind) = self.layer.backend {
            return Ok(kind);
        }
        let said = variables::read(&host.vars).map_err(|error| explain::settings(&error))?;
        if let Some(kind) = said.backend {
            return Ok(kind);
        }
        let env = self.env(host)?;
        let named = global
            .config
            .clone()
            .or_else(|| host.var("TFBACKEND_CONFIG").map(PathBuf::from));
        // `--new-env` does not mean the only existing environment.
        let env = match (&env, self.new_env) {
            (Some(env), _) => Some(env.as_str()),
            (None, true) => Some(""),
            (None, false) => None,
        };
        let stated = SettingsFile::stated_kind(&host.cwd, named.as_deref(), env);
        Ok(stated.map_or(BackendKind::S3, |(kind, _)| kind))
    }

    /// Returns all environments of the settings file.
    pub fn known(&self, host: &Host, global: &GlobalOptions) -> Result<Vec<EnvName>, CliError> {
        let sources = SettingsSources::read(host, self.layer.clone(), global.config.as_deref())
            .map_err(|error| explain::settings(&error))?;
        Ok(sources
            .file
            .map(|file| file.envs.into_keys().collect())
            .unwrap_or_default())
    }

    /// The name of the environment: flag, then `TFBACKEND_ENV`.
    pub(crate) fn env(&self, host: &Host) -> Result<Option<EnvName>, CliError> {
        if self.env.is_some() {
            return Ok(self.env.clone());
        }
        let read = |text: &str| {
            text.parse()
                .map_err(|error| CliError::failed(format!("variable TFBACKEND_ENV: {error}")))
        };
        host.var("TFBACKEND_ENV").map(read).transpose()
    }

    /// Reads the sources of settings, once: a file may be a pipe.
    fn read(self, host: &Host, global: &GlobalOptions) -> Result<EnvironmentSources, CliError> {
        let named = self.env(host)?;
        let sources = SettingsSources::read(host, self.layer, global.config.as_deref())
            .map_err(|error| explain::settings(&error))?;
        Ok(EnvironmentSources {
            named,
            is_new: self.new_env,
            sources,
        })
    }

    /// Returns the settings before any question, and the name of the environment, which the user
    /// may be asked for.
    pub fn merge(
        self,
        host: &mut Host,
        global: &GlobalOptions,
        ask: Prompting,
    ) -> Result<(EnvName, SettingsSources, MergedSettings, bool), CliError> {
        self.read(host, global)?.merge(host, global, ask)
    }

    /// Resolves the settings, and asks the user for missing ones.
    pub async fn resolve(
        self,
        host: &mut Host,
        global: &GlobalOptions,
        ask: Prompting,
    ) -> Result<ResolvedEnvironment, CliError> {
        let mut answers = WizardAnswers::default();
        self.resolve_with(host, global, ask, None, &mut answers)
            .await
    }

    /// The same, and leaves the answers to its questions in `answers`, also of questions before one
    /// that was left. If anything is asked, the unfinished answers are offered first.
    pub(crate) async fn resolve_with(
        self,
        host: &mut Host,
        global: &GlobalOptions,
        ask: Prompting,
        unfinished: Option<&UnfinishedAnswers>,
        answers: &mut WizardAnswers,
    ) -> Result<ResolvedEnvironment, CliError> {
        let mut read = self.read(host, global)?;
        let sandbox = SandboxSession::find(host, global)?;
        let early = if ask == Prompting::PersonKnownToAws {
            read.known_to_aws(host, global, sandbox.as_ref()).await?
        } else {
            None
        };
        if let Some(unfinished) = unfinished
            && read
                .to_ask_about(host, global)
                .is_some_and(|merged| merged.layer.auto_approve != Some(true))
        {
            let given = unfinished
                .offer(&mut *host.prompt, read.env().as_ref())
                .map_err(|error| explain::prompt(&error))?;
            *answers = given.unwrap_or_default();
            read.named = read.named.or_else(|| answers.env.clone());
        }
        let is_given = *answers != WizardAnswers::default();
        let (env, sources, merged, mut asked) = read.merge(host, global, ask)?;
        answers.env = Some(env.clone());
        asked |= is_given;
        // All other answers are shown, and can be edited.
        let mut merged = merged.with_answers(&answers.place());
        if merged.kind != BackendKind::S3 {
            // It is in a file that can be read only once, such as a pipe.
            return Err(CliError::failed(format!(
                "environment {env} is of backend kind {}",
                merged.kind
            ))
            .hint(format!("say so: --backend {}", merged.kind)));
        }
        let may_ask = global.attended(host) && !merged.says_not_to_ask();
        let mut connected = None;
        if merged.layer.region.is_none() {
            merged = session::with_region(merged, sandbox.as_ref()).await;
        }
        let asks = ask != Prompting::Never && may_ask;
        // With `-y`, defaults are accepted.
        let takes_defaults = !asks || merged.layer.auto_approve == Some(true);
        let given = answers.layer.clone();
        let asks_where = asks && !(merged.is_said("project") && merged.is_said("region"));
        let unasked = merged.clone();
        let mut hints = wizard::WizardHints::default();
        if asks {
            let profile = merged.layer.profile.as_ref().and_then(ProfileName::chosen);
            // An instance metadata service that does not respond takes seconds to time out.
            hints.profile_region = match merged.layer.region {
                Some(_) => None,
                None => session::default_region(profile, sandbox.as_ref()).await,
            };
            hints.folder = folder_defaults::repository(host);
        }
        loop {
            if asks {
                wizard::ask_where(
                    &mut *host.prompt,
                    &merged,
                    &hints,
                    takes_defaults,
                    &mut answers.layer,
                )
                .map_err(|error| explain::prompt(&error))?;
                merged = merged.with_answers(&answers.place());
                // A next question may be cut off.
                if let Some(unfinished) = unfinished.filter(|_| answers.layer != given) {
                    unfinished.keep(answers);
                }
            }
            if takes_defaults {
                break;
            }
            let answered = merged.clone().with_answers(&answers.layer);
            if let (Prompting::PersonKnownToAws, true, Some(region)) =
                (ask, wizard::has_questions(&merged), &merged.layer.region)
            {
                connected = match early.as_ref().filter(|early| early.serves(&merged)) {
                    Some(early) => Some(early.session.clone()),
                    None => {
                        session::say(&session::of_file(&merged, sandbox.as_ref()), host);
                        let layer = &merged.layer;
                        Some(session::connect(layer, host, global, sandbox.as_ref(), region).await?)
                    }
                };
            }
            // A live backend answers the questions itself, but for the state key of a folder that
            // did not use it yet.
            let is_live = match &connected {
                Some(connected) => {
                    let _busy = BusySpinner::start("reading the backend", host, global);
                    is_live(&env, &answered, connected, host).await?
                }
                None => false,
            };
            let outcome = if is_live {
                wizard::ask_state_key(&mut *host.prompt, &answered, &mut answers.layer)
            } else {
                asked |= wizard::has_questions(&merged);
                let busy = BusySpinner::style(host, global);
                ask_for_groups(
                    &env,
                    &merged,
                    connected.as_ref(),
                    unfinished,
                    busy,
                    &mut answers.layer,
                    host,
                )
                .await?
            };
            match outcome {
                Ok(()) => break,
                // Back to where the backend is, with the last answers as defaults.
                Err(PromptError::Back) if asks_where => {
                    hints.last = answers.place();
                    (answers.layer.project, answers.layer.region) = (None, None);
                    merged = unasked.clone();
                }
                Err(error) => return Err(explain::prompt(&error)),
            }
        }
        merged = merged.with_answers(&answers.layer);
        asked |= answers.layer != given;
        let would_ask = ask != Prompting::Never
            && global.lacks_only_a_terminal(host)
            && !merged.says_not_to_ask();
        let settings = merged
            .resolve(&env)
            .map_err(|error| explain::missing(&error, would_ask))?;
        sources
            .must_keep_its_place(&merged, &host.cwd)
            .map_err(|error| explain::settings(&error))?;
        Ok(ResolvedEnvironment {
            settings,
            merged,
            sources,
            asked,
            may_ask,
            sandbox,
            connected,
            plan: None,
        })
    }

    /// The same, and connects to the account.
    pub async fn open(
        self,
        host: &mut Host,
        global: &GlobalOptions,
        ask: Prompting,
    ) -> Result<ConnectedEnvironment, CliError> {
        self.resolve(host, global, ask)
            .await?
            .connect(host, global)
            .await
    }
}

/// What the command line, variables and the settings file say.
struct EnvironmentSources {
    /// By the flag or by `TFBACKEND_ENV`, or by an answer.
    named: Option<EnvName>,
    is_new: bool,
    sources: SettingsSources,
}

/// An account that was asked who is calling before the first question.
struct EarlySession {
    session: AccountSession,
    credentials: CredentialSettings,
    account: Option<AccountId>,
    region: Region,
}

impl EarlySession {
    /// Returns whether it is the one that these settings ask for.
    fn serves(&self, merged: &MergedSettings) -> bool {
        let layer = &merged.layer;
        self.credentials == CredentialSettings::of(layer)
            && self.account == layer.account
            && Some(&self.region) == layer.region.as_ref()
    }
}

impl EnvironmentSources {
    fn may_ask(&self, host: &Host, global: &GlobalOptions) -> bool {
        global.attended(host) && !self.sources.non_interactive()
    }

    /// With the only environment of the settings file, unless a new one is requested.
    fn env(&self) -> Option<EnvName> {
        let only = || known_env::only(&self.sources).filter(|_| !self.is_new);
        self.named.clone().or_else(only)
    }

    fn merge(
        self,
        host: &mut Host,
        global: &GlobalOptions,
        ask: Prompting,
    ) -> Result<(EnvName, SettingsSources, MergedSettings, bool), CliError> {
        let may_ask = ask != Prompting::Never && self.may_ask(host, global);
        let (named, sources) = (self.env(), self.sources);
        let asked = named.is_none();
        let env = match named {
            Some(env) => env,
            None if may_ask => wizard::ask_env(&mut *host.prompt, &sources)
                .map_err(|error| explain::prompt(&error))?,
            None => known_env::of_folder(host).ok_or_else(|| known_env::not_named(&sources))?,
        };
        let prompt: Option<&mut dyn Prompt> = if may_ask && !sources.auto_approve(&env) {
            Some(&mut *host.prompt)
        } else {
            None
        };
        known_env::must_be_known(&env, &sources, self.is_new, prompt)?;
        let merged = folder_defaults::put(sources.merged(&env), &env, sources.file.as_ref(), host);
        Ok((env, sources, merged, asked))
    }

    /// Returns the settings of kind s3 that leave something to ask; `None` if nothing is asked.
    fn to_ask_about(&self, host: &Host, global: &GlobalOptions) -> Option<MergedSettings> {
        let env = self.env();
        let merged = match &env {
            Some(env) => self.sources.merged(env),
            None => self.sources.of_no_env(),
        };
        let is_complete = env.is_some() && merged.missing().is_empty();
        let takes_defaults = merged.layer.auto_approve == Some(true);
        let leaves_something = !is_complete || !takes_defaults && wizard::has_questions(&merged);
        (self.may_ask(host, global) && merged.kind == BackendKind::S3 && leaves_something)
            .then_some(merged)
    }

    /// Asks who is calling, and says so, if any question will be asked: no answer is of use without
    /// credentials. Without a region, no more than whether there are credentials can be found out.
    async fn known_to_aws(
        &self,
        host: &mut Host,
        global: &GlobalOptions,
        sandbox: Option<&SandboxSession>,
    ) -> Result<Option<EarlySession>, CliError> {
        let Some(merged) = self.to_ask_about(host, global) else {
            return Ok(None);
        };
        let merged = session::with_region(merged, sandbox).await;
        session::say(&session::of_file(&merged, sandbox), host);
        let layer = &merged.layer;
        let without_account = |failure: CliError| {
            if failure.code == exit::FAILED && sandbox.is_none() {
                failure.hint(
                    "to try it without an account: `tfbackend sandbox up`, then this command with \
                     --sandbox",
                )
            } else {
                failure
            }
        };
        let Some(region) = layer.region.clone() else {
            session::must_have_credentials(layer, host, global, sandbox)
                .await
                .map_err(without_account)?;
            return Ok(None);
        };
        let session = session::connect(layer, host, global, sandbox, &region)
            .await
            .map_err(without_account)?;
        session.say_who(host, global).await;
        Ok(Some(EarlySession {
            session,
            credentials: CredentialSettings::of(layer),
            account: layer.account.clone(),
            region,
        }))
    }
}

/// # Errors
/// [`CliError::cancelled`] if the user does not want to go on.
impl ResolvedEnvironment {
    /// Resolves a single layer: no file, no variable, no questions.
    pub fn said(
        layer: SettingsLayer,
        env: &EnvName,
        host: &Host,
        global: &GlobalOptions,
    ) -> Result<Self, CliError> {
        let sources = SettingsSources {
            flags: layer,
            ..SettingsSources::default()
        };
        let merged = sources.merged(env);
        let settings = merged
            .resolve(env)
            .map_err(|error| explain::settings(&error))?;
        let may_ask = global.attended(host) && !settings.common.run.non_interactive;
        let sandbox = SandboxSession::find(host, global)?;
        Ok(Self {
            settings,
            merged,
            sources,
            asked: false,
            may_ask,
            sandbox,
            connected: None,
            plan: None,
        })
    }

    /// As a saved plan says, whatever the caller adds to it.
    #[must_use]
    pub fn of_plan(self, plan: &SettingsLayer) -> Self {
        Self {
            plan: Some(plan.clone()),
            ..self
        }
    }

    /// Connects, and returns the environment with its blueprint in this account.
    pub async fn connect(
        self,
        host: &mut Host,
        global: &GlobalOptions,
    ) -> Result<ConnectedEnvironment, CliError> {
        let Self {
            settings,
            merged,
            sources,
            asked,
            may_ask,
            sandbox,
            connected,
            plan,
        } = self;
        let notes = session::of_file(&merged, sandbox.as_ref());
        let connected = match connected {
            Some(connected) => connected,
            None => {
                session::say(&notes, host);
                session::connect(
                    &merged.layer,
                    host,
                    global,
                    sandbox.as_ref(),
                    &settings.region,
                )
                .await?
            }
        };
        let aws = connected.about(&settings);
        let account = account_of(&aws)?;
        let emulator = match (&sandbox, &global.endpoint_url) {
            (Some(sandbox), _) => Some(sandbox.emulator()),
            (None, Some(url)) => Some(EmulatorEndpoint {
                endpoint: url.clone(),
                ca_file: host.var("AWS_CA_BUNDLE").map(PathBuf::from),
            }),
            (None, None) => None,
        };
        let rerun = RerunArguments::new(
            &settings.common.env,
            &merged,
            known_env::words(&settings.common.env, &sources, global),
            global.sandbox,
        );
        // A profile of the command line is said again by the global options.
        let unless_global = |layer: SettingsLayer| SettingsLayer {
            profile: layer.profile.filter(|_| global.profile.is_none()),
            ..layer
        };
        let (said, flags) = (
            unless_global(merged.said().without_run()),
            unless_global(sources.flags.clone().without_run()),
        );
        let key_said = folder_defaults::key_is_said(&merged, host);
        let beside = beside_of(&settings, &aws, emulator.is_some(), host);
        let with_kept = merged.clone().with_kept(&beside.layer());
        let settings = with_kept
            .resolve(&settings.common.env)
            .map_err(|error| explain::settings(&error))?;
        let of_runs =
            match sandbox {
                Some(_) => CredentialSettings::default(),
                None => of_runs(&plan.unwrap_or_else(|| {
                    for_runs(&with_kept, &sources, &settings.common.env, &beside)
                })),
            };
        let names = DerivedNames::new(&settings, &account);
        let blueprint = blueprint::blueprint(&settings, &names, &aws);
        let (kept, weaker) = (with_kept.kept(), SettingsLayer::default());
        let (judged, unwanted, changes) = (None, vec![], vec![]);
        let mut provider = S3Provider::new(aws, settings, names, blueprint);
        provider.emulator = emulator;
        provider.of_runs = of_runs;
        Ok(ConnectedEnvironment {
            provider,
            said,
            flags,
            rerun,
            asked,
            may_ask,
            key_said,
            merged,
            beside,
            kept,
            weaker,
            judged,
            unwanted,
            changes,
            live: false,
            notes,
        })
    }
}

impl ConnectedEnvironment {
    pub fn name(&self) -> &EnvName {
        &self.provider.settings.common.env
    }

    /// Returns the description of the environment for a document.
    pub fn about(&self) -> PlanSubject {
        PlanSubject {
            project: self.provider.settings.common.project.to_string(),
            env: self.provider.settings.common.env.to_string(),
            backend: Some(self.location()),
            account: Some(self.provider.aws.account().to_owned()),
            region: Some(self.provider.settings.region.to_string()),
        }
    }

    /// Its backend, for a document.
    pub fn location(&self) -> BackendLocation {
        BackendLocation::new(S3Provider::KIND, self.provider.location())
    }

    /// Looks at it, and at what it says of the settings that nothing else says. `moves_state`: the
    /// user asked for files that use another state.
    ///
    /// # Errors
    /// If the settings contradict each other.
    pub async fn inspect(&self, moves_state: bool) -> Result<Inspection, CliError> {
        let (aws, env, merged, beside) = (
            &self.provider.aws,
            &self.provider.settings.common.env,
            &self.merged,
            &self.beside,
        );
        let account = account_of(aws)?;
        let inspect = InspectOptions {
            aws,
            env,
            merged,
            beside,
            account: &account,
            moves_state,
            rerun: &self.rerun,
        };
        inspect
            .run()
            .await
            .map_err(|error| explain::settings(&error))
    }

    /// Returns the environment with the settings that follow from existing resources.
    #[must_use]
    pub fn as_inspected(self, inspection: Inspection) -> (Self, Observation<AwsSpec>) {
        let Inspection {
            merged,
            settings,
            names,
            blueprint,
            observation,
            unwanted,
            changes,
            weaker,
            judged,
            live,
        } = inspection;
        (
            Self {
                provider: self.provider.with_settings(settings, names, blueprint),
                kept: merged.kept(),
                weaker,
                judged,
                unwanted,
                changes,
                live,
                ..self
            },
            observation,
        )
    }

    /// The flags of this run, and the defaults in place of kept values that protect less.
    pub fn flags_to_mend(&self) -> SettingsLayer {
        let (weaker, mut flags) = (said(&self.weaker), said(&self.flags));
        flags.extend(
            said(&defaults::defaults())
                .into_iter()
                .filter(|(name, _)| weaker.contains_key(name)),
        );
        layer_of(flags)
    }

    /// Returns whether the settings or tfbackend's file in the folder name the locking mechanism.
    pub fn says_how_to_lock(&self) -> bool {
        self.merged.is_said("lock") || self.beside.lock.is_some()
    }

    /// Returns its plan, with the consequences for its states.
    pub fn plan(&self, observation: &Observation<AwsSpec>, adopt: bool) -> Plan<AwsSpec> {
        let changes = locks::with_locks(
            &self.changes,
            &self.provider.aws,
            self.provider.settings.lock,
            observation,
        );
        Plan::to_apply(self.provider.blueprint(), observation, adopt).with_changes(&changes)
    }
}
