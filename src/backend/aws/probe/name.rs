//! The name of a probe: its start time and a unique ID.

use jiff::Timestamp;

use crate::state::{
    layout::{self, PROBE, StateLayout},
    lock::new_id,
};

/// The format of the start time: sorts chronologically.
const TIME: &str = "%Y%m%dT%H%M%SZ";
/// Longer than any probe takes.
const OLD_MINUTES: i64 = 60;

/// A probe, as in `20261121T135800Z-5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProbeName(String);

impl ProbeName {
    pub fn new(now: Timestamp) -> Self {
        Self(format!("{}-{}", now.strftime(TIME), new_id()))
    }

    /// Returns the probe of an object below one of `prefixes`; `None` if no probe wrote it.
    pub fn of(key: &str, prefixes: &[String]) -> Option<Self> {
        let rest = prefixes
            .iter()
            .find_map(|prefix| key.strip_prefix(&**prefix))?;
        let name = Self(rest.split_once('/')?.0.to_owned());
        name.began().is_some().then_some(name)
    }

    /// Returns whether the probe has expired.
    pub fn is_old(&self, now: Timestamp) -> bool {
        self.began()
            .is_some_and(|began| now.duration_since(began).as_mins() >= OLD_MINUTES)
    }

    fn began(&self) -> Option<Timestamp> {
        let (time, id) = self.0.split_once('-')?;
        let time = jiff::civil::DateTime::strptime(TIME, time).ok()?;
        is_uuid(id).then(|| {
            time.to_zoned(jiff::tz::TimeZone::UTC)
                .ok()
                .map(|time| time.timestamp())
        })?
    }

    /// Returns the session name of the tested role; at most 64 characters in STS.
    pub fn session(&self) -> String {
        format!("tfbackend-{}", self.0)
    }

    /// Returns the locked state.
    pub fn state(&self) -> String {
        format!("{PROBE}/{}/terraform.tfstate", self.0)
    }

    pub fn lock_file(&self) -> String {
        layout::lock_file(&self.state())
    }

    /// Returns a state of a default workspace, which is never written.
    pub fn never(&self) -> String {
        format!("{PROBE}/{}/never.tfstate", self.0)
    }

    /// Returns an object that Terraform runs can delete: the state of a workspace.
    pub fn object(&self, layout: &StateLayout) -> String {
        layout.path(&format!("{}/terraform.tfstate", self.0), PROBE)
    }

    /// Returns another one.
    pub fn beside(&self, layout: &StateLayout, what: &str) -> String {
        layout.path(&format!("{}/{what}", self.0), PROBE)
    }

    /// Returns the prefixes of all objects of this probe.
    pub fn prefixes(&self, layout: &StateLayout) -> [String; 2] {
        layout.probes().map(|prefix| format!("{prefix}{}/", self.0))
    }
}

fn is_uuid(text: &str) -> bool {
    let mut parts = text.split('-');
    [8, 4, 4, 4, 12].iter().all(|length| {
        parts.next().is_some_and(|part| {
            part.len() == *length && part.bytes().all(|b| b.is_ascii_hexdigit())
        })
    }) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> StateLayout {
        StateLayout {
            key: None,
            workspace_prefix: "env:".to_owned(),
        }
    }

    fn at(time: &str) -> Timestamp {
        time.parse().expect("a time")
    }

    #[test]
    fn a_name_says_when_and_is_found_again() {
        let name = ProbeName::new(at("2026-11-21T13:58:00Z"));
        assert!(
            name.state()
                .starts_with("tfbackend-probe/20261121T135800Z-"),
            "{name:?}"
        );
        assert_ne!(name, ProbeName::new(at("2026-11-21T13:58:00Z")));
        let prefixes = layout().probes();
        for key in [
            name.state(),
            name.lock_file(),
            name.never(),
            name.object(&layout()),
            name.beside(&layout(), "x"),
        ] {
            assert_eq!(
                ProbeName::of(&key, &prefixes).as_ref(),
                Some(&name),
                "{key}"
            );
            assert!(
                name.prefixes(&layout())
                    .iter()
                    .any(|prefix| key.starts_with(&**prefix)),
                "{key}"
            );
        }
        assert!(name.session().len() <= 64, "as long as STS takes");
        assert!(
            !name.is_old(at("2026-11-21T14:57:59Z")) && name.is_old(at("2026-11-21T14:58:00Z"))
        );
        assert!(
            !name.is_old(at("2026-11-21T13:00:00Z")),
            "of a clock that is ahead"
        );
    }

    #[test]
    fn what_no_probe_wrote_is_not_one_of_its_objects() {
        let prefixes = layout().probes();
        let id = new_id();
        for key in [
            "tfbackend-probe/terraform.tfstate".to_owned(),
            format!("tfbackend-probe/{id}/terraform.tfstate"),
            format!("tfbackend-probe/20261121T135800Z-{id}"),
            format!("tfbackend-probe/20261321T135800Z-{id}/terraform.tfstate"),
            format!("tfbackend-probe/20261121T135800Z-{id}0/terraform.tfstate"),
            format!("tfbackend-probe/20261121T135800Z-{id}-0/terraform.tfstate"),
            format!("mine/tfbackend-probe/20261121T135800Z-{id}/terraform.tfstate"),
            format!("env:/mine/20261121T135800Z-{id}/terraform.tfstate"),
            format!("tfbackend-probe/\u{1b}[2J20261121T135800Z-{id}/terraform.tfstate"),
        ] {
            assert_eq!(ProbeName::of(&key, &prefixes), None, "{key}");
        }
    }
}
