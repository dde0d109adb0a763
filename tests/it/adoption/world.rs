//! Somebody who takes over what is there, and what there is before and after.

use std::path::PathBuf;

use serde_json::Value;

use super::looser::losses;
use crate::support::{
    emulator::Emulator,
    program::{Place, Said},
    proxy::{Proxy, Reply},
};

/// A folder to work in, and every call of the program written down.
pub(super) struct Taker<'a> {
    emulator: &'a Emulator,
    pub place: Place,
    proxy: Proxy,
    /// The environment and its settings, as on the command line.
    line: String,
}

impl<'a> Taker<'a> {
    pub(super) fn new(emulator: &'a Emulator, line: &str) -> Self {
        let proxy = Proxy::start(Some(emulator), |_, _| Reply::Forward);
        let mut place = Place::with(emulator);
        place.set("AWS_ENDPOINT_URL", proxy.endpoint());
        let line = format!("--project acme --region {} {line}", emulator.region());
        Self {
            emulator,
            place,
            proxy,
            line,
        }
    }

    /// Other settings, from here on.
    pub(super) fn say(&mut self, more: &str) {
        self.line = format!("{} {more}", self.line);
    }

    pub(super) fn path(&self) -> PathBuf {
        self.place.path()
    }

    pub(super) fn bootstrap(&self, more: &str) -> Said {
        self.place.bootstrap(&format!("{} -y {more}", self.line))
    }

    /// Says no, and has changed nothing: the sentences of it.
    #[track_caller]
    pub(super) fn refused(&self, more: &str) -> String {
        let before = seen(self.emulator);
        self.proxy.take();
        let said = self.bootstrap(more);
        assert_eq!(said.code, Some(3), "{}", said.all());
        assert_eq!(self.writes(), Vec::<String>::new());
        assert_eq!(seen(self.emulator), before);
        said.refusal()
            .lines()
            .skip(1)
            .map(|line| format!("{line}\n"))
            .collect()
    }

    /// Takes it over: nothing is looser, a second run has nothing to do, and what `verify` still
    /// finds is returned.
    #[track_caller]
    pub(super) fn adopts(&self) -> Vec<String> {
        let before = seen(self.emulator);
        let said = self.bootstrap("--adopt");
        assert_eq!(
            said.code,
            Some(0),
            "{}\n{}",
            said.all(),
            self.emulator.log()
        );
        let after = seen(self.emulator);
        assert_eq!(losses(&before, &after), Vec::<String>::new());
        self.proxy.take();
        let again = self.bootstrap("");
        assert_eq!(again.code, Some(0), "{}", again.all());
        assert_eq!(self.writes(), Vec::<String>::new(), "{}", again.all());
        assert_eq!(seen(self.emulator), after);
        self.found()
    }

    /// What `verify` finds of low severity or above: id, and where.
    #[track_caller]
    pub(super) fn found(&self) -> Vec<String> {
        let args: Vec<&str> = ["verify"]
            .into_iter()
            .chain(self.line.split_whitespace())
            .chain(["--output", "json"])
            .collect();
        let said = self.place.run(&args);
        let document: Value = serde_json::from_str(&said.out)
            .unwrap_or_else(|error| panic!("{error}: {}", said.all()));
        let findings = document["findings"]
            .as_array()
            .unwrap_or_else(|| panic!("{document}"));
        let found: Vec<String> = findings
            .iter()
            .map(|finding| format!("{} {}", text(&finding["id"]), place(finding)))
            .collect();
        assert_eq!(
            said.code,
            Some(if found.is_empty() { 0 } else { 2 }),
            "{}",
            said.all()
        );
        // No address is named here, which is a finding of every environment with alarms.
        found
            .into_iter()
            .filter(|finding| finding != "topic-heard topic")
            .collect()
    }

    fn writes(&self) -> Vec<String> {
        let reads = ["Get", "List", "Describe", "Head", "Scan"];
        self.proxy
            .take()
            .into_iter()
            .filter(|call| !reads.iter().any(|verb| call.contains(&format!(":{verb}"))))
            .collect()
    }
}

/// Everything that there is.
pub(super) fn seen(emulator: &Emulator) -> Value {
    serde_json::from_str(&emulator.python("tests/it/adoption/seen.py", &[])).expect("a document")
}

/// The address of a finding, or the name at the end of an ARN.
pub(super) fn place(finding: &Value) -> &str {
    let name = finding["resource"].as_str().unwrap_or_default();
    finding["address"]
        .as_str()
        .unwrap_or_else(|| name.rsplit_once(':').map_or(name, |(_, end)| end))
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
