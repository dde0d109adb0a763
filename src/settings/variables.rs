//! `TFBACKEND_*`: every option as a variable.

use std::collections::BTreeMap;

use serde_json::Map;

use super::{
    error::{SettingsError, SettingsProblem},
    layer::SettingsLayer,
    options::{SettingOptions, ValueType, layer_of},
};

/// Variables that are no options of an environment, and read elsewhere.
pub const OTHERS: [&str; 5] = [
    "TFBACKEND_CONFIG",
    "TFBACKEND_ENV",
    "TFBACKEND_LOG",
    "TFBACKEND_PYTHON",
    "TFBACKEND_SANDBOX_DIR",
];

/// Reads every variable that is an option. Lists are separated by commas; an empty variable says
/// nothing.
///
/// # Errors
/// If a value is not understood, two exclude each other, or a name looks like a misspelt option. A
/// name that is similar to none belongs to another program.
pub fn read(vars: &BTreeMap<String, String>) -> Result<SettingsLayer, SettingsError> {
    let options = SettingOptions::shared();
    let known: Vec<String> = options
        .all()
        .iter()
        .map(super::options::OptionInfo::variable)
        .collect();
    let mut values = Map::new();
    for (name, text) in vars
        .iter()
        .filter(|(name, text)| name.starts_with("TFBACKEND_") && !text.is_empty())
    {
        let fail = |problem| {
            Err(SettingsError::Variable {
                name: name.clone(),
                problem,
            })
        };
        let Some(index) = known.iter().position(|variable| variable == name) else {
            if OTHERS.contains(&name.as_str()) {
                continue;
            }
            let candidates = known.iter().map(String::as_str).chain(OTHERS);
            match nearest(name, candidates, "TFBACKEND_".len()) {
                Some(nearest) => {
                    return Err(SettingsError::UnknownVariable {
                        name: name.clone(),
                        nearest,
                    });
                }
                None => continue,
            }
        };
        let option = &options.all()[index];
        let texts: Vec<String> = match option.shape {
            ValueType::List => text.split(',').map(|item| item.trim().to_owned()).collect(),
            ValueType::Flag | ValueType::Number | ValueType::Text => vec![text.clone()],
        };
        if let Some(other) = option
            .excludes
            .iter()
            .find(|other| values.contains_key(*other))
        {
            return fail(SettingsProblem::Conflict {
                name: option.name.clone(),
                other: other.clone(),
            });
        }
        match options.read(&option.name, &texts) {
            Ok(value) => values.insert(option.name.clone(), value),
            Err(reason) => {
                return fail(SettingsProblem::Value {
                    name: option.name.clone(),
                    reason,
                });
            }
        };
    }
    Ok(layer_of(values))
}

/// The candidate that `name` is most likely a slip of, if it is near enough. The first `common`
/// bytes are the same in all.
pub fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
    common: usize,
) -> Option<String> {
    let alike = |text: &str| text.to_lowercase().replace('_', "-");
    let wanted = alike(name);
    let (distance, best) = candidates
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&wanted, &alike(candidate)),
                candidate,
            )
        })
        .min()?;
    let allowed = (name.chars().count().saturating_sub(common) / 3).clamp(1, 3);
    (distance <= allowed).then(|| best.to_owned())
}
