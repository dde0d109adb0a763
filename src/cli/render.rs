//! `tfbackend render`: the files again, from what is there; AWS is only read.

use clap::Args;

use super::{
    context::Context,
    environment::{Ask, EnvironmentArgs},
    failure::Failure,
    files,
};
use crate::{
    aws::blueprint::KEY,
    exit,
    observation::{self, Seen},
    render::{files::Outcome, standing::Standing},
    settings::Encryption,
};

/// Write backend.tf and backend.conf from what is there; nothing in AWS is changed
#[derive(Args, Clone, Debug)]
pub struct RenderArgs {
    #[command(flatten)]
    pub environment: EnvironmentArgs,

    /// Write nothing; exit with 2 if a file is not as it should be
    #[arg(long, conflicts_with = "overwrite")]
    pub check: bool,
}

pub async fn run(args: RenderArgs, cx: &mut Context<'_>) -> Result<u8, Failure> {
    let environment = args.environment.open(cx.host, &cx.global, Ask::Nobody).await?;
    let observation = cx.observe(&environment).await?;
    let known = observation::outputs(&observation);
    if environment.settings.encryption != Encryption::SseS3 && !known.contains_key(&KEY) {
        let failure = match observation.get(&KEY) {
            Some(Seen::Unreadable(error)) => Failure::failed(format!("the key could not be looked at: {error}")),
            _ => Failure::failed(format!("{} has no key yet", environment.title())),
        };
        return Err(failure.hint("`tfbackend bootstrap` makes it"));
    }
    if !args.check {
        let written = files::write(&environment, &known, cx)?;
        for file in written {
            let done = if matches!(file.outcome, Outcome::Written { .. }) { "written" } else { "current" };
            cx.answer(&format!("{} {done}\n", file.path.display()))?;
        }
        return Ok(exit::DONE);
    }
    let mut current = true;
    for (path, standing) in files::check(&environment, &known, cx)? {
        let (word, diff) = match &standing {
            Standing::Current => ("current".to_owned(), None),
            Standing::Missing => ("missing".to_owned(), None),
            Standing::Stale { diff } => ("stale".to_owned(), Some(diff.as_str())),
            Standing::Refused(refusal) => (refusal.to_string(), refusal.diff()),
        };
        current &= standing == Standing::Current;
        cx.answer(&format!("{}: {word}\n", path.display()))?;
        for line in diff.unwrap_or_default().lines() {
            cx.answer(&format!("  {}\n", crate::report::safe::safe(line)))?;
        }
    }
    Ok(if current { exit::DONE } else { exit::CHANGES })
}
