//! Who calls AWS, and where: profile, endpoint or sandbox, and the account that answers.

use std::{io::Write, path::PathBuf};

use tokio_util::sync::CancellationToken;

use super::{explain, failure::Failure, global::Global};
use crate::{
    backend::aws::{
        Aws,
        caller::{Caller, CallerError},
        clients::{self, Clients, Connection, Endpoints, Role},
        error::Kind,
        http::{self, Proxy, way::Way},
        ownership::Mark,
    },
    exit,
    host::{Host, bounded},
    report::safe::safe,
    sandbox::{Sandbox, running::Running},
    settings::{
        Credentials, Settings,
        layer::Layer,
        merge::{Merged, Origin},
        names::{AccountId, ProfileName, Region},
    },
    terraform::write::Emulator,
};

/// The sandbox that this run is to use.
pub struct Sandboxed(Running);

impl Sandboxed {
    pub fn find(host: &Host, global: &Global) -> Result<Option<Self>, Failure> {
        if !global.sandbox {
            return Ok(None);
        }
        let running = Sandbox::locate(host)
            .and_then(|sandbox| sandbox.status())
            .map_err(|error| Failure::of(exit::FAILED, &error))?;
        match running {
            Some(running) => Ok(Some(Self(running))),
            None => Err(Failure::failed("the sandbox is not running")
                .hint("start it with `tfbackend sandbox up`")),
        }
    }

    pub fn region(&self) -> &str {
        &self.0.region
    }

    pub fn emulator(&self) -> Emulator {
        Emulator {
            endpoint: self.0.endpoint.clone(),
            ca_file: Some(self.0.ca_file.clone()),
        }
    }
}

/// The region that is taken where nothing says one: of the sandbox, or the SDK's own, for which it
/// may ask the instance.
pub async fn default_region(profile: Option<&str>, sandbox: Option<&Sandboxed>) -> Option<String> {
    match sandbox {
        Some(sandbox) => Some(sandbox.region().to_owned()),
        None => clients::default_region(profile).await,
    }
}

/// With the region of the sandbox, else that of the profile, where nothing else says one.
pub async fn with_region(merged: Merged, sandbox: Option<&Sandboxed>) -> Merged {
    match sandbox {
        Some(sandbox) => merged.with_ambient_region(sandbox.region(), &Origin::Sandbox),
        None => match clients::profile_region(
            merged.layer.profile.as_ref().and_then(ProfileName::chosen),
        )
        .await
        {
            Some(region) => merged.with_ambient_region(&region, &Origin::Profile),
            None => merged,
        },
    }
}

/// Who it is for AWS's own records, where a role is assumed and nothing else is said.
pub const SESSION: &str = "tfbackend";

/// Profile and role that the caller did not choose, for people to know of; `at` says where the
/// setting of a name was chosen, if so.
pub fn chosen_for(credentials: &Credentials, at: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let profile = credentials
        .profile
        .as_ref()
        .and_then(|name| Some((name, at("profile")?)));
    let role = credentials
        .role
        .as_ref()
        .and_then(|role| Some((&role.arn, at("role-arn")?)));
    let profile =
        profile.map(|(name, at)| format!("calls are made with profile {name}, which {at} names"));
    let role = role.map(|(arn, at)| format!("calls are made as {arn}, the role that {at} names"));
    profile.into_iter().chain(role).collect()
}

/// The same of a settings file, which may have come with a checkout.
pub fn of_file(merged: &Merged, sandbox: Option<&Sandboxed>) -> Vec<String> {
    let at = |name: &str| match merged.origin(name) {
        Some(origin @ Origin::File { .. }) if sandbox.is_none() => Some(origin.to_string()),
        _ => None,
    };
    chosen_for(&Credentials::of(&merged.layer), at)
}

/// Also with -q and beside a document.
pub fn say(notes: &[String], host: &mut Host) {
    for note in notes {
        let _ = writeln!(host.err, "{}", safe(&format!("note: {note}")));
    }
}

/// How a backend says that it is to be reached; what is not said is left to the caller's
/// environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// Where the command line names none.
    pub profile: Option<String>,
    /// Of all services; where neither the command line nor a sandbox says.
    pub endpoint_url: Option<String>,
    pub endpoints: Endpoints,
    pub ca_file: Option<PathBuf>,
    pub fips: bool,
    pub dualstack: bool,
    /// Taken on before anything is asked.
    pub role: Option<Role>,
}

impl Ways {
    /// As settings say.
    pub fn of_layer(layer: &Layer) -> Self {
        let Credentials {
            profile,
            role,
            in_conf: _,
        } = Credentials::of(layer);
        let role = role.map(|role| Role {
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

    /// Whether the backend leads calls elsewhere than to AWS.
    pub fn names_endpoints(&self) -> bool {
        self.endpoint_url.is_some() || self.endpoints != Endpoints::default()
    }
}

/// An account that answered, before it is known which environment this is about.
#[derive(Clone)]
pub struct Connected {
    clients: Clients,
    pub caller: Caller,
    region: String,
    cancel: CancellationToken,
}

impl Connected {
    pub fn about(self, settings: &Settings) -> Aws {
        self.of(Mark {
            project: settings.project.to_string(),
            env: settings.env.to_string(),
        })
    }

    /// On behalf of no environment: nothing that carries any mark is ours.
    pub fn of_nobody(self) -> Aws {
        self.of(Mark {
            project: String::new(),
            env: String::new(),
        })
    }

    fn of(self, mark: Mark) -> Aws {
        let Self {
            clients,
            caller,
            region,
            cancel,
        } = self;
        Aws::new(clients, caller, region, mark).until_cancelled(cancel)
    }
}

/// Connects with the profile and the role that `layer` names, and asks who is calling before
/// anything else; it must be the account that `layer` names, if it names one.
pub async fn connect(
    layer: &Layer,
    host: &mut Host,
    global: &Global,
    sandbox: Option<&Sandboxed>,
    at: &Region,
) -> Result<Connected, Failure> {
    connect_by(
        &Ways::of_layer(layer),
        host,
        global,
        sandbox,
        at,
        layer.account.as_ref(),
    )
    .await
}

/// The same, as a backend says.
pub async fn connect_by(
    ways: &Ways,
    host: &mut Host,
    global: &Global,
    sandbox: Option<&Sandboxed>,
    at: &Region,
    account: Option<&AccountId>,
) -> Result<Connected, Failure> {
    let region = at.as_str();
    let (connection, pem, proxy) = by_way_of(ways, host, global, sandbox, region)?;
    let http = http::http_client(pem.as_deref(), proxy)
        .map_err(|error| Failure::of(exit::FAILED, &error))?;
    let vars = |name: &str| host.var(name).map(str::to_owned);
    let config = clients::connect(&connection, http, &vars)
        .await
        .map_err(|error| explain::connect(&error))?;
    let elsewhere = clients::elsewhere(&config, &connection);
    // A user who named the endpoint knows. What a folder names is printed even with -q.
    let is_said = !global.json() && (!global.quiet || ways.names_endpoints());
    if !elsewhere.is_empty() && global.endpoint_url.is_none() && is_said {
        let _ = writeln!(
            host.err,
            "{}",
            safe(&format!(
                "calls go to {}, not to AWS's own endpoints",
                elsewhere.join(", ")
            ))
        );
    }
    let host = &*host;
    let asking = async {
        let mut clients = Clients::at(&config, &connection.endpoints);
        let own = clients.clone();
        let role = ways.role.as_ref().filter(|_| sandbox.is_none());
        if let Some(role) = role {
            clients = clients.as_role(role).await;
        }
        let caller = match Caller::ask(&clients).await {
            Ok(caller) => caller,
            Err(error) => {
                if let (Some(role), true) = (role, error.is_about_credentials())
                    && let Some(error) = own
                        .why_not_assumed(role)
                        .await
                        .filter(|error| error.kind == Kind::Denied)
                {
                    return Err(explain::role(
                        &role.arn,
                        role.external_id.as_deref(),
                        &error,
                    ));
                }
                return Err(on_the_way(
                    explain::caller(&error, region),
                    &error,
                    config.endpoint_url(),
                    host,
                ));
            }
        };
        caller
            .must_be(account.map(AccountId::as_str), region, at.partition())
            .map_err(|error| explain::caller(&error, region))?;
        Ok(Connected {
            clients,
            caller,
            region: region.to_owned(),
            cancel: host.cancel.clone(),
        })
    };
    tokio::select! {
        biased;
        () = host.cancel.cancelled() => Err(Failure::interrupted("interrupted while connecting; nothing was changed")),
        connected = asking => connected,
    }
}

/// In the order in which they are looked for.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// What may stand between this machine and AWS, where nobody answered.
fn on_the_way(
    failure: Failure,
    error: &CallerError,
    endpoint: Option<&str>,
    host: &Host,
) -> Failure {
    let CallerError::Aws(error) = error else {
        return failure;
    };
    if error.kind != Kind::Network {
        return failure;
    }
    let distrusted = error
        .message
        .as_deref()
        .is_some_and(|text| text.contains("certificate"));
    let failure = if distrusted {
        failure.hint(
            "whoever answers is not trusted here; if it is a proxy of your company, name its CA \
             with AWS_CA_BUNDLE",
        )
    } else {
        failure
    };
    match PROXIES.into_iter().find(|name| host.var(name).is_some()) {
        Some(name) if endpoint.is_none_or(|url| Way::of(url, true) == Way::Elsewhere) => failure
            .hint(format!(
                "calls go through the proxy that {name} names; NO_PROXY says which do not"
            )),
        _ => failure,
    }
}

/// With which endpoint and credentials, trusting whom, and through which proxy.
fn by_way_of(
    ways: &Ways,
    host: &Host,
    global: &Global,
    sandbox: Option<&Sandboxed>,
    region: &str,
) -> Result<(Connection, Option<Vec<u8>>, Proxy), Failure> {
    let mut connection = Connection {
        region: Some(region.to_owned()),
        fips: ways.fips,
        dualstack: ways.dualstack,
        ..Connection::default()
    };
    let (bundle, proxy) = match sandbox {
        Some(Sandboxed(running)) => {
            connection.endpoint_url = Some(running.endpoint.clone());
            connection.credentials_file = Some(running.credentials_file.clone());
            (Some(running.ca_file.clone()), Proxy::Direct)
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
                Proxy::FromEnvironment,
            )
        }
    };
    let pem = match &bundle {
        Some(path) => {
            let unreadable = |error| {
                Failure::failed(format!("cannot read the CA bundle {}", path.display()))
                    .because(&error)
            };
            Some(bounded::bytes(path).map_err(unreadable)?)
        }
        None => None,
    };
    Ok((connection, pem, proxy))
}
