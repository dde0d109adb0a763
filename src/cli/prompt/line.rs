//! Answers that are typed into a line: text, a word, or one key.
//!
//! `dialoguer` has these too, but its text knows no Escape, and its yes or no leaves a line behind
//! where a question takes two.

use console::{Key, Term, measure_text_width, style};

use super::marked;
use crate::host::PromptError;

/// Asks until `check` is content, and clears the question away. An empty line takes the default, if
/// there is one.
pub(super) fn text(
    term: &Term,
    text: &str,
    flag: &str,
    default: Option<&str>,
    check: fn(&str) -> Result<(), String>,
) -> Result<String, PromptError> {
    let shown = default
        .filter(|default| !default.is_empty())
        .map(|default| format!(" [{default}]"))
        .unwrap_or_default();
    let prompt = prompt(text, flag, &format!("{shown} ›"));
    until_valid(term, &prompt, |typed| {
        let answer = match default {
            Some(default) if typed.is_empty() => default,
            _ => typed,
        };
        check(answer).map(|()| answer.to_owned())
    })
}

/// Asks for one of these words, of which the first is the default; the first letter is enough.
/// Returns its index.
pub(super) fn words(
    term: &Term,
    text: &str,
    flag: &str,
    words: &[&str],
) -> Result<usize, PromptError> {
    let prompt = prompt(text, flag, &format!(" [{}]", brackets(words)));
    until_valid(term, &prompt, |typed| word(words, typed))
}

/// As in `Y/n/edit`.
pub(super) fn brackets(words: &[&str]) -> String {
    let short = words.iter().enumerate().map(|(index, word)| match *word {
        "yes" if index == 0 => "Y".to_owned(),
        "no" if index > 0 => "n".to_owned(),
        word => word.to_owned(),
    });
    short.collect::<Vec<_>>().join("/")
}

pub(super) fn word(words: &[&str], typed: &str) -> Result<usize, String> {
    let typed = typed.to_ascii_lowercase();
    words
        .iter()
        .position(|word| word.starts_with(&typed))
        .ok_or_else(|| format!("answer with one of: {}", words.join(", ")))
}

/// Asks for one key: Enter takes the default.
pub(super) fn yes_no(
    term: &Term,
    text: &str,
    flag: &str,
    default: bool,
) -> Result<bool, PromptError> {
    let prompt = prompt(text, flag, if default { " [Y/n]" } else { " [y/N]" });
    let line = LineInput::default();
    let row = draw(term, &prompt, &line, 0)?;
    let answer = loop {
        match read_key(term)? {
            Key::Char('y' | 'Y') => break Ok(true),
            Key::Char('n' | 'N') => break Ok(false),
            Key::Enter => break Ok(default),
            Key::Escape => break Err(PromptError::Back),
            Key::CtrlC | Key::Char('\u{4}') => {
                term.write_line("")?;
                return Err(PromptError::Interrupted);
            }
            _ => {}
        }
    };
    clear(term, row)?;
    answer
}

fn prompt(text: &str, flag: &str, shown: &str) -> String {
    format!(
        "{} {text} {}{shown} ",
        style("?").for_stderr().yellow(),
        style(format!("({flag})")).for_stderr().dim()
    )
}

fn until_valid<T>(
    term: &Term,
    prompt: &str,
    read_as: impl Fn(&str) -> Result<T, String>,
) -> Result<T, PromptError> {
    loop {
        let (typed, row) = read(term, prompt)?;
        match read_as(typed.trim()) {
            Ok(answer) => {
                clear(term, row)?;
                return Ok(answer);
            }
            Err(reason) => {
                let mark = style("✘").for_stderr().red();
                let lines = marked("✘", mark, &reason, usize::from(term.size().1));
                term.write_line(&format!("\n{}", lines.join("\n")))?;
            }
        }
    }
}

/// Clears what was drawn down to this row, on which the cursor is.
fn clear(term: &Term, row: usize) -> Result<(), PromptError> {
    term.move_cursor_up(row)?;
    term.write_str(&format!("\r{CLEAR_BELOW}"))?;
    Ok(())
}

fn read_key(term: &Term) -> Result<Key, PromptError> {
    term.read_key_raw().map_err(|error| match error.kind() {
        std::io::ErrorKind::Interrupted => PromptError::Interrupted,
        _ => PromptError::Io(error),
    })
}

/// Returns the typed text, and the row of the cursor: the last one.
fn read(term: &Term, prompt: &str) -> Result<(String, usize), PromptError> {
    let mut line = LineInput::default();
    let mut row = 0;
    loop {
        row = draw(term, prompt, &line, row)?;
        match line.press(read_key(term)?) {
            PressedKey::Nothing => {}
            PressedKey::Back => {
                clear(term, row)?;
                return Err(PromptError::Back);
            }
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
    Back,
    Stop,
}

impl LineInput {
    fn press(&mut self, key: Key) -> PressedKey {
        match key {
            Key::Enter => return PressedKey::Enter,
            // Ctrl-D on an empty line, as everywhere.
            Key::Char('\u{4}') if !self.chars.is_empty() => {}
            Key::Escape => return PressedKey::Back,
            Key::CtrlC | Key::Char('\u{4}') => return PressedKey::Stop,
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
    fn words_are_told_by_their_first_letter() {
        let words = ["yes", "no", "edit"];
        assert_eq!(brackets(&words), "Y/n/edit");
        let told = ["", "Y", "no", "ED", "x", "yess"].map(|typed| word(&words, typed).ok());
        assert_eq!(told, [Some(0), Some(0), Some(1), Some(2), None, None]);
        assert_eq!(
            word(&words, "x"),
            Err("answer with one of: yes, no, edit".to_owned())
        );
    }

    #[test]
    fn escape_goes_back_and_ctrl_c_stops() {
        assert_eq!(type_all([Key::Char('a'), Key::Escape]).2, PressedKey::Back);
        assert_eq!(type_all([Key::CtrlC]).2, PressedKey::Stop);
        assert_eq!(type_all([Key::Char('\u{4}')]).2, PressedKey::Stop);
        assert_eq!(
            type_all([Key::Char('a'), Key::Char('\u{4}')]).2,
            PressedKey::Nothing
        );
        assert_eq!(type_all([Key::Char('a'), Key::Enter]).2, PressedKey::Enter);
    }
}
