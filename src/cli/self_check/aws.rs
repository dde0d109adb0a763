//! Region, credentials, clock, and the endpoint of each service.

use jiff::{SignedDuration, Timestamp, Unit};
use tokio::time::{Instant, timeout_at};

use super::{NETWORK_LIMIT, failed, settings::SettingsSurvey};
use crate::{
    backend::aws::{
        caller::Caller,
        clients::{ConnectionRole, PreparedConnection},
        credentials::{self, CredentialFacts},
        error::clocks::ClockSkew,
        http::NoResponse,
        service_probe::{self, ProbeOutcome, ServiceProbe},
    },
    cli::{
        explain,
        failure::CliError,
        global::GlobalOptions,
        session::{self, ConnectionSettings, DISTRUSTED, SandboxSession},
    },
    host::Host,
    report::self_check::SelfCheckResult,
    settings::{merge::MergedSettings, names::Region},
};

/// The endpoints of this region are probed if none is set: they always exist.
const ANY_REGION: &str = "us-east-1";
/// A long run needs credentials for longer.
const SHORT: SignedDuration = SignedDuration::from_mins(15);
/// The HTTP date has seconds, and the response takes some.
const EXACT: SignedDuration = SignedDuration::from_secs(60);
const NEW_CREDENTIALS: &str = "get new credentials (`aws sso login`, `aws login`)";

/// Returns the checks of the connection to AWS, and notes on what it uses.
pub(super) async fn check(
    survey: &SettingsSurvey,
    host: &Host,
    global: &GlobalOptions,
) -> (Vec<SelfCheckResult>, Vec<String>) {
    let sandbox = match SandboxSession::find(host, global) {
        Ok(sandbox) => sandbox,
        Err(failure) => {
            let next = "start it with `tfbackend sandbox up`";
            return (vec![failed("connection", &failure, next)], vec![]);
        }
    };
    let mut merged = survey.merged.clone();
    if merged.layer.region.is_none() {
        merged = session::with_region(merged, sandbox.as_ref()).await;
    }
    let mut checks = vec![of_region(&merged, survey)];
    let region = merged
        .layer
        .region
        .clone()
        .or_else(|| ANY_REGION.parse().ok())
        .expect("a region");
    let mut ways = ConnectionSettings::of_layer(&merged.layer);
    ways.role = ways.role.filter(|_| sandbox.is_none());
    let deadline = Instant::now() + NETWORK_LIMIT;
    let preparing = session::prepare(&ways, host, global, sandbox.as_ref(), region.as_str());
    let prepared = match timeout_at(deadline, preparing).await {
        Ok(Ok(prepared)) => prepared,
        Ok(Err(failure)) => {
            checks.push(failed("connection", &failure, "correct it, then try again"));
            return (checks, vec![]);
        }
        Err(_) => {
            checks.push(late("connection", "the AWS configuration was not read"));
            return (checks, vec![]);
        }
    };
    let mut notes = session::of_file(&merged, sandbox.as_ref());
    notes.extend(
        prepared
            .elsewhere()
            .into_iter()
            .map(|url| format!("calls use the endpoint {url}, not the endpoints of AWS")),
    );
    let connection = Connection {
        prepared,
        role: ways.role,
        merged: &merged,
        region: &region,
        deadline,
        host,
    };
    let (of_caller, probes) = tokio::join!(
        connection.of_caller(),
        service_probe::probe(&connection.prepared, NETWORK_LIMIT)
    );
    checks.extend(of_caller);
    checks.push(of_clock(&probes));
    checks.extend(probes.iter().map(|probe| of_network(probe, host)));
    (checks, notes)
}

fn of_region(merged: &MergedSettings, survey: &SettingsSurvey) -> SelfCheckResult {
    let id = "region";
    match (&merged.layer.region, merged.origin("region")) {
        (Some(region), Some(origin)) => SelfCheckResult::ok(id, format!("{region} ({origin})")),
        _ => match &survey.wrong_region {
            Some((name, found)) => {
                SelfCheckResult::failed(id, found, format!("correct {name}, or pass --region"))
            }
            None => SelfCheckResult::warning(
                id,
                format!("none is set; the endpoints of {ANY_REGION} are checked"),
                "pass --region, or set AWS_REGION, the region of the profile, or `region` in \
                 tfbackend.toml",
            ),
        },
    }
}

/// A connection of which the caller is asked.
struct Connection<'a> {
    prepared: PreparedConnection,
    role: Option<ConnectionRole>,
    merged: &'a MergedSettings,
    region: &'a Region,
    deadline: Instant,
    host: &'a Host,
}

impl Connection<'_> {
    /// The credentials, and who they call as.
    async fn of_caller(&self) -> Vec<SelfCheckResult> {
        let id = "credentials";
        let region = self.region.as_str();
        let loading = credentials::load(&self.prepared);
        let (prepared, facts) = match timeout_at(self.deadline, loading).await {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(error)) => {
                return vec![failed(
                    id,
                    &explain::caller(&error, region),
                    NEW_CREDENTIALS,
                )];
            }
            Err(_) => return vec![late(id, "their source did not supply them")],
        };
        let mut checks = vec![of_credentials(&facts, self.host)];
        let asking = session::ask_caller(&prepared, self.role.as_ref(), self.host, region);
        checks.push(match timeout_at(self.deadline, asking).await {
            Ok(Ok((clients, caller))) => {
                let asking = credentials::account_alias(&clients);
                let alias = timeout_at(self.deadline, asking).await.ok().flatten();
                self.of_identity(&caller, alias)
            }
            Ok(Err(failure)) => failed("caller", &failure, NEW_CREDENTIALS),
            Err(_) => late("caller", "AWS did not return the caller identity"),
        });
        checks
    }

    fn of_identity(&self, caller: &Caller, alias: Option<String>) -> SelfCheckResult {
        let id = "caller";
        let account = self.merged.layer.account.as_ref();
        let partition = self.region.partition();
        let expected = caller.must_be(
            account.map(|account| account.as_str()),
            self.region.as_str(),
            partition,
        );
        // The region is only a guess.
        let is_guess = self.merged.layer.region.is_none();
        if let Err(error) = expected
            && !is_guess
        {
            let failure = CliError::failed(error.to_string());
            let hints = explain::caller(&error, self.region.as_str()).hints;
            return failed(id, &CliError { hints, ..failure }, NEW_CREDENTIALS);
        }
        let alias = alias.map_or_else(String::new, |alias| format!(" ({alias})"));
        let Caller { account, arn, .. } = caller;
        SelfCheckResult::ok(id, format!("account {account}{alias}, {arn}"))
    }
}

fn of_credentials(facts: &CredentialFacts, host: &Host) -> SelfCheckResult {
    let id = "credentials";
    let found = format!("from {}", facts.source);
    let expires = facts
        .expires
        .and_then(|time| Timestamp::try_from(time).ok());
    let now = Timestamp::try_from(host.now).unwrap_or(Timestamp::UNIX_EPOCH);
    let Some(expires) = expires.and_then(|time| time.round(Unit::Second).ok()) else {
        return SelfCheckResult::ok(id, found);
    };
    let left = expires.duration_since(now);
    if left <= SignedDuration::ZERO {
        SelfCheckResult::failed(
            id,
            format!("{found}, expired at {expires}"),
            NEW_CREDENTIALS,
        )
    } else if left < SHORT {
        SelfCheckResult::warning(
            id,
            format!("{found}, expire in less than 15 minutes, at {expires}"),
            NEW_CREDENTIALS,
        )
    } else {
        SelfCheckResult::ok(id, format!("{found}, expire at {expires}"))
    }
}

fn late(id: &str, what: &str) -> SelfCheckResult {
    SelfCheckResult::failed(
        id,
        format!("{what} within {} seconds", NETWORK_LIMIT.as_secs()),
        "is the network up, and does the source of the credentials respond?",
    )
}

fn of_clock(probes: &[ServiceProbe]) -> SelfCheckResult {
    let id = "clock";
    let clocks = probes.iter().find_map(|probe| match &probe.outcome {
        ProbeOutcome::Responds { clock } => *clock,
        ProbeOutcome::WebPage { .. } | ProbeOutcome::NoResponse { .. } => None,
    });
    let next = "set the clock of this machine: AWS rejects signatures that are 5 minutes off";
    match clocks {
        None => SelfCheckResult::warning(
            id,
            "unknown: no service returned its time",
            "solve the problems of the network first",
        ),
        Some(clocks) if clocks.disagree() => SelfCheckResult::failed(id, skewed(&clocks), next),
        Some(clocks) if clocks.difference() >= EXACT => {
            SelfCheckResult::warning(id, skewed(&clocks), next)
        }
        Some(_) => SelfCheckResult::ok(id, "within a minute of the time of AWS"),
    }
}

fn skewed(clocks: &ClockSkew) -> String {
    let minutes = clocks.difference().as_mins();
    format!("{minutes} min off: {clocks}")
}

fn of_network(probe: &ServiceProbe, host: &Host) -> SelfCheckResult {
    let id = format!("network-{}", probe.service.as_str());
    let endpoint = probe.endpoint.as_deref().unwrap_or("no endpoint");
    match &probe.outcome {
        ProbeOutcome::Responds { .. } => SelfCheckResult::ok(id, format!("{endpoint} responds")),
        ProbeOutcome::WebPage { status } => SelfCheckResult::warning(
            id,
            format!("{endpoint} responds with a web page (HTTP {status}), as AWS does not"),
            "a proxy or a sign-in page of the network responds: check the network, HTTPS_PROXY \
             and the endpoint (--endpoint-url, AWS_ENDPOINT_URL)",
        ),
        ProbeOutcome::NoResponse { reason, message } => {
            let next = [Some(next_step(*reason).to_owned()), {
                session::proxy_hint(probe.endpoint.as_deref(), host)
            }];
            let next: Vec<String> = next.into_iter().flatten().collect();
            SelfCheckResult::failed(
                id,
                format!("{endpoint}: {}: {message}", reason_text(*reason)),
                next.join("; "),
            )
        }
    }
}

fn reason_text(reason: NoResponse) -> &'static str {
    match reason {
        NoResponse::TimedOut => "timeout",
        NoResponse::UnknownName => "unknown name (DNS)",
        NoResponse::Refused => "no connection",
        NoResponse::Distrusted => "certificate not trusted (TLS)",
        NoResponse::Tls => "not TLS",
        NoResponse::Other => "no response",
    }
}

fn next_step(reason: NoResponse) -> &'static str {
    match reason {
        NoResponse::TimedOut => {
            "is the network up, and does a firewall allow HTTPS to it? A proxy is set with \
             HTTPS_PROXY"
        }
        NoResponse::UnknownName => {
            "is the network up, and does the region exist? Check the DNS of this machine, and the \
             endpoint if one is set (--endpoint-url, AWS_ENDPOINT_URL)"
        }
        NoResponse::Refused | NoResponse::Other => {
            "check the network, and the endpoint if one is set (--endpoint-url, AWS_ENDPOINT_URL)"
        }
        NoResponse::Distrusted => DISTRUSTED,
        NoResponse::Tls => {
            "another program responds there: check the endpoint (--endpoint-url, AWS_ENDPOINT_URL)"
        }
    }
}
