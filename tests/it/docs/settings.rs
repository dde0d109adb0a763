//! The reference of all settings is what the options of the command line declare.

use serde_json::Value;
use tfbackend::{
    cli::command_line::pages::default_text,
    kind::BackendKind,
    settings::{
        defaults::defaults,
        options::{OptionInfo, SettingOptions, ValueType, flag_of, said},
    },
};

use crate::support::page;

const HEAD: &str = include_str!("settings_head.md");

#[test]
fn the_settings_reference_is_current() {
    page::must_be("docs/reference/settings.md", &settings_page());
}

fn settings_page() -> String {
    let options = SettingOptions::shared();
    let defaults = said(&defaults());
    let mut page = HEAD.to_owned();
    let mut heading = "";
    for option in options.all() {
        if option.heading != heading {
            heading = &option.heading;
            page.push_str(&format!("\n## {heading}\n"));
        }
        page.push_str(&section(option, defaults.get(&option.name)));
    }
    page
}

fn section(option: &OptionInfo, default: Option<&Value>) -> String {
    let OptionInfo {
        name,
        help,
        value_name,
        ..
    } = option;
    let flag = flag_of(name);
    let flag = match option.shape {
        ValueType::Flag => format!("--{flag}[=true|false]"),
        ValueType::List => format!("--{flag} {value_name}` (may be repeated)`"),
        ValueType::Number | ValueType::Text => format!("--{flag} {value_name}"),
    };
    let flag = format!("`{flag}`").replace(")``", ")");
    let example = match option.shape {
        ValueType::Flag => "true or false",
        ValueType::Number => "a number",
        ValueType::Text => "a string",
        ValueType::List => "a list of strings",
    };
    let example = if option.is_of_the_caller() {
        "never"
    } else {
        example
    };
    let also = if name == "tag" { ", or a table" } else { "" };
    let mut text = format!("\n### `{name}`\n\n{help}.\n\n");
    text.push_str(&format!(
        "- Flag: {flag}\n- Variable: `{}`\n- In the file: {example}{also}\n",
        option.variable()
    ));
    let kinds = BackendKind::with_option(name);
    if kinds.len() < BackendKind::ALL.len() {
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        text.push_str(&format!("- Backend kind: {}\n", kinds.join(", ")));
    }
    text.push_str(&format!("- Default: {}\n", default_text(name, default)));
    if let Some(rule) = &option.rule {
        text.push_str(&format!("- Rule: {rule}\n"));
    }
    for (value, meaning) in &option.values {
        text.push_str(&format!("- `{value}`: {meaning}\n"));
    }
    if !option.excludes.is_empty() {
        let others: Vec<String> = option
            .excludes
            .iter()
            .map(|other| format!("`{other}`"))
            .collect();
        text.push_str(&format!("- Excludes {}\n", others.join(", ")));
    }
    text
}
