//! A Python that changes an environment behind the tool's back, as it is asked: one for each change
//! would take longer than all the rest.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use super::emulator::Emulator;

pub(crate) struct Drift {
    python: Child,
    asked: ChildStdin,
    said: BufReader<ChildStdout>,
}

impl Drift {
    /// `script` makes the change that each line of its standard input names, and says `done`.
    pub(crate) fn start(emulator: &Emulator, script: &str) -> Self {
        let mut command = emulator.python_command(&emulator.aws_env(), script, &[]);
        let mut python = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the tests' Python");
        let (asked, said) = (
            python.stdin.take().expect("piped"),
            python.stdout.take().expect("piped"),
        );
        Self {
            python,
            asked,
            said: BufReader::new(said),
        }
    }

    pub(crate) fn make(&mut self, what: &str) {
        writeln!(self.asked, "{what}").expect("it listens");
        let mut line = String::new();
        self.said.read_line(&mut line).expect("it answers");
        assert_eq!(
            line, "done\n",
            "{what}: its own words are on standard error"
        );
    }
}

impl Drop for Drift {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.python.kill();
        let _ = self.python.wait();
    }
}
