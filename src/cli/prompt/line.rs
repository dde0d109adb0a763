//! One line of text, asked for on a terminal until it is valid.
//!
//! `dialoguer` has this too, but its version knows no Escape.

use console::{Key, Term, measure_text_width, style};

use crate::{host::PromptError, report::wrap::wrap};

/// Asks until `check` is content, and clears the question away. An empty line takes the default, if
/// there is one.
pub(super) fn ask(
    term: &Term,
    text: &str,
    default: Option<&str>,
    check: fn(&str) -> Result<(), String>,
) -> Result<String, PromptError> {
    let shown = default
        .filter(|default| !default.is_empty())
        .map(|default| format!(" [{default}]"))
        .unwrap_or_default();
    let prompt = format!("{} {text}{shown} › ", style("?").for_stderr().yellow());
    loop {
        let (typed, row) = read(term, &prompt)?;
        let answer = match default {
            Some(default) if typed.trim().is_empty() => default.to_owned(),
            _ => typed.trim().to_owned(),
        };
        match check(&answer) {
            Ok(()) => {
                term.move_cursor_up(row)?;
                term.write_str(&format!("\r{CLEAR_BELOW}"))?;
                return Ok(answer);
            }
            Err(reason) => {
                let lines = wrap("✘ ", "  ", &reason, usize::from(term.size().1)).join("\n");
                let rest = lines.strip_prefix('✘').unwrap_or(&lines);
                term.write_line(&format!("\n{}{rest}", style("✘").for_stderr().red()))?;
            }
        }
    }
}

/// Returns the typed text, and the row of the cursor: the last one.
fn read(term: &Term, prompt: &str) -> Result<(String, usize), PromptError> {
    let mut line = LineInput::default();
    let mut row = 0;
    loop {
        row = draw(term, prompt, &line, row)?;
        let key = term.read_key_raw().map_err(|error| match error.kind() {
            std::io::ErrorKind::Interrupted => PromptError::Interrupted,
            _ => PromptError::Io(error),
        })?;
        match line.press(key) {
            PressedKey::Nothing => {}
            pressed @ (PressedKey::Enter | PressedKey::Stop) => {
                line.cursor = line.chars.len();
                row = draw(term, prompt, &line, row)?;
                if pressed == PressedKey::Enter {
                    return Ok((line.chars.into_iter().collect(), row));
                }
                term.write_line("")?;
                return Err(PromptError::Interrupted);
            }
        }
    }
}

/// Draws the whole line anew, from where the last drawing began, and returns on which of its rows
/// the cursor is.
fn draw(
    term: &Term,
    prompt: &str,
    line: &LineInput,
    rows_above: usize,
) -> Result<usize, PromptError> {
    let width = usize::from(term.size().1).max(1);
    let before: String = line.chars[..line.cursor].iter().collect();
    let whole: String = line.chars.iter().collect();
    let prompt_width = measure_text_width(prompt);
    let cursor = prompt_width + measure_text_width(&before);
    let end = prompt_width + measure_text_width(&whole);

    term.move_cursor_up(rows_above)?;
    // The space makes a full row break now instead of at the next character.
    term.write_str(&format!("\r{CLEAR_BELOW}{prompt}{whole} \r"))?;
    term.move_cursor_up(end / width - cursor / width)?;
    term.move_cursor_right(cursor % width)?;
    term.flush()?;
    Ok(cursor / width)
}

const CLEAR_BELOW: &str = "\u{1b}[0J";

#[derive(Debug, Default)]
struct LineInput {
    chars: Vec<char>,
    cursor: usize,
}

#[derive(Debug, PartialEq)]
enum PressedKey {
    Nothing,
    Enter,
    Stop,
}

impl LineInput {
    fn press(&mut self, key: Key) -> PressedKey {
        match key {
            Key::Enter => return PressedKey::Enter,
            // Ctrl-D on an empty line, as everywhere.
            Key::Char('\u{4}') if !self.chars.is_empty() => {}
            Key::Escape | Key::CtrlC | Key::Char('\u{4}') => return PressedKey::Stop,
            Key::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.chars.remove(self.cursor);
            }
            Key::Del if self.cursor < self.chars.len() => {
                self.chars.remove(self.cursor);
            }
            // Ctrl-U: all that is left of the cursor.
            Key::Char('\u{15}') => {
                self.chars.drain(..self.cursor);
                self.cursor = 0;
            }
            Key::ArrowLeft => self.cursor = self.cursor.saturating_sub(1),
            Key::ArrowRight => self.cursor = (self.cursor + 1).min(self.chars.len()),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = self.chars.len(),
            Key::Char(c) if !c.is_control() => {
                self.chars.insert(self.cursor, c);
                self.cursor += 1;
            }
            _ => {}
        }
        PressedKey::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_all(keys: impl IntoIterator<Item = Key>) -> (String, usize, PressedKey) {
        let mut line = LineInput::default();
        let mut last = PressedKey::Nothing;
        for key in keys {
            last = line.press(key);
        }
        (line.chars.iter().collect(), line.cursor, last)
    }

    #[test]
    fn edits_in_the_middle() {
        let keys = [
            Key::Char('a'),
            Key::Char('c'),
            Key::ArrowLeft,
            Key::Char('b'),
            Key::End,
            Key::Char('é'),
            Key::Backspace,
        ];
        assert_eq!(type_all(keys), ("abc".to_owned(), 3, PressedKey::Nothing));
        let keys = [
            Key::Char('a'),
            Key::Char('b'),
            Key::Home,
            Key::Del,
            Key::Backspace,
        ];
        assert_eq!(type_all(keys), ("b".to_owned(), 0, PressedKey::Nothing));
        let keys = [
            Key::Char('a'),
            Key::Char('b'),
            Key::ArrowLeft,
            Key::Char('\u{15}'),
        ];
        assert_eq!(type_all(keys), ("b".to_owned(), 0, PressedKey::Nothing));
    }

    #[test]
    fn control_characters_do_not_get_in() {
        assert_eq!(
            type_all([Key::Char('\u{7}'), Key::Char('\u{1b}'), Key::Unknown]),
            (String::new(), 0, PressedKey::Nothing)
        );
    }

    #[test]
    fn escape_and_ctrl_c_stop() {
        assert_eq!(type_all([Key::Char('a'), Key::Escape]).2, PressedKey::Stop);
        assert_eq!(type_all([Key::CtrlC]).2, PressedKey::Stop);
        assert_eq!(type_all([Key::Char('\u{4}')]).2, PressedKey::Stop);
        assert_eq!(
            type_all([Key::Char('a'), Key::Char('\u{4}')]).2,
            PressedKey::Nothing
        );
        assert_eq!(type_all([Key::Char('a'), Key::Enter]).2, PressedKey::Enter);
    }
}
