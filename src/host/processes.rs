//! Other processes of this machine that may hold a lock on a state.

use std::{ffi::OsStr, fmt};

use jiff::{SignedDuration, Timestamp};
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

/// Programs that acquire locks. A version manager may have added a version to the name.
const PROGRAMS: [&str; 3] = ["terraform", "tofu", OWN];
const OWN: &str = "tfbackend";
/// The system reports start times in whole seconds, relative to a boot time that is rounded, too.
const ROUNDING: SignedDuration = SignedDuration::from_secs(2);

/// A running process of Terraform, OpenTofu or tfbackend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EngineProcess {
    pub pid: u32,
    pub name: String,
    pub started: Timestamp,
}

impl EngineProcess {
    /// Returns whether it was running when a lock was acquired.
    pub(crate) fn may_hold(&self, created: Timestamp) -> bool {
        self.started
            .saturating_sub(ROUNDING)
            .is_ok_and(|started| started <= created)
    }
}

impl fmt::Display for EngineProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name, self.pid)
    }
}

/// Returns the processes that can be seen from here, by their number; in a container, these are
/// those of the container. This process and what started it, as `tfbackend sandbox run` does, are
/// not among them.
pub(crate) fn running() -> Vec<EngineProcess> {
    let mut system = System::new();
    system.refresh_processes_specifics(
        ProcessesToUpdate::All,
        false,
        ProcessRefreshKind::nothing().without_tasks(),
    );
    let above = ancestors(&system);
    let mut found: Vec<EngineProcess> = system
        .processes()
        .values()
        .filter(|process| {
            !matches!(
                process.status(),
                ProcessStatus::Zombie | ProcessStatus::Dead
            )
        })
        .filter_map(|process| {
            let name = engine_name(process.name())?;
            let is_above = above.contains(&process.pid());
            // Terraform that started this process holds its lock.
            if is_above && name.starts_with(OWN) {
                return None;
            }
            let started = i64::try_from(process.start_time()).ok()?;
            Some(EngineProcess {
                pid: process.pid().as_u32(),
                name,
                started: Timestamp::from_second(started).ok()?,
            })
        })
        .collect();
    found.sort_by_key(|process| process.pid);
    found
}

/// This process, its parent, and so on.
fn ancestors(system: &System) -> Vec<Pid> {
    let mut above = vec![];
    let mut next = Some(Pid::from_u32(std::process::id()));
    while let Some(pid) = next.filter(|pid| !above.contains(pid)) {
        above.push(pid);
        next = system.process(pid).and_then(Process::parent);
    }
    above
}

/// Returns the name of a program that acquires locks: `terraform`, `terraform_1.11.4`, `tofu.exe`,
/// but neither `terraform-provider-aws` nor `terraform-ls`.
fn engine_name(name: &OsStr) -> Option<String> {
    let name = name.to_string_lossy();
    let is_engine = PROGRAMS.iter().any(|program| {
        name.strip_prefix(program)
            .is_some_and(|rest| !rest.starts_with(|c: char| c == '-' || c.is_alphabetic()))
    });
    is_engine.then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_known_by_their_names() {
        for name in [
            "terraform",
            "tofu",
            "terraform.exe",
            "terraform_1.11.4",
            "tfbackend",
        ] {
            assert_eq!(engine_name(OsStr::new(name)).as_deref(), Some(name));
        }
        for name in [
            "terraform-provi",
            "terraform-ls",
            "tofuutil",
            "bash",
            "terragrunt",
            "",
        ] {
            assert_eq!(engine_name(OsStr::new(name)), None, "{name}");
        }
    }

    #[test]
    fn a_process_that_started_later_does_not_hold_the_lock() {
        let created: Timestamp = "2026-11-30T10:00:00Z".parse().unwrap();
        let at = |seconds| EngineProcess {
            pid: 1,
            name: "terraform".to_owned(),
            started: created + SignedDuration::from_secs(seconds),
        };
        assert_eq!(
            [-60, 0, 2, 3].map(|seconds| at(seconds).may_hold(created)),
            [true, true, true, false]
        );
    }
}
