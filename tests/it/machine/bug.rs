//! A panic, on whatever thread, ends the program where it is and says so, with nothing raw in it.

use std::{env, process::Command, thread};

use tfbackend::cli::bug;

/// The test itself is the program, when it is started by itself with this.
const PROGRAM: &str = "TFBACKEND_TEST_HAS_A_BUG";

#[test]
fn a_bug_is_said_and_ends_the_program() {
    if env::var_os(PROGRAM).is_some() {
        bug::ends_the_program();
        // On another thread, whose panic nobody else would hear of.
        let _ = thread::spawn(|| panic!("not {}", "\u{1b}[2J\nthat")).join();
        eprintln!("it went on");
        return;
    }
    let mut again = Command::new(env::current_exe().expect("the tests"));
    again
        .args([
            "--exact",
            "machine::bug::a_bug_is_said_and_ends_the_program",
            "--nocapture",
        ])
        .env(PROGRAM, "1");
    for (backtrace, lines) in [("0", 3..=3), ("1", 10..=1000)] {
        let output = again
            .env("RUST_BACKTRACE", backtrace)
            .output()
            .expect("it runs");
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(101), "{said}");
        let first = format!(
            "error: this is a bug in tfbackend: not \\u{{1b}}[2J\\nthat ({}:",
            file!()
        );
        assert!(
            said.starts_with(&first) && !said.contains("it went on"),
            "{said}"
        );
        assert!(lines.contains(&said.lines().count()), "{said}");
    }
}
