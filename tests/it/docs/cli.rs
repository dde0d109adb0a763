//! `docs/reference/commands.md`: every command with its own arguments, made from what clap knows.

use clap::{Arg, Command};
use tfbackend::{
    cli::command_line::{self, pages},
    settings::rerun,
};

use crate::support::page;

#[test]
fn the_cli_reference_is_current() {
    let mut root = command_line::of_all_kinds();
    root.build();
    let mut text = HEAD.to_owned();
    text.push_str(&table(
        root.get_arguments().filter(|arg| arg.is_global_set()),
    ));
    let of_target = root
        .find_subcommand("state")
        .and_then(|state| state.find_subcommand("list"))
        .expect("a command");
    text.push_str(SELECTING);
    text.push_str(&table(
        of_target
            .get_arguments()
            .filter(|arg| pages::is_of_target(arg)),
    ));
    command(&root, "tfbackend", &mut text);
    page::must_be("docs/reference/commands.md", &text);
}

const HEAD: &str = "\
<!-- Made from the program by a test; change the program, then run `make docs`. -->
# Command line

`bootstrap`, `plan` and `config init` accept every [setting](settings.md) as a flag. This page lists \
                    the other
arguments. Exit codes: [exit-codes.md](exit-codes.md). JSON: [json.md](json.md).

## Every command

";

const SELECTING: &str = "
## Selecting a backend

`state` and `lock` commands work on the backend of the current folder, or on the one that these options
select:

";

/// The commands below `of`, each with a section.
fn command(of: &Command, name: &str, text: &mut String) {
    for sub in of
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help" && !sub.is_hide_set())
    {
        let name = format!("{name} {}", sub.get_name());
        let groups = sub.get_subcommands().any(|sub| sub.get_name() != "help");
        text.push_str(&format!("\n## `{name}`\n\n{}.\n", about(sub)));
        if !groups {
            text.push_str(&format!(
                "\n```text\n{}\n```\n",
                sub.clone()
                    .render_usage()
                    .to_string()
                    .replace("Usage: ", "")
            ));
        }
        let settings = |arg: &Arg| pages::is_setting(arg);
        let has_settings = sub
            .get_arguments()
            .any(|arg| !arg.is_global_set() && settings(arg));
        let own = sub.get_arguments().filter(|arg| {
            !arg.is_global_set()
                && !settings(arg)
                && !pages::is_of_target(arg)
                && !["help", "version"].contains(&arg.get_id().as_str())
        });
        let own = table(own);
        if !own.is_empty() {
            text.push_str(&format!("\n{own}"));
        }
        if sub.get_arguments().any(pages::is_of_target) {
            text.push_str("\nAnd the options that [select a backend](#selecting-a-backend).\n");
        }
        if has_settings {
            let path = name.trim_start_matches("tfbackend ");
            text.push_str(match path {
                "self-check" => {
                    "\nAnd the [settings](settings.md) that say where the backend is, and who calls.\n"
                }
                path if rerun::ON_EXISTING.contains(&path) => {
                    "\nAnd the [settings](settings.md) that name a backend.\n"
                }
                _ => "\nAnd all [settings](settings.md).\n",
            });
        }
        command(sub, &name, text);
    }
}

fn about(command: &Command) -> String {
    command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn table<'a>(args: impl Iterator<Item = &'a Arg>) -> String {
    let rows: Vec<String> = args.map(row).collect();
    if rows.is_empty() {
        String::new()
    } else {
        format!("| argument | meaning |\n| --- | --- |\n{}", rows.concat())
    }
}

fn row(arg: &Arg) -> String {
    let values = arg
        .get_value_names()
        .filter(|_| arg.get_action().takes_values())
        .unwrap_or_default()
        .join(" ");
    let value = if values.is_empty() {
        String::new()
    } else {
        format!(" {values}")
    };
    let mut names: Vec<String> = arg
        .get_long()
        .into_iter()
        .map(|long| format!("`--{long}{value}`"))
        .collect();
    names.extend(arg.get_short().map(|short| format!("`-{short}`")));
    if names.is_empty() {
        names.push(format!("`{values}`"));
    }
    let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let possible: Vec<String> = arg
        .get_possible_values()
        .iter()
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !possible.is_empty() && arg.get_action().takes_values() {
        help.push_str(&format!(". One of {}", possible.join(", ")));
    }
    let defaults: Vec<String> = arg
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if !defaults.is_empty() && arg.get_action().takes_values() {
        help.push_str(&format!(" (default {})", defaults.join(", ")));
    }
    format!("| {} | {} |\n", names.join(", "), help.replace('|', "\\|"))
}
