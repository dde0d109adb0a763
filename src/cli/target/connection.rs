//! The connection settings of a backend: applied where tfbackend supports them, otherwise refused
//! or reported.

use std::{path::PathBuf, time::Duration};

use super::resolve::{contradiction, shown};
use crate::{
    backend::aws::{
        caller::Caller,
        clients::{ConnectionRole, ServiceEndpoints},
        http::transport::{Transport, endpoint},
    },
    cli::{
        context::Context,
        failure::CliError,
        session::{ConnectionSettings, SESSION, SandboxSession},
    },
    terraform::{
        read::{
            ConfiguredBackend,
            configured::{ConfiguredRole as SaidRole, SourcedValue},
        },
        write::hcl::quoted,
    },
};

/// The connection settings, and notes about them.
///
/// `asked` has the role that the command line names, or a variable of ours, and the profile of such
/// a variable.
pub(super) fn of(
    configured: &ConfiguredBackend,
    asked: &ConnectionSettings,
    sandbox: Option<&SandboxSession>,
    cx: &Context<'_>,
) -> Result<(ConnectionSettings, Vec<String>), CliError> {
    let mut notes = vec![];
    // Credentials of the command line take precedence.
    let chosen = match (sandbox, &cx.global.profile, &asked.profile, &asked.role) {
        (Some(_), ..) => Some("--sandbox"),
        (None, Some(_), ..) => Some("--profile"),
        (None, None, Some(_), _) => Some("TFBACKEND_PROFILE"),
        (None, None, None, Some(_)) => Some("--role-arn"),
        (None, None, None, None) => None,
    };
    must_be_followed(configured, chosen, &mut notes, cx)?;
    let said = |flag: &Option<SourcedValue<bool>>| flag.as_ref().is_some_and(|said| said.value);
    let mut ways = ConnectionSettings {
        profile: asked
            .profile
            .clone()
            .or_else(|| configured.profile.as_ref().map(|said| said.value.clone())),
        ca_file: configured
            .custom_ca_bundle
            .as_ref()
            .map(|said| path(&said.value, cx)),
        fips: said(&configured.use_fips_endpoint),
        dualstack: said(&configured.use_dualstack_endpoint),
        role: asked.role.clone(),
        ..ConnectionSettings::default()
    };
    if let (Some(said), false) = (
        &configured.profile,
        sandbox.is_some() || cx.global.profile.is_some() || asked.profile.is_some(),
    ) {
        notes.push(format!(
            "calls use profile {}, set by {}",
            said.value,
            shown(&said.origin, cx)
        ));
    }
    (ways.endpoint_url, ways.endpoints) = endpoints(configured, sandbox, cx)?;
    if ways.names_endpoints() {
        let elsewhere = configured
            .endpoints
            .iter()
            .filter(|(_, said)| Transport::of(&said.value, true) == Transport::Elsewhere);
        notes.extend(elsewhere.map(|(service, said)| {
            let (to, at) = (endpoint(&said.value), shown(&said.origin, cx));
            format!(
                "calls to {service} use the endpoint {to}, set by {at}, not the endpoint of AWS"
            )
        }));
    }
    match (&configured.role, chosen) {
        (None, _) => {}
        (Some(said), Some(chosen)) => notes.push(format!(
            "the role of {} is not assumed: {chosen} sets the credentials",
            shown(&said.origin, cx)
        )),
        (Some(said), None) => {
            notes.push(format!(
                "calls assume the role {}, set by {}",
                said.value.arn,
                shown(&said.origin, cx)
            ));
            ways.role = Some(role(said, cx)?);
        }
    }
    Ok((ways, notes))
}

/// # Errors
/// If the backend excludes these credentials.
pub(super) fn must_be_allowed(
    caller: &Caller,
    configured: &ConfiguredBackend,
    cx: &Context<'_>,
) -> Result<(), CliError> {
    let refused = |what: &str, said: &SourcedValue<Vec<String>>| {
        let (account, at) = (&caller.account, shown(&said.origin, cx));
        let message = format!(
            "these credentials are for account {account}, which {what} {at}; nothing was changed"
        );
        CliError::refused(message)
            .hint("use credentials of the right account (--profile, AWS_PROFILE)")
    };
    if let Some(allowed) = configured
        .allowed_account_ids
        .as_ref()
        .filter(|said| !said.value.contains(&caller.account))
    {
        return Err(refused(
            "is not among the `allowed_account_ids` of",
            allowed,
        ));
    }
    match configured
        .forbidden_account_ids
        .as_ref()
        .filter(|said| said.value.contains(&caller.account))
    {
        Some(forbidden) => Err(refused(
            "is among the `forbidden_account_ids` of",
            forbidden,
        )),
        None => Ok(()),
    }
}

/// S3 verifies the expected owner of the bucket. A table has no such check: its name refers to the
/// account of the caller.
pub(super) fn must_be_of_owner(
    table: Option<&str>,
    owner: &str,
    caller: &str,
) -> Result<(), CliError> {
    match table.filter(|table| owner != caller && !table.starts_with("arn:")) {
        None => Ok(()),
        Some(table) => Err(CliError::refused(format!(
            "the bucket must belong to account {owner}, and these credentials are for account \
             {caller}: table {table} would be looked up there; nothing was changed"
        ))
        .hint(
            "use credentials of that account (--profile, AWS_PROFILE), name the table by its ARN, \
             or correct --account",
        )),
    }
}

/// Reports arguments that only Terraform supports; refuses those that change what is read.
fn must_be_followed(
    configured: &ConfiguredBackend,
    chosen: Option<&str>,
    notes: &mut Vec<String>,
    cx: &Context<'_>,
) -> Result<(), CliError> {
    for said in &configured.not_followed {
        let at = shown(&said.origin, cx);
        let name = &said.value;
        match name.as_str() {
            "sse_customer_key" => {
                return Err(CliError::failed(format!(
                    "the states use SSE-C, a key that the caller provides ({name} at {at})"
                ))
                .hint("S3 returns them only with that key, which tfbackend does not accept"));
            }
            "assume_role_with_web_identity" | "insecure" if chosen.is_none() => {
                return Err(CliError::failed(format!(
                    "`{name}` at {at} is not supported by tfbackend"
                ))
                .hint("name credentials that may use the backend: --profile NAME")
                .hint("or name its bucket: --bucket NAME, with --key PATH and --table NAME"));
            }
            "use_legacy_workflow" => {}
            _ => notes.push(format!(
                "`{name}` at {at} is ignored: tfbackend takes credentials, proxies and \
                 configuration from the environment"
            )),
        }
    }
    Ok(())
}

/// One for all where the backend has one for its first and its last: an emulator, which has all
/// others too.
fn endpoints(
    configured: &ConfiguredBackend,
    sandbox: Option<&SandboxSession>,
    cx: &Context<'_>,
) -> Result<(Option<String>, ServiceEndpoints), CliError> {
    let plain = |url: &str| url.trim_end_matches('/').to_owned();
    let told = match (&cx.global.endpoint_url, sandbox) {
        (Some(url), _) => Some((plain(url), "--endpoint-url")),
        (None, Some(sandbox)) => Some((plain(&sandbox.emulator().endpoint), "--sandbox")),
        (None, None) => None,
    };
    if let Some((url, by)) = told {
        let other = configured
            .endpoints
            .values()
            .find(|said| plain(&said.value) != url);
        return match other {
            Some(said) => Err(contradiction(
                "endpoint",
                (&said.value, &shown(&said.origin, cx)),
                (&url, by),
            )),
            None => Ok((None, ServiceEndpoints::default())),
        };
    }
    let of = |service: &str| {
        configured
            .endpoints
            .get(service)
            .map(|said| said.value.clone())
    };
    Ok(match (of("s3"), of("sts")) {
        (Some(s3), Some(sts)) if plain(&s3) == plain(&sts) => (
            Some(s3),
            ServiceEndpoints {
                dynamodb: of("dynamodb"),
                iam: of("iam"),
                ..ServiceEndpoints::default()
            },
        ),
        (s3, sts) => (
            None,
            ServiceEndpoints {
                s3,
                dynamodb: of("dynamodb"),
                iam: of("iam"),
                sts,
            },
        ),
    })
}

fn role(said: &SourcedValue<SaidRole>, cx: &Context<'_>) -> Result<ConnectionRole, CliError> {
    let SaidRole {
        arn,
        session_name,
        external_id,
        duration,
        more,
    } = said.value.clone();
    let at = shown(&said.origin, cx);
    let refused = |what: String| {
        Err(CliError::failed(format!(
            "{what} of the role at {at} is not supported by tfbackend"
        ))
        .hint("name credentials that may use the backend: --profile NAME"))
    };
    if let Some(field) = more.first() {
        return refused(format!("`{field}`"));
    }
    let duration = match duration
        .as_deref()
        .map(|text| (text, text.parse::<jiff::SignedDuration>()))
    {
        None => None,
        Some((_, Ok(duration))) if duration.is_positive() => Some(duration.unsigned_abs()),
        Some((text, _)) => return refused(format!("the duration {}", quoted(text))),
    };
    Ok(ConnectionRole {
        arn,
        session_name: session_name.unwrap_or_else(|| SESSION.to_owned()),
        external_id,
        duration: duration.map(whole),
    })
}

/// Converts a duration to seconds, as STS takes it.
fn whole(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}

/// Expands `~` to the home folder, as Terraform does.
fn path(text: &str, cx: &Context<'_>) -> PathBuf {
    match (text.strip_prefix("~/"), cx.host.var("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => cx.host.cwd.join(text),
    }
}
