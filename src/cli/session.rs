//! The connection to AWS: profile, endpoint or sandbox, and the account of the caller.

use std::{io::Write, path::PathBuf, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{busy::BusySpinner, explain, failure::CliError, global::GlobalOptions};
use crate::{
    backend::aws::{
        AwsProvider,
        caller::{Caller, CallerError},
        clients::{
            self, Clients, ConnectionOptions, ConnectionRole, PreparedConnection, ServiceEndpoints,
        },
        credentials::account_alias,
        error::ServiceErrorKind,
        http::{self, ProxyPolicy, transport::Transport},
        ownership::EnvironmentId,
    },
    exit,
    host::{Host, bounded},
    report::{safe::safe, wrap::wrap},
    sandbox::{Sandbox, running::RunningSandbox},
    settings::{
        layer::SettingsLayer,
        merge::{MergedSettings, SettingOrigin},
        names::{AccountId, ProfileName, Region},
        s3::{CredentialSettings, S3Settings},
    },
    terraform::write::s3::EmulatorEndpoint,
};

/// The sandbox that this run is to use.
pub(crate) struct SandboxSession(RunningSandbox);

impl SandboxSession {
    pub(crate) fn find(host: &Host, global: &GlobalOptions) -> Result<Option<Self>, CliError> {
        if !global.sandbox {
            return Ok(None);
        }
        let running = Sandbox::locate(host)
            .and_then(|sandbox| sandbox.status())
            .map_err(|error| CliError::of(exit::FAILED, &error))?;
        match running {
            Some(running) => Ok(Some(Self(running))),
            None => Err(CliError::failed("the sandbox is not running")
                .hint("start it with `tfbackend sandbox up`")),
        }
    }

    pub(crate) fn region(&self) -> &str {
        &self.0.region
    }

    pub(crate) fn emulator(&self) -> EmulatorEndpoint {
        EmulatorEndpoint {
            endpoint: self.0.endpoint.clone(),
            ca_file: Some(self.0.ca_file.clone()),
        }
    }
}

/// The region that is taken where nothing says one: of the sandbox, or the SDK's own, for which it
/// may ask the instance.
pub(crate) async fn default_region(
    profile: Option<&str>,
    sandbox: Option<&SandboxSession>,
) -> Option<String> {
    match sandbox {
        Some(sandbox) => Some(sandbox.region().to_owned()),
        None => clients::default_region(profile).await,
    }
}

/// With the region of the sandbox, else that of the profile, where nothing else says one.
pub(crate) async fn with_region(
    merged: MergedSettings,
    sandbox: Option<&SandboxSession>,
) -> MergedSettings {
    match sandbox {
        Some(sandbox) => merged.with_ambient_region(sandbox.region(), &SettingOrigin::Sandbox),
        None => match clients::profile_region(
            merged.layer.profile.as_ref().and_then(ProfileName::chosen),
        )
        .await
        {
            Some(region) => merged.with_ambient_region(&region, &SettingOrigin::Profile),
            None => merged,
        },
    }
}

/// The default session name of assumed roles, for the records of AWS.
pub(crate) const SESSION: &str = "tfbackend";

/// Profile and role that the caller did not choose, for people to know of; `at` says where the
/// setting of a name was chosen, if so.
pub(crate) fn chosen_for(
    credentials: &CredentialSettings,
    at: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let profile = credentials
        .profile
        .as_ref()
        .and_then(|name| Some((name, at("profile")?)));
    let role = credentials
        .role
        .as_ref()
        .and_then(|role| Some((&role.arn, at("role-arn")?)));
    let profile = profile.map(|(name, at)| format!("calls use profile {name}, set by {at}"));
    let role = role.map(|(arn, at)| format!("calls assume the role {arn}, set by {at}"));
    profile.into_iter().chain(role).collect()
}

/// The same of a settings file, which may have come with a checkout.
pub(crate) fn of_file(merged: &MergedSettings, sandbox: Option<&SandboxSession>) -> Vec<String> {
    let at = |name: &str| match merged.origin(name) {
        Some(origin @ SettingOrigin::File { .. }) if sandbox.is_none() => Some(origin.to_string()),
        _ => None,
    };
    chosen_for(&CredentialSettings::of(&merged.layer), at)
}

/// Also with -q and beside a document.
pub(crate) fn say(notes: &[String], host: &mut Host) {
    for note in notes {
        let _ = writeln!(host.err, "{}", safe(&format!("note: {note}")));
    }
}

/// The connection settings of a backend; values that are not set come from the caller's
/// environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConnectionSettings {
    /// The profile, if the command line names none.
    pub profile: Option<String>,
    /// The endpoint of all services, if neither the command line nor a sandbox sets it.
    pub endpoint_url: Option<String>,
    pub endpoints: ServiceEndpoints,
    pub ca_file: Option<PathBuf>,
    pub fips: bool,
    pub dualstack: bool,
    /// Taken on before anything is asked.
    pub role: Option<ConnectionRole>,
}

impl ConnectionSettings {
    /// As settings say.
    pub(crate) fn of_layer(layer: &SettingsLayer) -> Self {
        let CredentialSettings {
            profile,
            role,
            in_conf: _,
        } = CredentialSettings::of(layer);
        let role = role.map(|role| ConnectionRole {
            arn: role.arn.to_string(),
            session_name: SESSION.to_owned(),
            external_id: role.external_id.map(|id| id.to_string()),
            duration: None,
        });
        Self {
            profile: profile.map(|profile| profile.to_string()),
            role,
            ..Self::default()
        }
    }

    /// Returns whether the backend sends calls to another endpoint than AWS.
    pub(crate) fn names_endpoints(&self) -> bool {
        self.endpoint_url.is_some() || self.endpoints != ServiceEndpoints::default()
    }
}

/// A connected account, before the environment is known.
#[derive(Clone)]
pub(crate) struct AccountSession {
    clients: Clients,
    pub caller: Caller,
    region: String,
    cancel: CancellationToken,
}

impl AccountSession {
    pub(crate) fn about(self, settings: &S3Settings) -> AwsProvider {
        self.of(EnvironmentId {
            project: settings.common.project.to_string(),
            env: settings.common.env.to_string(),
        })
    }

    /// Prints account, alias and identity.
    pub(crate) async fn say_who(&self, host: &mut Host, global: &GlobalOptions) {
        if global.quiet || global.json() {
            return;
        }
        let Caller { account, arn, .. } = &self.caller;
        let alias = tokio::select! {
            biased;
            () = host.cancel.cancelled() => None,
            alias = tokio::time::timeout(ALIAS, account_alias(&self.clients)) => alias.ok().flatten(),
        };
        let alias = alias.map_or_else(String::new, |alias| format!(" ({alias})"));
        let text = format!("AWS account {account}{alias}, as {arn}");
        for line in wrap("", "  ", &safe(&text), host.err_width) {
            let _ = writeln!(host.err, "{line}");
        }
    }

    /// Without an environment: no tagged resource counts as managed.
    pub(crate) fn of_nobody(self) -> AwsProvider {
        self.of(EnvironmentId {
            project: String::new(),
            env: String::new(),
        })
    }

    fn of(self, mark: EnvironmentId) -> AwsProvider {
        let Self {
            clients,
            caller,
            region,
            cancel,
        } = self;
        AwsProvider::new(clients, caller, region, mark).until_cancelled(cancel)
    }
}

/// Connects with the profile and the role that `layer` names, and asks who is calling before
/// anything else; it must be the account that `layer` names, if it names one.
pub(crate) async fn connect(
    layer: &SettingsLayer,
    host: &mut Host,
    global: &GlobalOptions,
    sandbox: Option<&SandboxSession>,
    at: &Region,
) -> Result<AccountSession, CliError> {
    connect_by(
        &ConnectionSettings::of_layer(layer),
        host,
        global,
        sandbox,
        at,
        layer.account.as_ref(),
    )
    .await
}

/// Asks for no more than credentials, where no region is known to ask AWS in.
///
/// # Errors
/// If there are none.
pub(crate) async fn must_have_credentials(
    layer: &SettingsLayer,
    host: &mut Host,
    global: &GlobalOptions,
    sandbox: Option<&SandboxSession>,
) -> Result<(), CliError> {
    let ways = ConnectionSettings::of_layer(layer);
    let (connection, pem, proxy) = by_way_of(&ways, host, global, sandbox, ANY_REGION)?;
    let http = http::http_client(pem.as_deref(), proxy)
        .map_err(|error| CliError::of(exit::FAILED, &error))?;
    let vars = |name: &str| host.var(name).map(str::to_owned);
    let config = clients::connect(&connection, http, &vars)
        .await
        .map_err(|error| explain::connect(&error))?;
    let asking = async {
        if clients::has_credentials(&config).await {
            return Ok(());
        }
        // The call fails before it is sent, with the reason.
        let clients = Clients::at(&config, &connection.endpoints);
        Caller::ask(&clients).await.map(drop)
    };
    let cancel = host.cancel.clone();
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(CliError::interrupted("interrupted while connecting; nothing was changed")),
        asked = asking => asked.map_err(|error| explain::caller(&error, ANY_REGION)),
    }
}

/// How long the alias may take, which is only shown.
const ALIAS: Duration = Duration::from_secs(2);

/// No call is sent to it.
const ANY_REGION: &str = "us-east-1";

/// The same, as a backend says.
pub(crate) async fn connect_by(
    ways: &ConnectionSettings,
    host: &mut Host,
    global: &GlobalOptions,
    sandbox: Option<&SandboxSession>,
    at: &Region,
    account: Option<&AccountId>,
) -> Result<AccountSession, CliError> {
    let region = at.as_str();
    let prepared = prepare(ways, host, global, sandbox, region).await?;
    let elsewhere = prepared.elsewhere();
    // A user who named the endpoint knows. What a folder names is printed even with -q.
    let is_said = !global.json() && (!global.quiet || ways.names_endpoints());
    if !elsewhere.is_empty() && global.endpoint_url.is_none() && is_said {
        let _ = writeln!(
            host.err,
            "{}",
            safe(&format!(
                "calls use the endpoint {}, not the endpoints of AWS",
                elsewhere.join(", ")
            ))
        );
    }
    let host = &*host;
    let asking = async {
        let role = ways.role.as_ref().filter(|_| sandbox.is_none());
        let (clients, caller) = ask_caller(&prepared, role, host, region).await?;
        caller
            .must_be(account.map(AccountId::as_str), region, at.partition())
            .map_err(|error| explain::caller(&error, region))?;
        Ok(AccountSession {
            clients,
            caller,
            region: region.to_owned(),
            cancel: host.cancel.clone(),
        })
    };
    let _busy = BusySpinner::start("connecting to AWS", host, global);
    tokio::select! {
        biased;
        () = host.cancel.cancelled() => Err(CliError::interrupted("interrupted while connecting; nothing was changed")),
        connected = asking => connected,
    }
}

/// The connection before any call: endpoint, credentials, CA and proxy.
///
/// # Errors
/// If what it is made of cannot be read, or is not safe.
pub(crate) async fn prepare(
    ways: &ConnectionSettings,
    host: &Host,
    global: &GlobalOptions,
    sandbox: Option<&SandboxSession>,
    region: &str,
) -> Result<PreparedConnection, CliError> {
    let (options, pem, proxy) = by_way_of(ways, host, global, sandbox, region)?;
    let http = http::http_client(pem.as_deref(), proxy)
        .map_err(|error| CliError::of(exit::FAILED, &error))?;
    let vars = |name: &str| host.var(name).map(str::to_owned);
    PreparedConnection::new(options, http, &vars)
        .await
        .map_err(|error| explain::connect(&error))
}

/// The clients, with the role if there is one, and who they call as.
///
/// # Errors
/// If AWS does not say, with what to do next.
pub(crate) async fn ask_caller(
    prepared: &PreparedConnection,
    role: Option<&ConnectionRole>,
    host: &Host,
    region: &str,
) -> Result<(Clients, Caller), CliError> {
    let mut clients = prepared.clients();
    let own = clients.clone();
    if let Some(role) = role {
        clients = clients.as_role(role).await;
    }
    let error = match Caller::ask(&clients).await {
        Ok(caller) => return Ok((clients, caller)),
        Err(error) => error,
    };
    if let (Some(role), true) = (role, error.is_about_credentials())
        && let Some(error) = own
            .why_not_assumed(role)
            .await
            .filter(|error| error.kind == ServiceErrorKind::Denied)
    {
        return Err(explain::role(
            &role.arn,
            role.external_id.as_deref(),
            &error,
        ));
    }
    Err(on_the_way(
        explain::caller(&error, region),
        &error,
        prepared.endpoint_url(),
        host,
    ))
}

/// In the order in which they are looked for.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Adds hints about proxies and CA bundles, if AWS did not respond.
fn on_the_way(
    failure: CliError,
    error: &CallerError,
    endpoint: Option<&str>,
    host: &Host,
) -> CliError {
    let CallerError::Aws(error) = error else {
        return failure;
    };
    if error.kind != ServiceErrorKind::Network {
        return failure;
    }
    let distrusted = error
        .message
        .as_deref()
        .is_some_and(|text| text.contains("certificate"));
    let failure = if distrusted {
        failure.hint(DISTRUSTED)
    } else {
        failure
    };
    match proxy_hint(endpoint, host) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

pub(crate) const DISTRUSTED: &str = "the server's certificate is not trusted; if it is a company \
                                     proxy, set AWS_CA_BUNDLE to its CA";

/// Says by which proxy an endpoint is called, if so; without an endpoint, those of AWS.
pub(crate) fn proxy_hint(endpoint: Option<&str>, host: &Host) -> Option<String> {
    let name = PROXIES.into_iter().find(|name| host.var(name).is_some())?;
    let elsewhere = endpoint.is_none_or(|url| Transport::of(url, true) == Transport::Elsewhere);
    elsewhere.then(|| format!("calls use the proxy set in {name}; NO_PROXY excludes hosts from it"))
}

/// Returns the SDK configuration: endpoint, credentials, CA and proxy.
fn by_way_of(
    ways: &ConnectionSettings,
    host: &Host,
    global: &GlobalOptions,
    sandbox: Option<&SandboxSession>,
    region: &str,
) -> Result<(ConnectionOptions, Option<Vec<u8>>, ProxyPolicy), CliError> {
    let mut connection = ConnectionOptions {
        region: Some(region.to_owned()),
        fips: ways.fips,
        dualstack: ways.dualstack,
        ..ConnectionOptions::default()
    };
    let (bundle, proxy) = match sandbox {
        Some(SandboxSession(running)) => {
            connection.endpoint_url = Some(running.endpoint.clone());
            connection.credentials_file = Some(running.credentials_file.clone());
            (Some(running.ca_file.clone()), ProxyPolicy::Direct)
        }
        None => {
            connection.endpoint_url = global
                .endpoint_url
                .clone()
                .or_else(|| ways.endpoint_url.clone());
            if global.endpoint_url.is_none() {
                connection.endpoints = ways.endpoints.clone();
            }
            connection.profile = match &global.profile {
                Some(profile) => profile.chosen().map(str::to_owned),
                None => ways.profile.clone(),
            };
            let bundle = ways
                .ca_file
                .clone()
                .or_else(|| host.var("AWS_CA_BUNDLE").map(PathBuf::from));
            (
                bundle.map(|path| host.cwd.join(path)),
                ProxyPolicy::FromEnvironment,
            )
        }
    };
    let pem = match &bundle {
        Some(path) => {
            let unreadable = |error| {
                CliError::failed(format!("cannot read the CA bundle {}", path.display()))
                    .because(&error)
            };
            Some(bounded::bytes(path).map_err(unreadable)?)
        }
        None => None,
    };
    Ok((connection, pem, proxy))
}
