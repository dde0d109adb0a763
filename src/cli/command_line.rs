//! The command line, parsed twice: first for what decides the backend kind, then with the options of
//! that kind.

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Arg, ArgMatches, Command, CommandFactory, Error, FromArgMatches,
    error::{ContextKind, ErrorKind},
    parser::ValueSource,
};

mod examples;
pub mod pages;

use super::Cli;
use crate::{
    host::Host,
    kind::BackendKind,
    settings::{
        file::SettingsFile,
        kinds::names_of,
        options::{SettingOptions, variable_of},
    },
};

/// Parses a command line, with the options of the backend kind that it is about.
///
/// # Errors
/// If clap does not understand it, or an option belongs to another kind.
pub fn parse(args: &[OsString], host: &Host) -> Result<Cli, Error> {
    parse_of(&ChosenKind::of(args, host), args)
}

fn parse_of(chosen: &ChosenKind, args: &[OsString]) -> Result<Cli, Error> {
    let mut command = command(chosen.kind);
    let matches = command
        .try_get_matches_from_mut(args)
        .map_err(|mut error| {
            // clap's tip about file names that begin with a dash does not help with a mistyped option.
            if error.kind() == ErrorKind::UnknownArgument {
                error.remove(ContextKind::Suggested);
            }
            error
        })?;
    if let Some(name) = option_of_another_kind(&command, "", &matches, chosen.kind) {
        let kinds = match &BackendKind::with_option(&name)[..] {
            [] => BackendKind::S3.to_string(),
            kinds => names_of(kinds),
        };
        let (kind, because) = (chosen.kind, &chosen.because);
        return Err(command.error(
            ErrorKind::ArgumentConflict,
            format!(
                "--{name} is an option of backend kind {kinds}, and this backend is of kind \
                 {kind}{because}"
            ),
        ));
    }
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The whole command line with the options of one kind: those of others are not in its help.
pub fn command(kind: BackendKind) -> Command {
    for_kind(pages::laid_out(Cli::command(), kind), "", kind)
}

/// The whole command line with the options of all kinds, for manual pages.
pub fn of_all_kinds() -> Command {
    pages::laid_out(Cli::command(), BackendKind::S3)
}

/// Options of commands that only backends of kind `s3` have, by command. Those that set something are
/// in `settings/kinds`.
const OF_S3: [(&str, &[&str]); 5] = [
    ("", &["sandbox", "endpoint_url"]),
    ("bootstrap", &["plan", "enforce", "prune"]),
    ("plan", &["save_to", "enforce", "needed_actions"]),
    ("verify", &["read_states", "probe", "runner"]),
    (
        "teardown",
        &[
            "cancel",
            "detach",
            "purge_logs",
            "keep_key",
            "key_window",
            "backup",
        ],
    ),
];

/// `path` is the name of the command with those above it, without that of the program.
fn for_kind(command: Command, path: &str, kind: BackendKind) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    let command = command.mut_args(|arg| {
        if is_of_another(&arg, path, kind) {
            arg.hide(true)
        } else {
            arg
        }
    });
    names.into_iter().fold(command, |command, name| {
        let below = joined(path, &name);
        command.mut_subcommand(name, |sub| for_kind(sub, &below, kind))
    })
}

fn joined(path: &str, name: &str) -> String {
    format!("{path} {name}").trim_start().to_owned()
}

fn is_of_another(arg: &Arg, path: &str, kind: BackendKind) -> bool {
    let id = arg.get_id().as_str();
    let of_s3 = OF_S3
        .iter()
        .any(|(command, ids)| *command == path && ids.contains(&id));
    SettingOptions::shared()
        .of_arg(arg)
        .map_or(of_s3 && kind != BackendKind::S3, |option| {
            !kind.has_option(&option.name)
        })
}

/// The long name of an option that was given and that the kind does not have. The sandbox and its
/// address may be given to every command.
fn option_of_another_kind(
    command: &Command,
    path: &str,
    matches: &ArgMatches,
    kind: BackendKind,
) -> Option<String> {
    let given = |arg: &&Arg| {
        let id = arg.get_id().as_str();
        matches.try_contains_id(id).is_ok_and(|known| known)
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    let own = command
        .get_arguments()
        .filter(|arg| !arg.is_global_set() && is_of_another(arg, path, kind))
        .find(given)
        .and_then(|arg| arg.get_long().map(str::to_owned));
    own.or_else(|| {
        let (name, below) = matches.subcommand()?;
        let path = joined(path, name);
        option_of_another_kind(command.find_subcommand(name)?, &path, below, kind)
    })
}

/// The backend kind of a command line.
struct ChosenKind {
    kind: BackendKind,
    /// For a message; empty if nothing says a kind.
    because: String,
}

impl ChosenKind {
    /// The first pass reads only `--backend`, `--env`, `--config` and `--chdir`. Errors in them are
    /// those of the second pass.
    fn of(args: &[OsString], host: &Host) -> Self {
        if let Some(kind) = value(args, "--backend", None).and_then(|name| name.parse().ok()) {
            return Self {
                kind,
                because: " (--backend)".to_owned(),
            };
        }
        let variable = variable_of("backend");
        if let Some(kind) = host.var(&variable).and_then(|name| name.parse().ok()) {
            return Self {
                kind,
                because: format!(" ({variable})"),
            };
        }
        of_file(args, host).unwrap_or(Self {
            kind: BackendKind::S3,
            because: String::new(),
        })
    }
}

/// The kind that the settings file says for the environment.
fn of_file(args: &[OsString], host: &Host) -> Option<ChosenKind> {
    let env =
        value(args, "--env", Some("-e")).or_else(|| host.var("TFBACKEND_ENV").map(str::to_owned));
    // Commands on any backend take an environment only if it is named.
    if env.is_none() && args.iter().any(|arg| arg == "state" || arg == "lock") {
        return None;
    }
    let cwd = value(args, "--chdir", None).map_or(host.cwd.clone(), |dir| host.cwd.join(dir));
    let config = value(args, "--config", None)
        .or_else(|| host.var("TFBACKEND_CONFIG").map(str::to_owned))
        .map(PathBuf::from);
    let (kind, path) = SettingsFile::stated_kind(&cwd, config.as_deref(), env.as_deref())?;
    Some(ChosenKind {
        kind,
        because: format!(" ({})", path.display()),
    })
}

/// The last value of an option, before `--`.
fn value(args: &[OsString], long: &str, short: Option<&str>) -> Option<String> {
    let mut words = args
        .iter()
        .map(|arg| arg.to_string_lossy())
        .take_while(|arg| arg != "--");
    let mut found = None;
    while let Some(word) = words.next() {
        if word == long || short.is_some_and(|short| word == short) {
            found = words.next().map(|value| value.into_owned());
        } else if let Some(value) = word
            .strip_prefix(long)
            .and_then(|rest| rest.strip_prefix('='))
        {
            found = Some(value.to_owned());
        }
    }
    found
}

/// As if nothing said another kind.
#[cfg(test)]
fn parse_for(kind: BackendKind, args: &[OsString]) -> Result<Cli, Error> {
    let because = String::new();
    parse_of(&ChosenKind { kind, because }, args)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Cli, String> {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse_for(BackendKind::S3, &args).map_err(|error| error.to_string())
    }

    #[test]
    fn a_backend_can_be_judged_by_settings_that_are_not_in_the_help() {
        for command in ["verify", "render", "teardown"] {
            let line = format!("tfbackend {command} --env prod --rotation-days 90 --trail off");
            parsed(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn earlier_names_of_options_are_still_read() {
        for line in [
            "tfbackend bootstrap --env prod --out infra --yes",
            "tfbackend bootstrap --env prod --dir infra --auto-approve",
        ] {
            let Ok(Cli {
                command: Some(super::super::Command::Bootstrap(args)),
                ..
            }) = parsed(line)
            else {
                panic!("{line}");
            };
            let layer = args.environment.layer;
            assert_eq!(
                layer.out.map(|dir| dir.to_string()).as_deref(),
                Some("infra")
            );
            assert_eq!(layer.auto_approve, Some(true));
        }
        let Ok(Cli {
            command: Some(super::super::Command::Plan(args)),
            ..
        }) = parsed("tfbackend plan --env prod --out prod.plan --dir infra")
        else {
            panic!("plan");
        };
        assert_eq!(args.save_to, Some(PathBuf::from("prod.plan")));
        let dir = args.environment.layer.out.map(|dir| dir.to_string());
        assert_eq!(dir.as_deref(), Some("infra"));
    }

    #[test]
    fn the_last_value_before_the_separator() {
        let args: Vec<OsString> = ["tfbackend", "--env=a", "-e", "b", "--", "--env", "c"]
            .map(OsString::from)
            .into();
        assert_eq!(value(&args, "--env", Some("-e")).as_deref(), Some("b"));
        assert_eq!(value(&args, "--backend", None), None);
    }
}
