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
    let prompt = prompt(term, text, flag, &format!("{shown} ›"));
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
    let prompt = prompt(term, text, flag, &format!(" [{}]", brackets(words)));
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

/// Asks for yes or no, or their first letters; Enter alone takes the default.
pub(super) fn yes_no(
    term: &Term,
    text: &str,
    flag: &str,
    default: bool,
) -> Result<bool, PromptError> {
    let shown = if default { " [Y/n]" } else { " [y/N]" };
    let prompt = prompt(term, text, flag, shown);
    until_valid(term, &prompt, |typed| yes_or_no(typed, default))
}

pub(super) fn yes_or_no(typed: &str, default: bool) -> Result<bool, String> {
    match typed.to_ascii_lowercase().as_str() {
        "" => Ok(default),
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("answer yes or no".to_owned()),
    }
}

fn prompt(term: &Term, text: &str, flag: &str, shown: &str) -> String {
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let plain = words(text).into_iter().chain(words(shown));
    let mut tokens: Vec<_> = plain
        .map(|word| (measure_text_width(&word), word))
        .collect();
    let at = words(text).len();
    let dim = words(&format!("({flag})"));
    let dim = dim.into_iter().map(|word| {
        let styled = style(&word).for_stderr().dim().to_string();
        (measure_text_width(&word), styled)
    });
    tokens.splice(at..at, dim);
    tokens.insert(0, (1, style("?").for_stderr().yellow().to_string()));
    filled(&tokens, usize::from(term.size().1))
}

/// Joins words, of which the widths are given, and breaks lines between them: with spaces up to the
/// end of the row, so that a row is as wide as the terminal.
fn filled(tokens: &[(usize, String)], columns: usize) -> String {
    let (mut line, mut column) = (String::new(), 0);
    for (width, word) in tokens {
        let gap = match column {
            0 => 0,
            // The space after the last word is in the same row.
            _ if column + 1 + width < columns => 1,
            _ => columns.saturating_sub(column) + INDENT,
        };
        line.push_str(&" ".repeat(gap));
        line.push_str(word);
        column += gap + width;
        column = if columns > 0 {
            column % columns
        } else {
            column
        };
    }
    line + " "
}

/// Of the further rows of a question.
const INDENT: usize = 2;

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
    whole_key(|| {
        term.read_key_raw().map_err(|error| match error.kind() {
            std::io::ErrorKind::Interrupted => PromptError::Interrupted,
            _ => PromptError::Io(error),
        })
    })
}

/// `console` stops in the middle of an escape sequence that it does not know, such as that of F1
/// (`ESC O P`) or of a paste (`ESC [ 200 ~`): the rest would be typed.
fn whole_key(mut next: impl FnMut() -> Result<Key, PromptError>) -> Result<Key, PromptError> {
    let key = next()?;
    let Key::UnknownEscSeq(begun) = &key else {
        return Ok(key);
    };
    let is_cut = match begun.as_slice() {
        ['O'] => true,
        ['[', rest @ ..] => !rest.iter().any(|c| ('@'..='~').contains(c)),
        _ => false,
    };
    if is_cut {
        loop {
            match next()? {
                Key::Char(c) if begun[0] == '[' && !('@'..='~').contains(&c) => {}
                Key::Char(_) => break,
                other => return Ok(other),
            }
        }
    }
    Ok(Key::Unknown)
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
    fn unknown_escape_sequences_are_no_text() {
        let of = |keys: Vec<Key>| {
            let mut keys = keys.into_iter();
            let first = whole_key(|| Ok(keys.next().expect("a key")));
            (first.expect("a key"), keys.next())
        };
        let unknown = |text: &str| Key::UnknownEscSeq(text.chars().collect());
        // F1, F5, and the begin of a paste, each before an `a`.
        for (begun, rest) in [
            ("O", "P"),
            ("[15", "~"),
            ("[20", "0~"),
            ("[M", ""),
            ("x", ""),
        ] {
            let mut keys = vec![unknown(begun)];
            keys.extend(rest.chars().chain(['a']).map(Key::Char));
            assert_eq!(of(keys), (Key::Unknown, Some(Key::Char('a'))), "{begun}");
        }
        let keys = vec![unknown("[1"), Key::CtrlC];
        assert_eq!(of(keys), (Key::CtrlC, None));
    }

    #[test]
    fn long_questions_are_broken_between_words() {
        let words = "? Attach the policy to role/NAME or user/NAME (--attach-to) [none] ›";
        let tokens: Vec<_> = words
            .split(' ')
            .map(|word| (word.chars().count(), word.to_owned()))
            .collect();
        let whole = filled(&tokens, 80);
        assert_eq!(whole, format!("{words} "));
        let rows = |columns: usize| {
            let text: Vec<char> = filled(&tokens, columns).chars().collect();
            let rows = text
                .chunks(columns)
                .map(|row| row.iter().collect::<String>());
            rows.collect::<Vec<_>>()
        };
        assert_eq!(
            rows(32),
            [
                "? Attach the policy to          ",
                "  role/NAME or user/NAME        ",
                "  (--attach-to) [none] › "
            ]
        );
        for columns in 20..80 {
            let joined = rows(columns).join(" ");
            let read: Vec<&str> = joined.split_whitespace().collect();
            assert_eq!(read.join(" "), words, "{columns}");
        }
    }

    #[test]
    fn yes_and_no_are_words() {
        let told =
            ["", "Y", "yes", "N", "no", "x", "yess"].map(|typed| yes_or_no(typed, true).ok());
        let some = |answers: [bool; 5]| answers.map(Some);
        assert_eq!(told[..5], some([true, true, true, false, false]));
        assert_eq!(told[5..], [None, None]);
        assert_eq!(yes_or_no("", false), Ok(false));
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
