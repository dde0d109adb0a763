//! What forbids a stage: all of it at once, each with what to do. Pure.

use jiff::Timestamp;

use crate::{
    backend::aws::store::migration::{MigrationUsage, RewrittenState},
    settings::layer::LockMechanism,
    state::engine::knows_lock_files,
};

/// Where one is, and what is there.
#[derive(Debug)]
pub struct MigrationFacts {
    /// What the files say; `None` where there are none, and nobody said.
    pub now: Option<LockMechanism>,
    /// Since when lock files are in use beside the table.
    pub since: Option<Timestamp>,
    pub used: MigrationUsage,
    pub table: Option<String>,
    /// Whether a table that is missing is made as a step.
    pub makes_table: bool,
    /// The lock files of this bucket, as a policy names them.
    pub lock_files: String,
    pub runners: Vec<RunnerLockRights>,
    /// What the bucket policy denies to all of them, in words; or why nothing is known of it.
    pub denials: Result<Vec<String>, String>,
    /// What names the backend again on a command line, each word after a space.
    pub words: String,
}

impl MigrationFacts {
    /// Whether the way to lock files has been gone to its end: nothing says that the table is in
    /// use.
    fn is_over(&self) -> bool {
        let has_digest = self.used.states.iter().any(|state| state.digest.is_some());
        self.now == Some(LockMechanism::S3)
            && (self.table.is_none()
                || (self.since.is_none() && !has_digest && self.used.orphans.is_empty()))
    }
}

/// Who runs Terraform, and what is missing for lock files.
#[derive(Debug)]
pub struct RunnerLockRights {
    /// As in `role/ci`, or the name of a policy.
    pub who: String,
    pub denied: Vec<String>,
    /// Why nothing is known of it.
    pub unread: Option<String>,
}

/// What was said on the command line.
#[derive(Clone, Debug, Default)]
pub struct MigrationConsent {
    /// The oldest version of Terraform or OpenTofu in use.
    pub min_version: Option<String>,
    pub drop_table: bool,
}

/// A reason not to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationRefusal {
    pub what: String,
    pub hint: String,
}

fn refusal(what: impl Into<String>, hint: impl Into<String>) -> MigrationRefusal {
    MigrationRefusal {
        what: what.into(),
        hint: hint.into(),
    }
}

/// Every reason there is.
pub fn refusals(
    facts: &MigrationFacts,
    to: LockMechanism,
    said: &MigrationConsent,
) -> Vec<MigrationRefusal> {
    let mut all = vec![];
    for error in &facts.used.unseen {
        all.push(refusal(
            format!("not everything could be looked at: {error}"),
            "allow these credentials to look, then run again",
        ));
    }
    let words = &facts.words;
    for lock in &facts.used.locks {
        let ids = lock.ids().join(" and ");
        all.push(refusal(
            format!("{} is locked ({ids})", lock.located.path),
            format!(
                "wait for the run, or release the lock of a run that has ended: tfbackend lock \
                 release --id ID{words}"
            ),
        ));
    }
    if to.uses_table() && facts.table.is_none() && !facts.makes_table {
        all.push(refusal(
            "there is no lock table",
            "make one, and name it: --table NAME",
        ));
    }
    match to {
        LockMechanism::Both => all.extend(to_both(facts, said)),
        LockMechanism::S3 => all.extend(to_files(facts, said)),
        LockMechanism::Dynamodb => all.extend(to_table(facts)),
    }
    all
}

/// From the table: whoever runs here must know lock files, and be allowed to write them.
fn to_both(facts: &MigrationFacts, said: &MigrationConsent) -> Vec<MigrationRefusal> {
    let mut all = versions_said(said);
    if said.min_version.is_none() {
        all.extend(facts.used.states.iter().filter_map(|state| {
            let upgrade = "have everybody use Terraform or OpenTofu 1.10 or later; if they do, \
                           say so: --min-version 1.10";
            match version_of(state) {
                Ok(true) => None,
                Ok(false) => {
                    let version = state.version.as_deref().unwrap_or_default();
                    Some(refusal(
                        format!(
                            "version {version} wrote {}, and lock files are known from 1.10 on",
                            state.path
                        ),
                        upgrade,
                    ))
                }
                Err(why) => Some(refusal(
                    format!("which version wrote {} is unknown: {why}", state.path),
                    upgrade,
                )),
            }
        }));
    }
    all.extend(may_lock(facts));
    all
}

/// Away from the table: nobody may be left who locks only there.
fn to_files(facts: &MigrationFacts, said: &MigrationConsent) -> Vec<MigrationRefusal> {
    let mut all = versions_said(said);
    if said.drop_table && facts.used.others > 0 {
        all.push(refusal(
            format!(
                "the table has {} other items, of other buckets or keys",
                facts.used.others
            ),
            "leave the table: without --drop-table",
        ));
    }
    if facts.is_over() {
        return all;
    }
    let both = format!("first: tfbackend lock migrate --to both{}", facts.words);
    let Some(since) = facts.since else {
        all.push(refusal(
            "lock files are not in use beside the table yet",
            both,
        ));
        return all;
    };
    if facts.now == Some(LockMechanism::Dynamodb) {
        all.push(refusal("the files here lock only in the table", both));
    }
    all.extend(
        facts
            .used
            .states
            .iter()
            .filter_map(|state| not_ready(state, since, &facts.words)),
    );
    all.extend(may_lock(facts));
    all
}

/// Back to the table.
fn to_table(facts: &MigrationFacts) -> Vec<MigrationRefusal> {
    match facts.now {
        Some(LockMechanism::S3) => vec![refusal(
            "the files here lock only in lock files, and who locks only in the table would not \
             see that",
            format!("first: tfbackend lock migrate --to both{}", facts.words),
        )],
        Some(LockMechanism::Both | LockMechanism::Dynamodb) | None => vec![],
    }
}

fn versions_said(said: &MigrationConsent) -> Vec<MigrationRefusal> {
    let Some(version) = &said.min_version else {
        return vec![];
    };
    match knows_lock_files(version) {
        Some(true) => vec![],
        Some(false) => {
            let hint = "upgrade it first; until then the table is the lock for everybody";
            vec![refusal(
                format!("version {version} is in use, and lock files are known from 1.10 on"),
                hint,
            )]
        }
        None => vec![refusal(
            format!("{version} is no version"),
            "as in --min-version 1.11.4",
        )],
    }
}

fn may_lock(facts: &MigrationFacts) -> Vec<MigrationRefusal> {
    let denied = match &facts.denials {
        Ok(denials) => {
            let hint = "a lock file that cannot be released keeps every run out: change the \
                        statement first";
            denials
                .iter()
                .map(|denial| refusal(format!("the bucket policy: {denial}"), hint))
                .collect()
        }
        Err(error) => vec![refusal(
            format!("whether the bucket policy allows lock files is unknown: {error}"),
            "allow these credentials to read it, then run again",
        )],
    };
    let missing = facts
        .runners
        .iter()
        .filter(|runner| !runner.denied.is_empty() || runner.unread.is_some());
    let missing = missing.map(|runner| {
        if let Some(error) = &runner.unread {
            let hint = "allow these credentials to read it and to change it, then run again";
            return refusal(
                format!(
                    "whether {} allows lock files is unknown: {error}",
                    runner.who
                ),
                hint,
            );
        }
        let actions = runner
            .denied
            .iter()
            .map(|action| format!("\"{action}\""))
            .collect::<Vec<_>>()
            .join(", ");
        let statement = format!(
            r#"{{"Effect": "Allow", "Action": [{actions}], "Resource": "{}"}}"#,
            facts.lock_files
        );
        refusal(
            format!(
                "{} does not allow {} on lock files",
                runner.who,
                runner.denied.join(", ")
            ),
            format!(
                "it is not tfbackend's to change: add this statement to it, or to another policy \
                 of those who have it: {statement}"
            ),
        )
    });
    denied.into_iter().chain(missing).collect()
}

/// Whether the version that wrote a state last knows lock files.
fn version_of(state: &RewrittenState) -> Result<bool, String> {
    match (&state.unreadable, &state.version) {
        (Some(why), _) => Err(why.clone()),
        (None, None) => Err("it does not say".to_owned()),
        (None, Some(version)) => {
            knows_lock_files(version).ok_or_else(|| format!("{version} is no version"))
        }
    }
}

/// Why a state may still be used by somebody who locks only in the table.
pub fn not_ready(
    state: &RewrittenState,
    since: Timestamp,
    words: &str,
) -> Option<MigrationRefusal> {
    let path = &state.path;
    let touch = format!("tfbackend lock migrate --touch{words}");
    let write = format!(
        "write it with the new files: `terraform apply`; a state that never changes: `{touch}`"
    );
    match (state.modified, version_of(state), state.under_lock_file) {
        (None, ..) => Some(refusal(
            format!("nobody can say when {path} was written"),
            write,
        )),
        (Some(modified), ..) if modified < since => Some(refusal(
            format!(
                "{path} was last written at {modified:.0}, before lock files were in use \
                 ({since:.0})"
            ),
            write,
        )),
        (Some(modified), _, Some(false)) => Some(refusal(
            format!("{path} was last written at {modified:.0}, and not under a lock file"),
            "somebody uses it with the old files: have them run `terraform init -reconfigure`, \
             and write it again",
        )),
        (Some(_), Ok(true), Some(true) | None) => None,
        (Some(_), Ok(false), _) => {
            let version = state.version.as_deref().unwrap_or_default();
            Some(refusal(
                format!("version {version} wrote {path}, and lock files are known from 1.10 on"),
                write,
            ))
        }
        // Who takes a lock file knows them.
        (Some(_), Err(_), Some(true)) if state.unreadable.is_none() => None,
        (Some(_), Err(why), _) => Some(refusal(
            format!("which version wrote {path} is unknown: {why}"),
            write,
        )),
    }
}

/// Why a state that is in the way cannot be helped by writing it once more; `None` if it can.
pub fn untouchable(
    state: &RewrittenState,
    since: Timestamp,
    words: &str,
) -> Option<MigrationRefusal> {
    if let Some(why) = &state.unreadable {
        let hint =
            format!("`tfbackend state check{words}` names the version that can be brought back");
        return Some(refusal(
            format!("{} cannot be read: {why}", state.path),
            hint,
        ));
    }
    // A run with the old files, found out: the state is in use by a run that locks only in the
    // table.
    if state.modified.is_some_and(|modified| modified >= since) {
        return not_ready(state, since, words);
    }
    let has_versions = state.has_versions;
    not_ready(
        &RewrittenState {
            modified: Some(since),
            under_lock_file: has_versions.then_some(true),
            ..state.clone()
        },
        since,
        words,
    )
}

#[cfg(test)]
mod tests;
