//! `verify --probe`: a backend tried out, with the caller's rights or those of a role.

use clap::Args;

use super::now;
use crate::{
    backend::aws::{
        AwsProvider,
        probe::{self, BackendProbe, ProbeName, ProbeTarget},
        verify::probe::{ProbeJudge, notes},
    },
    checks::CheckResult,
    cli::{context::Context, explain, failure::CliError},
    settings::names::RoleArn,
};

#[derive(Args, Clone, Debug)]
pub struct ProbeOptions {
    /// Probe the backend as well: lock, write, read and delete below tfbackend-probe/, and try
    /// calls that must be refused
    #[arg(long)]
    pub probe: bool,

    /// Probe as the role that runs Terraform: what it must be able to do, and what must be refused
    #[arg(long, value_name = "ARN", requires = "probe")]
    pub runner: Option<RoleArn>,
}

/// Tries a backend out, if it is asked for: findings, and what else is to be known.
pub(super) async fn run(
    aws: &AwsProvider,
    target: &ProbeTarget,
    remediation: &str,
    options: &ProbeOptions,
    cx: &mut Context<'_>,
) -> Result<(Vec<CheckResult>, Vec<String>), CliError> {
    if !options.probe {
        return Ok((vec![], vec![]));
    }
    let name = ProbeName::new(now(cx));
    let runner = options.runner.as_ref().and_then(RoleArn::chosen);
    let role = match runner {
        Some(arn) => {
            let role = cx.until_cancelled(probe::as_role(aws, arn, &name)).await?;
            Some(role.map_err(|error| cannot_assume(arn, &error))?)
        }
        None => None,
    };
    let probe = BackendProbe {
        tried: role.as_ref().unwrap_or(aws),
        cleaner: aws,
        role: runner,
        target,
        name,
        who: cx.host.who.clone(),
        now: now(cx),
        cancel: cx.host.cancel.clone(),
    };
    let facts = probe.run().await;
    let notes = notes(&facts, &probe);
    if facts.interrupted {
        let clean = if facts.left.errors.is_empty() {
            "all written objects were deleted again"
        } else {
            "some written objects could not be deleted"
        };
        let failure = CliError::interrupted(format!("interrupted during the probe; {clean}"));
        return Err(notes.into_iter().fold(failure, CliError::hint));
    }
    let judge = ProbeJudge {
        probe: &probe,
        remediation,
        of_aws: !aws.clients.has_own_endpoint(),
    };
    Ok((judge.checks(&facts), notes))
}

fn cannot_assume(arn: &str, error: &crate::backend::aws::caller::CallerError) -> CliError {
    let failure = CliError::failed(format!("cannot assume the role {arn}")).because(error);
    let failure = failure.hint(
        "its trust policy must name these credentials, and they must be allowed sts:AssumeRole on \
         it",
    );
    match error {
        crate::backend::aws::caller::CallerError::Aws(error)
            if error.kind == crate::backend::aws::error::ServiceErrorKind::Network =>
        {
            explain::aws(failure, error, None)
        }
        _ => failure,
    }
}
