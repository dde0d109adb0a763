//! Progress without a terminal: a line for each finished step.

use std::io::Write;

use crate::{
    engine::event::ApplyEvent,
    report::{safe::safe, style::TextStyles},
    text::words,
};

pub struct ProgressLines<'a> {
    pub err: &'a mut (dyn Write + Send),
    pub style: TextStyles,
}

impl ProgressLines<'_> {
    pub fn on_event(&mut self, event: &ApplyEvent) {
        if let Some(line) = line(event, self.style) {
            // See `Progress::on_event`.
            let _ = writeln!(self.err, "{line}").and_then(|()| self.err.flush());
        }
    }
}

/// Returns the line of an event; `None` for a started step.
pub(crate) fn line(event: &ApplyEvent, style: TextStyles) -> Option<String> {
    let fixed = |sign: &str, address: &crate::engine::spec::Address, rest: &str| {
        format!("{sign} {address}  {rest}", address = safe(address.as_str()))
    };
    Some(match event {
        ApplyEvent::Started { .. } => return None,
        ApplyEvent::Finished { address, took } => fixed(
            &style.green(style.pick("✓", "ok")),
            address,
            &style.dim(&words::took(*took)),
        ),
        ApplyEvent::Failed { address, error } => fixed(
            &style.red(style.pick("✗ failed", "failed")),
            address,
            &safe(error),
        ),
        ApplyEvent::Skipped { address, because } => fixed(
            &style.yellow("- skipped"),
            address,
            &format!("needs {}", safe(because.as_str())),
        ),
        ApplyEvent::Interrupted { running: 0 } => {
            "interrupted: no more steps are started".to_owned()
        }
        ApplyEvent::Interrupted { running } => {
            let steps = words::count(*running, "running step finishes", "running steps finish");
            format!("interrupted: no more steps are started, {steps} first")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::progress::tests::story;

    fn printed(style: TextStyles) -> String {
        let mut out = vec![];
        let mut lines = ProgressLines {
            err: &mut out,
            style,
        };
        story().iter().for_each(|event| lines.on_event(event));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_for_each_end() {
        insta::assert_snapshot!(printed(TextStyles { color: false, unicode: true }), @r#"
        ✓ kms_key  0.12s
        interrupted: no more steps are started, 1 running step finishes first
        ✗ failed state_bucket  taken: \u{1b}[2J\u{202e}evil\nerror: fine
        - skipped state_bucket/policy  needs state_bucket
        "#);
    }

    #[test]
    fn ascii_says_the_same() {
        let text = printed(TextStyles::PLAIN);
        assert!(text.is_ascii());
        insta::assert_snapshot!(text, @r#"
        ok kms_key  0.12s
        interrupted: no more steps are started, 1 running step finishes first
        failed state_bucket  taken: \u{1b}[2J\u{202e}evil\nerror: fine
        - skipped state_bucket/policy  needs state_bucket
        "#);
    }

    #[test]
    fn colour_is_all_that_colour_adds() {
        let text = printed(TextStyles {
            color: true,
            unicode: true,
        });
        assert_ne!(
            text,
            printed(TextStyles {
                color: false,
                unicode: true
            })
        );
        assert_eq!(
            console::strip_ansi_codes(&text),
            printed(TextStyles {
                color: false,
                unicode: true
            })
        );
    }
}
