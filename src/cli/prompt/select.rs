//! Lists to choose from, with `dialoguer`: each line is broken here, as it counts the lines that it
//! draws and not those that the terminal makes of them.

use std::fmt;

use console::{Term, style};
use dialoguer::{
    FuzzySelect, Select,
    theme::{ColorfulTheme, Theme},
};

use super::{failure, question_lines};
use crate::{host::PromptError, report::wrap::wrap};

/// Before each item.
const MARK: &str = "❯ ";
const KEYS: &str = "↑/↓ to move, Enter to choose, Esc to go back";
const SEARCH_KEYS: &str = "type to search, ↑/↓ to move, Enter to choose";
/// Lines of a list that is searched.
const VISIBLE: usize = 10;

/// Returns the index of the option that is chosen, and leaves nothing of the list on the screen.
pub(super) fn choose(
    term: &Term,
    text: &str,
    flag: &str,
    options: &[(String, String)],
    default: usize,
) -> Result<usize, PromptError> {
    let items: Vec<String> = options
        .iter()
        .map(|(name, line)| item(name, line, columns(term)))
        .collect();
    let theme = ListTheme::new(items.last(), columns(term));
    asked(term, text, flag, || {
        Select::with_theme(&theme)
            .items(&items)
            .default(default)
            .report(false)
            .interact_on_opt(term)
    })
}

/// The same of many options, of which those are shown that fit what is typed.
pub(super) fn search(
    term: &Term,
    text: &str,
    flag: &str,
    options: &[(String, String)],
) -> Result<usize, PromptError> {
    let widest = options.iter().map(|(name, _)| name.len()).max();
    let items: Vec<String> = options
        .iter()
        .map(|(name, line)| format!("{name:<0$}  {line}", widest.unwrap_or_default()))
        .collect();
    let theme = ListTheme::new(None, columns(term));
    asked(term, text, flag, || {
        FuzzySelect::with_theme(&theme)
            .items(&items)
            .default(0)
            .max_length(VISIBLE)
            .report(false)
            .interact_on_opt(term)
    })
}

fn columns(term: &Term) -> usize {
    usize::from(term.size().1)
}

/// Draws the question, lets `interact` draw the list below it, and clears both.
fn asked(
    term: &Term,
    text: &str,
    flag: &str,
    interact: impl FnOnce() -> dialoguer::Result<Option<usize>>,
) -> Result<usize, PromptError> {
    let lines = question_lines(text, &format!("({flag})"), columns(term));
    for line in &lines {
        term.write_line(line)?;
    }
    let chosen = interact().map_err(failure)?;
    term.clear_last_lines(lines.len())?;
    chosen.ok_or(PromptError::Back)
}

/// An option and its explanation, in as many lines as it takes.
fn item(name: &str, line: &str, columns: usize) -> String {
    let text = if line.is_empty() {
        name.to_owned()
    } else {
        format!("{name}: {line}")
    };
    let room = columns.saturating_sub(MARK.chars().count() + 1).max(20);
    wrap("", "  ", &text, room).join("\n  ")
}

/// The usual theme, with a line of keys below a list.
struct ListTheme {
    theme: ColorfulTheme,
    last: Option<String>,
    keys: &'static str,
}

impl ListTheme {
    /// `last` is the item above the keys; `None` for a list that is searched, whose keys are above
    /// it.
    fn new(last: Option<&String>, columns: usize) -> Self {
        let keys = if last.is_some() { KEYS } else { SEARCH_KEYS };
        Self {
            theme: ColorfulTheme::default(),
            last: last.cloned(),
            // A line that breaks would not be counted.
            keys: if keys.chars().count() < columns {
                keys
            } else {
                ""
            },
        }
    }

    fn keys(&self) -> impl fmt::Display {
        style(self.keys).for_stderr().dim()
    }
}

impl Theme for ListTheme {
    fn format_select_prompt_item(
        &self,
        f: &mut dyn fmt::Write,
        text: &str,
        active: bool,
    ) -> fmt::Result {
        self.theme.format_select_prompt_item(f, text, active)?;
        if self.last.as_deref() == Some(text) {
            write!(f, "\n{}", self.keys())?;
        }
        Ok(())
    }

    fn format_fuzzy_select_prompt(
        &self,
        f: &mut dyn fmt::Write,
        _prompt: &str,
        search_term: &str,
        bytes_pos: usize,
    ) -> fmt::Result {
        let (before, after) = search_term.split_at(bytes_pos);
        let mut after = after.chars();
        let at = after.next().unwrap_or(' ');
        let cursor = style(at).for_stderr().reverse();
        write!(f, "› {before}{cursor}{}\n{}", after.as_str(), self.keys())
    }

    fn format_fuzzy_select_prompt_item(
        &self,
        f: &mut dyn fmt::Write,
        text: &str,
        active: bool,
        _highlight_matches: bool,
        _matcher: &fuzzy_matcher::skim::SkimMatcherV2,
        _search_term: &str,
    ) -> fmt::Result {
        self.theme.format_select_prompt_item(f, text, active)
    }
}
