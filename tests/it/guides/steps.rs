//! A guide as steps: files to write, commands to run with what they print, and what happens
//! meanwhile, which readers do not see.

use crate::readme::Shown;

#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// `<!-- file: NAME -->` before a block, or a comment that begins with `file-hidden: NAME`.
    File { name: String, text: String },
    /// `<!-- setup: COMMAND -->`
    Setup(String),
    /// `<!-- run -->` before a block; the status that is expected is after `# exit code `.
    Run { shown: Shown, code: i32 },
}

const CODE: &str = "  # exit code ";

/// # Panics
/// If a marker has no block, or a block has no command.
pub(crate) fn steps(page: &str) -> Vec<Step> {
    let mut steps = vec![];
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let marker = |name: &str| {
            let rest = line
                .trim_start()
                .strip_prefix("<!-- ")?
                .strip_prefix(name)?;
            Some(rest.strip_suffix("-->").unwrap_or(rest).trim().to_owned())
        };
        if let Some(command) = marker("setup: ") {
            steps.push(Step::Setup(command));
        } else if let Some(name) = marker("file-hidden: ") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "-->").collect();
            let text = text.join("\n") + "\n";
            steps.push(Step::File { name, text });
        } else if let Some(name) = marker("file: ") {
            let text = block(&mut lines).join("\n") + "\n";
            steps.push(Step::File { name, text });
        } else if marker("run").is_some() {
            run(block(&mut lines), &mut steps);
        }
    }
    steps
}

/// The lines of the block that begins here, without the indentation of a list.
fn block<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let fence = lines.next().expect("a block after its marker");
    let indent = fence.find("```").expect("a block after its marker");
    lines
        .take_while(|line| line.trim_start() != "```")
        .map(|line| line.get(indent..).unwrap_or_default())
        .collect()
}

fn run(lines: Vec<&str>, steps: &mut Vec<Step>) {
    let mut commands = 0;
    for line in lines {
        if let Some(command) = line.strip_prefix("$ ") {
            let (command, code) = command.split_once(CODE).map_or((command, 0), |(it, code)| {
                (it, code.parse().expect("a status"))
            });
            let command = command.trim_end().to_owned();
            let lines = vec![];
            let shown = Shown { command, lines };
            steps.push(Step::Run { shown, code });
            commands += 1;
        } else {
            assert!(commands > 0, "a block begins with {line:?}");
            let Some(Step::Run { shown, .. }) = steps.last_mut() else {
                panic!("a command comes first")
            };
            shown.lines.push(line.to_owned());
        }
    }
    assert!(commands > 0, "a block without a command");
}

#[test]
fn steps_of_a_guide_are_in_its_order() {
    let page = "# A\n\n<!-- setup: make it -->\n<!-- file-hidden: a.tf\none\n\ntwo\n-->\n\n1. \
                Now\n\n   <!-- run -->\n   ```console\n   $ first  # exit code 3\n   said\n   ...\n   \
                $ second\n   ```\n\n<!-- file: b.toml -->\n```toml\nx = 1\n```\n";
    let run = |command: &str, code, lines: &[&str]| Step::Run {
        shown: Shown {
            command: command.to_owned(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        },
        code,
    };
    let file = |name: &str, text: &str| Step::File {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    assert_eq!(
        steps(page),
        [
            Step::Setup("make it".to_owned()),
            file("a.tf", "one\n\ntwo\n"),
            run("first", 3, &["said", "..."]),
            run("second", 0, &[]),
            file("b.toml", "x = 1\n"),
        ]
    );
}
