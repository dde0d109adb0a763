//! Color, and the characters that a terminal can show. Both are decoration: the words are
//! sufficient.

use std::collections::BTreeMap;

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// Color if the stream is a terminal that is not dumb, and `NO_COLOR` is not
    /// set (<https://no-color.org>).
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextStyles {
    pub color: bool,
    /// True if `✓` and `→` can be shown; otherwise ASCII is used.
    pub unicode: bool,
}

impl TextStyles {
    /// No color, ASCII only.
    pub const PLAIN: Self = Self {
        color: false,
        unicode: false,
    };

    /// Returns the style of a stream, from the option, the stream and environment variables.
    pub fn decide(wish: ColorChoice, is_terminal: bool, vars: &BTreeMap<String, String>) -> Self {
        let set = |name: &str| vars.get(name).is_some_and(|value| !value.is_empty());
        let color = match wish {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                is_terminal
                    && !set("NO_COLOR")
                    && vars.get("TERM").is_none_or(|term| term != "dumb")
            }
        };
        Self {
            color,
            unicode: locale_is_utf8(vars),
        }
    }

    pub fn bold(self, text: &str) -> String {
        self.sgr("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.sgr("2", text)
    }

    pub fn red(self, text: &str) -> String {
        self.sgr("31", text)
    }

    pub fn green(self, text: &str) -> String {
        self.sgr("32", text)
    }

    pub fn yellow(self, text: &str) -> String {
        self.sgr("33", text)
    }

    pub fn cyan(self, text: &str) -> String {
        self.sgr("36", text)
    }

    /// Returns the arrow between an old value and a new one.
    pub fn arrow(self) -> &'static str {
        self.pick("→", "->")
    }

    pub fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    fn sgr(self, code: &str, text: &str) -> String {
        if self.color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Returns whether the locale uses UTF-8. As in POSIX, the first of these variables that is set and
/// not empty determines it. Without any, it is the C locale, which is ASCII only.
fn locale_is_utf8(vars: &BTreeMap<String, String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| vars.get(*name).filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(wish: ColorChoice, is_terminal: bool, vars: &[(&str, &str)]) -> TextStyles {
        TextStyles::decide(
            wish,
            is_terminal,
            &vars
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn colour_is_for_terminals_that_want_it() {
        assert!(decide(ColorChoice::Auto, true, &[]).color);
        assert!(
            decide(
                ColorChoice::Auto,
                true,
                &[("NO_COLOR", ""), ("TERM", "xterm")]
            )
            .color
        );
        assert!(!decide(ColorChoice::Auto, false, &[]).color);
        assert!(!decide(ColorChoice::Auto, true, &[("NO_COLOR", "1")]).color);
        assert!(!decide(ColorChoice::Auto, true, &[("TERM", "dumb")]).color);
        assert!(decide(ColorChoice::Always, false, &[("NO_COLOR", "1")]).color);
        assert!(!decide(ColorChoice::Never, true, &[]).color);
    }

    #[test]
    fn signs_follow_the_locale() {
        assert!(decide(ColorChoice::Auto, true, &[("LANG", "de_CH.UTF-8")]).unicode);
        assert!(
            decide(
                ColorChoice::Auto,
                true,
                &[("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")]
            )
            .unicode
        );
        assert!(
            !decide(
                ColorChoice::Auto,
                true,
                &[("LC_ALL", "C"), ("LANG", "de_CH.UTF-8")]
            )
            .unicode
        );
        assert!(!decide(ColorChoice::Auto, true, &[]).unicode);
    }

    #[test]
    fn without_colour_text_is_text() {
        assert_eq!(TextStyles::PLAIN.red("x"), "x");
        assert_eq!(
            TextStyles {
                color: true,
                unicode: true
            }
            .red("x"),
            "\x1b[31mx\x1b[0m"
        );
    }
}
