//! What a stage does, as a list that can be shown, and carried out from top to bottom.

use jiff::Timestamp;

use super::{files::Files, guards::Facts};
use crate::{
    aws::{error::AwsError, lock_table::migration, store::write::Deleted},
    cli::{context::Context, failure::Failure, target::Target},
    exit,
    settings::layer::LockMechanism,
};

/// One thing to do.
#[derive(Debug)]
pub enum Step {
    /// A digest that is not that of the state, or of no use any more.
    DeleteDigest {
        path: String,
        digest: String,
    },
    /// The place in the list of edits.
    Edit(usize),
    /// The time from which lock files are in use beside the table.
    Begin {
        table: String,
    },
    End {
        table: String,
    },
    DropTable {
        table: String,
    },
}

/// In an order in which it may be cut off anywhere: running it again does what is left.
pub fn of(facts: &Facts, files: &Files, to: LockMechanism, drop_table: bool) -> Vec<Step> {
    let Facts { now, since, used, table, .. } = facts;
    let edits = (0..files.edits.len()).map(Step::Edit);
    let states = used.states.iter().filter(|state| to == LockMechanism::S3 || state.is_stale());
    let digests = states.filter_map(|state| Some((state.path.clone(), state.digest.clone()?)));
    let digests = digests.chain(used.orphans.iter().cloned()).map(|(path, digest)| Step::DeleteDigest { path, digest });
    let mut steps: Vec<Step> = vec![];
    match (to, table) {
        // A digest that is not that of the state keeps Terraform from reading it as soon as the files name the table.
        (LockMechanism::Both, Some(table)) => {
            // The table is not in use beside lock files: the way there was cut off before it could say so.
            let over = since.is_some() && *now == Some(LockMechanism::S3);
            steps.extend(over.then(|| Step::End { table: table.clone() }));
            steps.extend(digests);
            steps.extend(edits);
            steps.extend((over || since.is_none()).then(|| Step::Begin { table: table.clone() }));
        }
        (LockMechanism::Dynamodb, Some(table)) => {
            steps.extend(digests);
            steps.extend(edits);
            steps.extend(since.map(|_| Step::End { table: table.clone() }));
        }
        // The files say which table it is: they go last where it is deleted.
        (LockMechanism::S3, Some(table)) if drop_table => {
            steps.extend(digests);
            steps.push(Step::DropTable { table: table.clone() });
            steps.extend(edits);
        }
        (LockMechanism::S3, Some(table)) => {
            steps.extend(digests);
            steps.extend(edits);
            // It stays for as long as something in the table says that it is in use.
            steps.extend((since.is_some() && used.others == 0).then(|| Step::End { table: table.clone() }));
        }
        (_, None) => steps.extend(edits),
    }
    steps
}

impl Step {
    pub fn title(&self, files: &Files) -> String {
        match self {
            Self::DeleteDigest { path, .. } => format!("delete the digest of {path} from the table"),
            Self::Edit(at) => files.edits.get(*at).map_or_else(String::new, |(read, _)| format!("edit {}", read.path.display())),
            Self::Begin { table } => {
                format!("note on table {table} that lock files are in use from now on (tag {})", migration::BOTH_SINCE)
            }
            Self::End { table } => format!("take the note off table {table} (tag {})", migration::BOTH_SINCE),
            Self::DropTable { table } => format!("delete table {table}, with its deletion protection"),
        }
    }

    /// Whether it ends something that does not come back.
    pub fn destroys(&self) -> Option<&str> {
        match self {
            Self::DropTable { table } => Some(table),
            Self::DeleteDigest { .. } | Self::Edit(_) | Self::Begin { .. } | Self::End { .. } => None,
        }
    }
}

/// Carries them out, one after the other, and stops at the first that fails.
pub async fn carry_out(steps: &[Step], files: &Files, target: &Target, cx: &mut Context<'_>) -> Result<(), Failure> {
    for (done, step) in steps.iter().enumerate() {
        let title = step.title(files);
        if cx.host.cancel.is_cancelled() {
            return Err(Failure::interrupted(format!("interrupted before: {title}")).hint("the same command continues"));
        }
        one(step, files, target, cx.now()).await.map_err(|failure| {
            let code = if done == 0 { exit::FAILED } else { exit::PARTLY };
            Failure { code, message: format!("could not {title}"), ..failure }.hint("the same command continues where this one stopped")
        })?;
        cx.say(&format!("done: {title}"));
    }
    Ok(())
}

async fn one(step: &Step, files: &Files, target: &Target, now: Timestamp) -> Result<(), Failure> {
    let aws = &target.aws;
    let failed = |error: AwsError| crate::cli::explain::aws(Failure::failed("").because(&error), &error, None);
    match step {
        Step::Edit(at) => match files.edits.get(*at) {
            Some((read, text)) => read.replace(text).map_err(|error| Failure::failed("").because(&error)),
            None => Ok(()),
        },
        Step::DeleteDigest { path, digest } => match target.store().delete_digest(path, digest).await.map_err(failed)? {
            Deleted::Done | Deleted::AlreadyGone => Ok(()),
            Deleted::Changed => Err(Failure::failed("").hint(format!("{path} was written meanwhile: the digest is another one now"))),
        },
        Step::Begin { table } => migration::set_both_since(aws, table, now).await.map_err(failed),
        Step::End { table } => migration::clear_both_since(aws, table).await.map_err(failed),
        Step::DropTable { table } => target.store().drop_empty_table(table).await.map_err(failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::store::migration::Used;

    fn titles(now: LockMechanism, since: Option<&str>, to: LockMechanism, drop_table: bool) -> Vec<String> {
        let used = Used { orphans: vec![("gone.tfstate".to_owned(), "0".to_owned())], ..Used::default() };
        let since = since.map(|since| since.parse().expect("a time"));
        let facts = Facts { now: Some(now), since, used, table: Some("locks".to_owned()), runners: vec![] };
        let files = Files::default();
        of(&facts, &files, to, drop_table).iter().map(|step| step.title(&files).split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    /// Cut off anywhere, the next run still knows which table it was, or need not.
    #[test]
    fn the_table_is_named_for_as_long_as_something_is_to_be_done_to_it() {
        use LockMechanism::{Both, Dynamodb, S3};
        let then = Some("2026-11-21T07:00:52Z");
        assert_eq!(titles(Both, then, S3, true), ["delete the", "delete table"]);
        assert_eq!(titles(Both, then, S3, false), ["delete the", "take the"]);
        assert_eq!(titles(Dynamodb, None, Both, false), ["delete the", "note on"]);
        assert_eq!(titles(Both, then, Both, false), ["delete the"]);
        // The note of a way that was cut off at its end is not that of the next.
        assert_eq!(titles(S3, then, Both, false), ["take the", "delete the", "note on"]);
    }
}
