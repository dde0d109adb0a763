//! A prompt that has its answers beforehand, and fails on a question that it did not expect.

use std::collections::VecDeque;

use tfbackend::host::{Prompt, PromptAnswer, PromptError, Question, QuestionKind};

/// Which flag is asked for, and what the person types or picks. `""` in a text takes the default.
pub(crate) struct Scripted {
    expected: VecDeque<(&'static str, Reply)>,
    /// The whole conversation, as a person sees it.
    pub screen: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Type(&'static str),
    Pick(&'static str),
    Default,
    CtrlC,
    Escape,
}

impl Scripted {
    pub(crate) fn new(expected: impl IntoIterator<Item = (&'static str, Reply)>) -> Self {
        Self {
            expected: expected.into_iter().collect(),
            screen: String::new(),
        }
    }

    /// # Panics
    /// If a question that was expected was not asked.
    pub(crate) fn finish(self) -> String {
        assert!(self.expected.is_empty(), "never asked: {:?}", self.expected);
        self.screen
    }

    fn type_in(
        &mut self,
        text: &str,
        default: Option<&str>,
        check: fn(&str) -> Result<(), String>,
    ) -> Option<String> {
        let answer = if text.is_empty() {
            default.unwrap_or_default()
        } else {
            text
        };
        match check(answer) {
            Ok(()) => {
                self.screen.push_str(&format!("  > {answer}\n"));
                Some(answer.to_owned())
            }
            Err(reason) => {
                self.screen
                    .push_str(&format!("  > {answer}\n  ! {reason}\n"));
                None
            }
        }
    }
}

impl Prompt for Scripted {
    fn ask(&mut self, question: &Question) -> Result<PromptAnswer, PromptError> {
        self.screen
            .push_str(&format!("{} ({})\n", question.text, question.flag));
        loop {
            let Some((flag, reply)) = self.expected.pop_front() else {
                panic!("did not expect: {question:?}")
            };
            assert_eq!(flag, question.flag, "asked: {}", question.text);
            match (&question.kind, reply) {
                (_, Reply::CtrlC) => return Err(PromptError::Interrupted),
                (_, Reply::Escape) => {
                    self.screen.push_str("  < back\n");
                    return Err(PromptError::Back);
                }
                (QuestionKind::Text { default, check }, reply) => {
                    let text = match reply {
                        Reply::Type(text) => text,
                        Reply::Default => "",
                        other => panic!("{other:?} does not answer {question:?}"),
                    };
                    if let Some(answer) = self.type_in(text, default.as_deref(), *check) {
                        return Ok(PromptAnswer::Text(answer));
                    }
                }
                (QuestionKind::Choice { options, default }, reply) => {
                    let chosen = match reply {
                        Reply::Pick(name) => options
                            .iter()
                            .position(|(option, _)| option == name)
                            .expect("there is such an option"),
                        Reply::Default => *default,
                        other => panic!("{other:?} does not answer {question:?}"),
                    };
                    for (i, (name, line)) in options.iter().enumerate() {
                        self.screen.push_str(&format!(
                            "  {} {name}: {line}\n",
                            if i == chosen { ">" } else { " " }
                        ));
                    }
                    return Ok(PromptAnswer::Choice(chosen));
                }
                (QuestionKind::Search { options }, reply) => {
                    let chosen = match reply {
                        Reply::Pick(name) => options
                            .iter()
                            .position(|(option, _)| option == name)
                            .expect("there is such an option"),
                        Reply::Default => 0,
                        other => panic!("{other:?} does not answer {question:?}"),
                    };
                    let (name, line) = &options[chosen];
                    self.screen.push_str(&format!("  > {name}: {line}\n"));
                    return Ok(PromptAnswer::Choice(chosen));
                }
                (QuestionKind::Words { words }, reply) => {
                    let chosen = match reply {
                        Reply::Pick(name) => words
                            .iter()
                            .position(|word| *word == name)
                            .expect("there is such a word"),
                        Reply::Default => 0,
                        other => panic!("{other:?} does not answer {question:?}"),
                    };
                    self.screen.push_str(&format!("  > {}\n", words[chosen]));
                    return Ok(PromptAnswer::Choice(chosen));
                }
                (QuestionKind::YesNo { default }, reply) => {
                    let yes = match reply {
                        Reply::Type("y") => true,
                        Reply::Type("n") => false,
                        Reply::Default => *default,
                        other => panic!("{other:?} does not answer {question:?}"),
                    };
                    self.screen
                        .push_str(if yes { "  > yes\n" } else { "  > no\n" });
                    return Ok(PromptAnswer::YesNo(yes));
                }
            }
        }
    }

    fn refuse(&mut self, reason: &str) -> Result<(), PromptError> {
        self.screen.push_str(&format!("  ! {reason}\n"));
        Ok(())
    }

    fn show(&mut self, text: &str) -> Result<(), PromptError> {
        self.screen.push_str(text);
        Ok(())
    }
}
