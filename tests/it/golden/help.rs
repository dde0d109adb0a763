//! The help page of every command. What an earlier page has word for word is told by its first
//! line.

use std::collections::BTreeSet;

use tfbackend::{cli::command_line, kind::BackendKind};

/// Without options of another backend kind.
#[test]
fn help_says_what_it_said() {
    for (kind, name) in [
        (BackendKind::S3, "help"),
        (BackendKind::Local, "help_local"),
    ] {
        help_of(kind, name);
    }
}

fn help_of(kind: BackendKind, name: &str) {
    let mut root = command_line::command(kind).term_width(100);
    root.build();
    let (mut text, mut seen) = (String::new(), BTreeSet::new());
    page(&mut root, "tfbackend", &mut seen, &mut text);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(super::story::folder().join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn page(command: &mut clap::Command, name: &str, seen: &mut BTreeSet<String>, text: &mut String) {
    text.push_str(&format!("$ {name} --help\n"));
    let help = command.render_long_help().to_string();
    for paragraph in paragraphs(&help) {
        let is_new = seen.insert(paragraph.clone());
        match paragraph.lines().next() {
            Some(first) if !is_new && paragraph.lines().count() > 1 => {
                text.push_str(&format!("{first} …\n"));
            }
            _ => text.push_str(&paragraph),
        }
    }
    text.push('\n');
    for sub in command
        .get_subcommands_mut()
        .filter(|sub| sub.get_name() != "help")
    {
        let name = format!("{name} {}", sub.get_name().to_owned());
        page(sub, &name, seen, text);
    }
}

/// An option with all that is said of it is one, and so is any other line.
fn paragraphs(help: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = vec![];
    for line in help.lines() {
        let goes_on = line.is_empty() || line.starts_with("          ");
        match paragraphs.last_mut() {
            Some(last) if goes_on && last.trim_start().starts_with('-') => {
                last.push_str(&format!("{}\n", line.trim_end()));
            }
            _ => paragraphs.push(format!("{}\n", line.trim_end())),
        }
    }
    paragraphs
}
