//! One value of one environment, set in the text of a settings file: no other byte of it changes.

use std::{ops::Range, path::Path};

use toml::de::{DeTable, DeValue};

use super::{OptionTable, SettingsFile};
use crate::settings::{error::SettingsError, names::EnvName};

/// The reason why a text is not edited.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetError {
    #[error(transparent)]
    NotUnderstood(#[from] SettingsError),
    #[error("its syntax cannot be edited safely")]
    NotSafe,
}

/// A place in the text, and what is to stand there.
type TextSplice = (Range<usize>, String);

/// The text with `name = "value"` for this environment; `None` if it says so, or says nothing of
/// the environment.
///
/// A value for all environments stays: the others go on by it. The environment gets one of its own.
///
/// # Errors
/// If the text is not understood, or the edit would change more than this value.
pub(crate) fn set(
    path: &Path,
    text: &str,
    env: &EnvName,
    name: &str,
    value: &str,
) -> Result<Option<String>, SetError> {
    let before = SettingsFile::parse(path, text)?;
    let says = |table: Option<&OptionTable>| {
        table
            .and_then(|table| table.get(name))
            .map(|said| said.value == value)
    };
    let (own, top) = (says(before.envs.get(env)), says(Some(&before.top)));
    let splice = match (own, top, before.envs.contains_key(env)) {
        (Some(true), ..) | (None, Some(true), _) | (None, None, false) => return Ok(None),
        (Some(false), ..) => replaced(text, env, name, value),
        (None, _, true) => inserted(text, env, name, value),
        (None, Some(false), false) => Some(appended(text, env, name, value)),
    };
    let (place, with) = splice.ok_or(SetError::NotSafe)?;
    let after = format!("{}{with}{}", &text[..place.start], &text[place.end..]);
    if is_all_that_changed(&before, path, &after, env, name, value) {
        Ok(Some(after))
    } else {
        Err(SetError::NotSafe)
    }
}

/// Returns whether the new text says what the old one said, and this value.
fn is_all_that_changed(
    before: &SettingsFile,
    path: &Path,
    after: &str,
    env: &EnvName,
    name: &str,
    value: &str,
) -> bool {
    let Ok(mut after) = SettingsFile::parse(path, after) else {
        return false;
    };
    let now = after.envs.entry(env.clone()).or_default().remove(name);
    let mut before = before.clone();
    before.envs.entry(env.clone()).or_default().remove(name);
    let values = |table: &OptionTable| {
        table
            .iter()
            .map(|(name, said)| (name.clone(), said.value.clone()))
            .collect::<Vec<_>>()
    };
    let all = |file: &SettingsFile| {
        (
            values(&file.top),
            file.envs
                .iter()
                .map(|(env, table)| (env.clone(), values(table)))
                .collect::<Vec<_>>(),
        )
    };
    now.is_some_and(|said| said.value == value)
        && all(&before) == all(&after)
        && (before.ignored, before.ignored_in) == (after.ignored, after.ignored_in)
}

/// Returns the start of a text after its byte order mark.
fn start_of(text: &str) -> usize {
    text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len()
}

/// The place of the environment's name, and its table.
fn with_table<T>(
    text: &str,
    env: &EnvName,
    with: impl FnOnce(Range<usize>, &DeTable<'_>) -> Option<T>,
) -> Option<T> {
    let table = DeTable::parse(&text[start_of(text)..]).ok()?;
    let (_, envs) = table
        .get_ref()
        .iter()
        .find(|(key, _)| key.get_ref().as_ref() == "env")?;
    let DeValue::Table(envs) = envs.get_ref() else {
        return None;
    };
    let (key, table) = envs
        .iter()
        .find(|(key, _)| key.get_ref().as_ref() == env.as_str())?;
    let DeValue::Table(table) = table.get_ref() else {
        return None;
    };
    with(key.span(), table)
}

fn replaced(text: &str, env: &EnvName, name: &str, value: &str) -> Option<TextSplice> {
    let from = start_of(text);
    with_table(text, env, |_, table| {
        let (_, old) = table
            .iter()
            .find(|(key, _)| key.get_ref().as_ref() == name)?;
        let place = old.span();
        Some((from + place.start..from + place.end, format!("\"{value}\"")))
    })
}

/// On the line after `[env.NAME]`.
fn inserted(text: &str, env: &EnvName, name: &str, value: &str) -> Option<TextSplice> {
    let from = start_of(text);
    let after = with_table(text, env, |key, _| Some(from + key.end))?;
    let ending = line_ending(text);
    Some(match text[after..].find('\n') {
        Some(end) => (
            after + end + 1..after + end + 1,
            format!("{name} = \"{value}\"{ending}"),
        ),
        None => (
            text.len()..text.len(),
            format!("{ending}{name} = \"{value}\"{ending}"),
        ),
    })
}

fn appended(text: &str, env: &EnvName, name: &str, value: &str) -> TextSplice {
    let ending = line_ending(text);
    let gap = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        ending
    };
    (
        text.len()..text.len(),
        format!("{gap}{ending}[env.{env}]{ending}{name} = \"{value}\"{ending}"),
    )
}

fn line_ending(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn lock(text: &str) -> Option<String> {
        set(
            Path::new("tfbackend.toml"),
            text,
            &"prod".parse().expect("a name"),
            "lock",
            "both",
        )
        .expect("edited")
    }

    #[test]
    fn settings_file_edit_changes_one_value_and_no_other_byte() {
        let whole = "\u{feff}# ours\nproject = 'acme' # the\nlock = \"dynamodb\"\n\n[env.prod] # \
                     live\nregion = \"eu-west-1\"\nlock = 'dynamodb'   # see ops\n[env.dev]\n";
        assert_eq!(
            lock(whole).as_deref(),
            Some(&*whole.replace("lock = 'dynamodb'", "lock = \"both\""))
        );
        let of_all = "lock = \"s3\"\r\n[env.prod]\r\n# here\r\nregion = \"eu-west-1\"\r\n";
        let own = "lock = \"s3\"\r\n[env.prod]\r\nlock = \"both\"\r\n# here\r\nregion = \
                   \"eu-west-1\"\r\n";
        assert_eq!(
            lock(of_all).as_deref(),
            Some(own),
            "other environments go on by the value for all"
        );
        assert_eq!(
            lock("[env.prod]").as_deref(),
            Some("[env.prod]\nlock = \"both\"\n")
        );
        assert_eq!(
            lock("lock = \"s3\"").as_deref(),
            Some("lock = \"s3\"\n\n[env.prod]\nlock = \"both\"\n")
        );
        assert_eq!(
            lock("[env]\nprod.region = \"eu-west-1\"\nprod.lock = \"s3\"\n").as_deref(),
            Some("[env]\nprod.region = \"eu-west-1\"\nprod.lock = \"both\"\n")
        );
    }

    #[test]
    fn settings_file_edit_leaves_what_says_so_already_or_nothing_of_it() {
        for text in [
            "",
            "project = \"acme\"\n[env.dev]\nlock = \"s3\"\n",
            "[env.prod]\nlock = \"both\"\n",
            "lock = \"both\"\n[env.prod]\n",
        ] {
            assert_eq!(lock(text), None, "{text:?}");
        }
    }

    #[test]
    fn settings_file_edit_is_left_to_the_author_where_it_would_change_more() {
        let env = "prod".parse().expect("a name");
        for text in [
            "env.prod.region = \"eu-west-1\"\n",
            "[env]\nprod = { region = \"eu-west-1\" }\n",
            "env = { prod = {} }\n",
        ] {
            let refused = set(Path::new("tfbackend.toml"), text, &env, "lock", "both");
            assert!(
                matches!(refused, Err(SetError::NotSafe)),
                "{text:?}: {refused:?}"
            );
        }
        let nonsense = set(
            Path::new("tfbackend.toml"),
            "lock = 1\n",
            &env,
            "lock",
            "both",
        );
        assert!(
            matches!(nonsense, Err(SetError::NotUnderstood(_))),
            "{nonsense:?}"
        );
    }
}
