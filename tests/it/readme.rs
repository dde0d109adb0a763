//! The commands of the README, run as they stand there, on a sandbox of their own.

use std::{
    env,
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::support::page;

/// A command and the lines that it is to print, `...` for any lines in between.
#[derive(Debug, PartialEq)]
pub(crate) struct Shown {
    pub command: String,
    pub lines: Vec<String>,
}

/// The blocks after `<!-- run -->`, one after the other.
pub(crate) fn shown(page: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = vec![];
    for block in page.split("<!-- run -->\n```console\n").skip(1) {
        for line in block.split("\n```").next().expect("a block").lines() {
            match line.strip_prefix("$ ") {
                Some(command) => shown.push(Shown {
                    command: command.to_owned(),
                    lines: vec![],
                }),
                None => shown
                    .last_mut()
                    .expect("a command comes first")
                    .lines
                    .push(line.to_owned()),
            }
        }
    }
    shown
}

/// Whether what was printed is what is shown.
pub(crate) fn fits(shown: &[String], printed: &[&str]) -> bool {
    match (shown, printed) {
        ([], []) => true,
        ([dots, rest @ ..], _) if dots == "..." => {
            (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..]))
        }
        ([wanted, rest @ ..], [line, printed @ ..]) => wanted == line && fits(rest, printed),
        ([], _) | (_, []) => false,
    }
}

/// Ends the sandbox of a test that failed.
struct World {
    dir: tempfile::TempDir,
}

impl World {
    fn sh(&self, command: &str) -> Output {
        let bin = Path::new(env!("CARGO_BIN_EXE_tfbackend"))
            .parent()
            .expect("a folder");
        let path = format!("{}:{}", bin.display(), env::var("PATH").unwrap_or_default());
        let work = self.dir.path().join("infra");
        std::fs::create_dir_all(&work).expect("a folder");
        let mut sh = Command::new("sh");
        sh.args(["-c", &format!("exec 2>&1; {command}")])
            .current_dir(work)
            .env_clear()
            .stdin(Stdio::null());
        // As wide as what the page shows.
        sh.env("PATH", path)
            .env("HOME", self.dir.path())
            .env("COLUMNS", "80");
        // The emulator is installed once for all tests.
        sh.env(
            "XDG_CACHE_HOME",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"),
        );
        sh.env("TFBACKEND_SANDBOX_DIR", self.dir.path().join("sandbox"));
        sh.output().expect("sh")
    }

    /// Without what is different in each run.
    fn printed(&self, output: &Output) -> String {
        let text = String::from_utf8_lossy(&output.stdout)
            .replace(&*self.dir.path().to_string_lossy(), "/home/me");
        text.split_inclusive('\n').map(ids).collect()
    }
}

/// Ids and digests as zeros, the port as one that is typical.
pub(crate) fn ids(line: &str) -> String {
    let hex = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit());
    let word = |word: &str| -> String {
        let id = word.len() == 36
            && word.split('-').map(str::len).eq([8, 4, 4, 4, 12])
            && word.split('-').all(hex);
        if id || word.len() == 64 && hex(word) {
            word.chars()
                .map(|c| if c == '-' { '-' } else { '0' })
                .collect()
        } else {
            word.to_owned()
        }
    };
    let mut out = String::new();
    for part in line.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
        let end = part
            .trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .len();
        let port = out.ends_with("127.0.0.1:") && end == 5;
        out.push_str(&if port {
            "14566".to_owned()
        } else {
            word(&part[..end])
        });
        out.push_str(&part[end..]);
    }
    out
}

impl Drop for World {
    fn drop(&mut self) {
        self.sh("tfbackend sandbox down --purge");
    }
}

#[test]
fn what_the_readme_shows_is_what_happens() {
    let world = World {
        dir: tempfile::tempdir().expect("a directory"),
    };
    let shown = shown(&page::read("README.md"));
    assert!(shown.len() >= 6);
    let mut wrong = String::new();
    for Shown { command, lines } in shown {
        let output = world.sh(&command);
        let printed = world.printed(&output);
        assert!(output.status.success(), "$ {command}\n{printed}");
        if !fits(&lines, &printed.lines().collect::<Vec<_>>()) {
            wrong.push_str(&format!("$ {command}\n{printed}"));
        }
    }
    assert!(wrong.is_empty(), "README.md is to show:\n{wrong}");
}

/// The numbers of the README are those of the other pages.
#[test]
fn the_readme_agrees_with_the_other_pages() {
    let readme = page::read("README.md");
    let cost = page::read("docs/reference/cost.md");
    let defaults = cost
        .lines()
        .find_map(|line| line.strip_prefix("| the defaults | ")?.strip_suffix(" |"))
        .expect("a row");
    assert!(
        readme.contains(&format!("about {defaults} a month with the defaults")),
        "{defaults}"
    );
    let codes = |page: &str| -> Vec<String> {
        let first = |line: &str| {
            line.strip_prefix("| ")?
                .split(' ')
                .next()
                .filter(|code| code.parse::<u8>().is_ok())
                .map(str::to_owned)
        };
        page.lines().filter_map(first).collect()
    };
    assert_eq!(
        codes(&readme),
        codes(&page::read("docs/reference/exit-codes.md"))
    );
}

/// A command that is copied installs this program.
#[test]
fn readme_installs_from_the_address_of_the_package() {
    let address = env!("CARGO_PKG_REPOSITORY");
    let host = "https://github.com/";
    let owner = address
        .strip_prefix(host)
        .and_then(|path| path.split_once('/'));
    let (owner, name) = owner.expect("an owner and a name");
    let pages = page::docs().into_iter().chain(["README.md".to_owned()]);
    for page in pages {
        let text = page::read(&page);
        for (at, _) in text.match_indices(&format!("{host}{owner}/")) {
            assert!(
                text[at..].starts_with(address),
                "{page}: {}",
                &text[at..at + 60]
            );
        }
    }
    let readme = page::read("README.md");
    for command in [
        format!("curl -fsSL {address}/releases/latest/download/install.sh"),
        format!("brew install {owner}/tap/{name}"),
        format!("cargo binstall {}", env!("CARGO_PKG_NAME")),
        format!("cargo install --locked --git {address}"),
        format!("Rust {} or later", env!("CARGO_PKG_RUST_VERSION")),
    ] {
        assert!(readme.contains(&command), "{command}");
    }
}

#[test]
fn readme_counts_the_checks() {
    let checks = tfbackend::backend::checks().count();
    let says = format!("| {checks} checks, also of foreign backends");
    assert!(page::read("README.md").contains(&says), "{says}");
}
