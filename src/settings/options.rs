//! The options of an environment as the command line declares them: the one list of names, types
//! and rules, by which the file and the variables are read too.

use std::{any::TypeId, error::Error as _, sync::LazyLock};

use clap::{
    Arg, ArgAction, Args, Command, FromArgMatches,
    error::{ContextKind, ContextValue, ErrorKind},
};
use serde_json::{Map, Value};

use super::{
    layer::{HEAD_RUN, SettingsLayer},
    names::NameError,
};

/// One option, as each source must write it.
#[derive(Clone, Debug)]
pub struct OptionInfo {
    /// In kebab case: the flag without its dashes, and the key in the file.
    pub name: String,
    pub shape: ValueType,
    /// The value name in help, such as `REGION`.
    pub value_name: String,
    /// One sentence, without a full stop.
    pub help: String,
    pub heading: String,
    /// The values there are with a word on each, if they are few.
    pub values: Vec<(String, String)>,
    /// The rule of other options: `a region is …`, `a whole number from 1 to 100`.
    pub rule: Option<String>,
    /// Options that cannot be said beside this one.
    pub excludes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    Flag,
    Number,
    Text,
    List,
}

impl OptionInfo {
    /// The variable that says it: `TFBACKEND_` and the name in capitals.
    pub fn variable(&self) -> String {
        variable_of(&self.name)
    }

    /// Returns whether it decides what a run may do without being asked: only the caller may say
    /// so, never
    /// a file, which may have come with a checkout.
    pub fn is_of_the_caller(&self) -> bool {
        self.heading == HEAD_RUN && self.shape == ValueType::Flag
    }
}

/// The flag of an option, without its dashes. `out` is a file wherever a command writes one.
pub fn flag_of(name: &str) -> &str {
    match name {
        "out" => "dir",
        name => name,
    }
}

pub fn variable_of(name: &str) -> String {
    format!("TFBACKEND_{}", name.to_uppercase().replace('-', "_"))
}

/// Every option, in the order of the help.
#[derive(Clone, Debug)]
pub struct SettingOptions {
    command: Command,
    all: Vec<OptionInfo>,
}

impl SettingOptions {
    /// They are the same for the whole run.
    pub fn shared() -> &'static Self {
        static ALL: LazyLock<SettingOptions> = LazyLock::new(SettingOptions::new);
        &ALL
    }

    fn new() -> Self {
        let command = SettingsLayer::augment_args(
            Command::new("settings")
                .no_binary_name(true)
                .disable_help_flag(true),
        );
        let excludes: Vec<(String, String)> = command
            .get_arguments()
            .flat_map(|arg| {
                command
                    .get_arg_conflicts_with(arg)
                    .into_iter()
                    .map(|other| (name_of(arg), name_of(other)))
            })
            .collect();
        let mut options = Self {
            all: vec![],
            command,
        };
        options.all = options
            .command
            .get_arguments()
            .map(|arg| options.info(arg, &excludes))
            .collect();
        options
    }

    pub fn all(&self) -> &[OptionInfo] {
        &self.all
    }

    pub fn get(&self, name: &str) -> Option<&OptionInfo> {
        self.all.iter().find(|option| option.name == name)
    }

    /// The option whose flag an argument of a command has.
    pub fn of_arg(&self, arg: &Arg) -> Option<&OptionInfo> {
        let flag = arg.get_long()?;
        self.all.iter().find(|option| flag_of(&option.name) == flag)
    }

    /// The value of one option out of its texts (several for a list), or why it is none.
    ///
    /// # Panics
    /// If there is no such option.
    pub fn read(&self, name: &str, texts: &[String]) -> Result<Value, String> {
        let args = texts
            .iter()
            .map(|text| format!("--{}={text}", flag_of(name)));
        let matches = self
            .command
            .clone()
            .try_get_matches_from(args)
            .map_err(|error| reason(&error))?;
        let layer = SettingsLayer::from_arg_matches(&matches).map_err(|error| reason(&error))?;
        Ok(said(&layer).remove(name).unwrap_or(Value::Array(vec![])))
    }

    fn info(&self, arg: &Arg, excludes: &[(String, String)]) -> OptionInfo {
        let name = name_of(arg);
        let shape = shape_of(arg);
        let values: Vec<_> = match shape {
            ValueType::Flag => vec![],
            ValueType::Number | ValueType::Text | ValueType::List => arg
                .get_possible_values()
                .iter()
                .map(|value| {
                    (
                        value.get_name().to_owned(),
                        value
                            .get_help()
                            .map(ToString::to_string)
                            .unwrap_or_default(),
                    )
                })
                .collect(),
        };
        OptionInfo {
            rule: self.rule(&name, shape),
            shape,
            values,
            value_name: arg.get_value_names().unwrap_or_default().join(" "),
            help: arg.get_help().map(ToString::to_string).unwrap_or_default(),
            heading: arg.get_help_heading().unwrap_or_default().to_owned(),
            excludes: excludes
                .iter()
                .filter_map(|(one, other)| match (*one == name, *other == name) {
                    (true, _) => Some(other.clone()),
                    (_, true) => Some(one.clone()),
                    _ => None,
                })
                .collect(),
            name,
        }
    }

    /// The rule by which the parser refuses what no rule allows.
    fn rule(&self, name: &str, shape: ValueType) -> Option<String> {
        let refused = match shape {
            ValueType::Flag => return None,
            ValueType::Number => "0",
            ValueType::Text | ValueType::List => "\0",
        };
        let error = self
            .command
            .clone()
            .try_get_matches_from([format!("--{}={refused}", flag_of(name))])
            .err()?;
        let source = error.source()?;
        match source.downcast_ref::<NameError>() {
            Some(name_error) => Some(name_error.rule.to_owned()),
            None => source
                .to_string()
                .rsplit_once(NOT_IN)
                .map(|(_, range)| range_text(range)),
        }
    }
}

/// Returns the values of a layer, by option.
pub fn said(layer: &SettingsLayer) -> Map<String, Value> {
    match serde_json::to_value(layer) {
        Ok(Value::Object(map)) => map,
        other => unreachable!("a layer is a table of plain data: {other:?}"),
    }
}

/// The inverse of [`said`].
pub fn layer_of(map: Map<String, Value>) -> SettingsLayer {
    serde_json::from_value(Value::Object(map)).expect("every value came out of a layer")
}

fn name_of(arg: &Arg) -> String {
    match arg.get_long().unwrap_or_default() {
        flag if flag == flag_of("out") => "out".to_owned(),
        flag => flag.to_owned(),
    }
}

fn shape_of(arg: &Arg) -> ValueType {
    let parsed = arg.get_value_parser().type_id();
    if matches!(arg.get_action(), ArgAction::Append) {
        ValueType::List
    } else if parsed == TypeId::of::<bool>() {
        ValueType::Flag
    } else if parsed == TypeId::of::<u32>() {
        ValueType::Number
    } else {
        ValueType::Text
    }
}

/// Clap's error without its frame: what to say behind the name of the option.
fn reason(error: &clap::Error) -> String {
    let strings = |kind| match error.get(kind) {
        Some(ContextValue::String(value)) => vec![value.clone()],
        Some(ContextValue::Strings(values)) => values.clone(),
        _ => vec![],
    };
    if let Some(source) = error.source() {
        return match source.downcast_ref::<NameError>() {
            Some(name_error) => name_error.to_string(),
            None => {
                let found = strings(ContextKind::InvalidValue).concat();
                let source = source.to_string();
                let wanted = source.rsplit_once(NOT_IN).map_or_else(
                    || "a whole number".to_owned(),
                    |(_, range)| range_text(range),
                );
                format!("is `{}`; it must be {wanted}", found.escape_debug())
            }
        };
    }
    if matches!(error.kind(), ErrorKind::InvalidValue) {
        let found = strings(ContextKind::InvalidValue).concat();
        let valid: Vec<String> = strings(ContextKind::ValidValue)
            .iter()
            .map(|value| format!("`{value}`"))
            .collect();
        let what = if found.is_empty() {
            "is empty".to_owned()
        } else {
            format!("is `{}`", found.escape_debug())
        };
        return format!("{what}; it must be {}", one_of(&valid));
    }
    error.kind().to_string()
}

/// In clap's own error on a number out of its range.
const NOT_IN: &str = " is not in ";

/// `1..=100`, as clap writes it, in words.
fn range_text(range: &str) -> String {
    match range.split_once("..") {
        Some((from, "")) => format!("a whole number from {from}"),
        Some((from, to)) => format!(
            "a whole number from {from} to {}",
            to.trim_start_matches('=')
        ),
        None => range.to_owned(),
    }
}

fn one_of(values: &[String]) -> String {
    match values {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
