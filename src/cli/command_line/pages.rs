//! The help pages: positionals under "Arguments", the options of a command before the settings, the
//! default and the variable of each setting, and examples.

use std::{collections::BTreeSet, sync::LazyLock};

use clap::{Arg, Args, Command, builder::StyledStr};
use serde_json::{Map, Value};

use super::examples;
use crate::{
    cli::target::TargetArgs,
    kind::BackendKind,
    settings::{
        defaults::defaults,
        layer::HEAD_RUN,
        options::{OptionInfo, SettingOptions, said},
        rerun,
    },
};

/// Variables of options that are no settings.
const VARIABLES: [(&str, &str); 2] = [("env", "TFBACKEND_ENV"), ("config", "TFBACKEND_CONFIG")];

/// Lays out the page of a command and those of its subcommands. Without a kind, examples are those
/// of kind s3.
pub fn laid_out(command: Command, kind: BackendKind) -> Command {
    page(command, "", kind)
}

/// `path` is the name with those of the commands above, without that of the program.
fn page(command: Command, path: &str, kind: BackendKind) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    let mut own = 0;
    let command = command.mut_args(|arg| {
        let arg = told(hidden_if_creating(arg, path));
        if arg.is_positional() {
            return arg.help_heading(None::<&str>);
        }
        match place_of(&arg) {
            PagePlace::Own => {
                own += 1;
                arg.help_heading(None::<&str>).display_order(own)
            }
            PagePlace::Run => arg.help_heading(None::<&str>),
            PagePlace::Below => arg,
        }
    });
    let command = match examples::of(path, kind) {
        Some(examples) => command.after_help(examples),
        None => command,
    };
    names.into_iter().fold(command, |command, name| {
        let below = format!("{path} {name}").trim().to_owned();
        command.mut_subcommand(name, |sub| page(sub, &below, kind))
    })
}

/// Where an option stands on a page.
enum PagePlace {
    /// Among the first.
    Own,
    /// A setting of the run, behind the own options.
    Run,
    /// Under its heading.
    Below,
}

fn place_of(arg: &Arg) -> PagePlace {
    if arg.is_global_set() {
        return PagePlace::Below;
    }
    let heading = arg.get_help_heading().unwrap_or_default();
    if is_of_target(arg) {
        return PagePlace::Below;
    }
    match setting_of(arg) {
        Some(_) if heading == HEAD_RUN => PagePlace::Run,
        _ if heading != HEAD_RUN && headings().contains(heading) => PagePlace::Below,
        _ => PagePlace::Own,
    }
}

/// The setting that an option of a command is, if it is no other option of the name.
fn setting_of(arg: &Arg) -> Option<&'static OptionInfo> {
    SettingOptions::shared()
        .of_arg(arg)
        .filter(|option| arg.get_help_heading() == Some(&option.heading))
}

/// Returns whether an option of a command is a setting of an environment.
pub fn is_setting(arg: &Arg) -> bool {
    setting_of(arg).is_some() || is_run_setting(arg)
}

/// A setting of the run, once it stands among the options of a command.
fn is_run_setting(arg: &Arg) -> bool {
    let option = SettingOptions::shared().of_arg(arg);
    option.is_some_and(|option| {
        option.heading == HEAD_RUN
            && arg.get_help_heading().is_none()
            && arg.get_value_names().unwrap_or_default().join(" ") == option.value_name
    })
}

fn headings() -> &'static BTreeSet<&'static str> {
    static ALL: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
        let options = SettingOptions::shared().all();
        options.iter().map(|option| &*option.heading).collect()
    });
    &ALL
}

/// Returns whether an option is one that selects a backend for `state` and `lock` commands. The
/// heading of these options goes over to those that follow them, so that the name must tell as well.
pub fn is_of_target(arg: &Arg) -> bool {
    static HEADING: LazyLock<(Option<String>, BTreeSet<String>)> = LazyLock::new(|| {
        let command = TargetArgs::augment_args(Command::new("target"));
        let ids = command.get_arguments().map(|arg| arg.get_id().to_string());
        let heading = command.get_arguments().find_map(Arg::get_help_heading);
        (heading.map(str::to_owned), ids.collect())
    });
    let (heading, ids) = &*HEADING;
    arg.get_help_heading() == heading.as_deref() && ids.contains(arg.get_id().as_str())
}

/// With its default and its variable behind its help.
fn told(arg: Arg) -> Arg {
    let id = arg.get_id().as_str();
    let variable = VARIABLES.iter().find(|(name, _)| *name == id);
    let notes = match (setting_of(&arg), variable) {
        (Some(option), _) => notes_of(option),
        (None, Some((_, variable))) => format!("[env: {variable}]"),
        (None, None) => return arg,
    };
    let help = arg.get_help().map(StyledStr::to_string).unwrap_or_default();
    arg.help(format!("{help} {notes}"))
}

fn notes_of(option: &OptionInfo) -> String {
    static DEFAULTS: LazyLock<Map<String, Value>> = LazyLock::new(|| said(&defaults()));
    let default = default_text(&option.name, DEFAULTS.get(&option.name));
    let default = match default.replace('`', "") {
        text if text.ends_with("(required)") => "[required]".to_owned(),
        text => format!("[default: {text}]"),
    };
    format!("{default} [env: {}]", option.variable())
}

/// The default of a setting in words: what it is derived from, where it has no fixed one.
pub fn default_text(name: &str, default: Option<&Value>) -> String {
    let value = match default {
        Some(Value::String(text)) => format!("`{text}`"),
        Some(Value::Array(_)) => "none".to_owned(),
        Some(other) => format!("`{other}`"),
        None => String::new(),
    };
    match name {
        "project" | "region" => "none (required)".to_owned(),
        "account" => "the account of the credentials".to_owned(),
        "profile" => "as in the AWS SDK: credentials in variables, then `AWS_PROFILE`, then \
                      `default`"
            .to_owned(),
        "role-arn" => "none: calls use the credentials directly".to_owned(),
        "external-id" => "none".to_owned(),
        "state-dir" => {
            "`tfbackend/<project>/<env>` in `$XDG_DATA_HOME`, else in `~/.local/share`".to_owned()
        }
        "bucket" => "`<project>-tfstate-<env>-<account>-<region>`, with the suffix `-an` in the \
                     account-regional namespace"
            .to_owned(),
        "table" => "`<project>-tfstate-<env>-locks`".to_owned(),
        "kms-key" => "a new key".to_owned(),
        "alarm-topic" => "a new topic".to_owned(),
        "read-capacity" | "write-capacity" => format!("{value}, with `billing` `provisioned`"),
        "table-encryption" => format!("{value}; `aws-owned` with `encryption` `sse-s3`"),
        "delete-events" => format!("{value}; off without `alarms`"),
        _ => value,
    }
}

/// Help of commands on an existing backend has no settings by which one is created. They are still
/// understood: `verify` judges by them, and an environment may have no other source of them.
fn hidden_if_creating(arg: Arg, path: &str) -> Arg {
    let is_hidden = !arg.is_global_set()
        && setting_of(&arg).is_some_and(|option| !rerun::is_shown(path, &option.name));
    match is_hidden {
        true => arg.hide(true),
        false => arg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command_line;

    fn each_page(visit: &mut dyn FnMut(&Command, &str)) {
        fn below(command: &Command, path: &str, visit: &mut dyn FnMut(&Command, &str)) {
            visit(command, path);
            for sub in command
                .get_subcommands()
                .filter(|sub| sub.get_name() != "help")
            {
                below(sub, &format!("{path} {}", sub.get_name()), visit);
            }
        }
        for kind in BackendKind::ALL {
            let mut root = command_line::command(*kind).term_width(100);
            root.build();
            below(&root, "tfbackend", visit);
        }
    }

    fn shown(command: &Command) -> impl Iterator<Item = &Arg> {
        command.get_arguments().filter(|arg| !arg.is_hide_set())
    }

    #[test]
    fn positionals_are_arguments_and_own_options_come_first() {
        const OF_CLAP: [&str; 2] = ["help", "version"];
        each_page(&mut |command, path| {
            let mut own = vec![];
            for arg in shown(command) {
                let heading = arg.get_help_heading();
                if arg.is_positional() {
                    assert_eq!(heading, None, "{path} {}", arg.get_id());
                } else if heading.is_none() && !OF_CLAP.contains(&arg.get_id().as_str()) {
                    own.push(arg.get_id().to_string());
                }
            }
            assert!(own.len() <= 15, "{path}: {own:?}");
            let text = command.clone().render_help().to_string();
            let place = |heading: &str| text.find(&format!("\n{heading}:\n"));
            for later in ["Environment", "Backend", "Files", "Global options"] {
                if let Some(later) = place(later) {
                    assert!(
                        place("Options").is_some_and(|first| first < later),
                        "{path}"
                    );
                }
            }
            for other in ["Run", "Verify", "Teardown"] {
                assert_eq!(place(other), None, "{path}");
            }
        });
    }

    #[test]
    fn each_setting_says_its_default_and_its_variable() {
        let mut count = 0;
        each_page(&mut |command, path| {
            for arg in shown(command) {
                let Some(option) = SettingOptions::shared().of_arg(arg) else {
                    continue;
                };
                if is_setting(arg) {
                    let help = arg.get_help().map(StyledStr::to_string).unwrap_or_default();
                    let variable = format!("[env: {}]", option.variable());
                    assert!(help.ends_with(&variable), "{path} {}: {help}", option.name);
                    assert!(
                        help.contains("[default: ") || help.contains("[required] "),
                        "{path} {}: {help}",
                        option.name
                    );
                    count += 1;
                }
            }
        });
        assert!(count > 50, "{count}");
    }

    #[test]
    fn each_page_has_an_example() {
        each_page(&mut |command, path| {
            let text = command.clone().render_help().to_string();
            assert!(text.contains("\nExample"), "{path}:\n{text}");
        });
    }

    #[test]
    fn settings_by_which_a_backend_is_created_are_not_on_pages_of_others() {
        for path in rerun::ON_EXISTING {
            let root = command_line::command(BackendKind::S3);
            let command = path.split(' ').fold(&root, |command, name| {
                command.find_subcommand(name).expect("a command")
            });
            let shown: Vec<&str> = shown(command).filter_map(Arg::get_long).collect();
            for hidden in [
                "rotation-days",
                "log-days",
                "trail",
                "alarms",
                "tag",
                "billing",
            ] {
                assert!(!shown.contains(&hidden), "{path}: {hidden}");
            }
            for named in ["project", "region", "bucket", "table", "key", "lock"] {
                assert!(shown.contains(&named), "{path}: {named}");
            }
        }
    }
}
