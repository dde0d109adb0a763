//! Checks for files that should not be in the folder: states in plain text, and files that git
//! would commit.

use std::path::Path;

use super::{
    FolderFiles, at,
    catalogue::{IGNORED, NO_LOCAL_STATE, TRACKED},
    fails, unreadable,
};
use crate::{
    checks::{CheckResult, Verdict},
    terraform::read::{COPIES, IgnoreStatus, LocalState, LocalStateContents, UnreadableFile},
    text::shell::shell_word,
};

pub(super) fn check(files: &FolderFiles<'_>) -> Vec<CheckResult> {
    let mut all = vec![];
    // A local state is expected if there is no remote backend.
    if files.is_remote() {
        let states = &files.folder.local_states;
        all.extend(
            states
                .iter()
                .map(|state| at(&NO_LOCAL_STATE, &state.path, local_state(files, state))),
        );
        if states.is_empty() {
            all.push(at(&NO_LOCAL_STATE, &files.folder.dir, Verdict::Holds));
        }
    }
    if let Some(ignored) = &files.folder.ignored {
        all.extend(by_git(files, ignored));
    }
    all
}

fn local_state(files: &FolderFiles<'_>, state: &LocalState) -> Verdict {
    let (resources, outputs) = match &state.holds {
        LocalStateContents::Nothing | LocalStateContents::Encrypted => return Verdict::Holds,
        LocalStateContents::Unclear(error) => {
            return unreadable(format!("the file {}", error.error));
        }
        LocalStateContents::Resources { resources, outputs } => (*resources, *outputs),
    };
    let count = |n: u64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let found = format!(
        "it contains {} and {} in plain text",
        count(resources, "resource"),
        count(outputs, "output")
    );
    fails(found, away(files, &state.path))
}

/// Returns the commands that move the content to the backend, if needed, and delete the file.
fn away(files: &FolderFiles<'_>, path: &Path) -> String {
    let program = files.folder.engine.program();
    let file = shell_word(&files.relative(path));
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let is_initialized = matches!(&files.folder.saved, Ok(Some(saved)) if saved.is_s3());
    match name {
        "errored.tfstate" => format!(
            "`{program} state push {file}`, because it was not written to the backend; then `rm \
             {file}`"
        ),
        "terraform.tfstate" if !is_initialized => {
            let to = match &files.folder.partial[..] {
                [one] => shell_word(&one.name()),
                _ => "BACKEND".to_owned(),
            };
            format!("`tfbackend migrate --from . --to {to}`")
        }
        _ if path.starts_with(files.folder.dir.join("terraform.tfstate.d")) => {
            let workspace = path
                .parent()
                .and_then(Path::file_name)
                .unwrap_or_default()
                .to_string_lossy();
            let select = format!("`{program} workspace select {}`", shell_word(&workspace));
            format!(
                "{select}, and check that `{program} state pull` shows all of its content; then \
                 `rm {file}`"
            )
        }
        _ => {
            format!("check that `{program} state pull` shows all of its content; then `rm {file}`")
        }
    }
}

fn by_git(files: &FolderFiles<'_>, ignored: &IgnoreStatus) -> Vec<CheckResult> {
    let IgnoreStatus {
        tracked,
        data_dir,
        states,
        root: _,
    } = ignored;
    let folder = data_dir
        .iter()
        .map(|standing| (standing, format!("{}/", files.relative(&standing.path))));
    let states = states
        .iter()
        .map(|standing| (standing, pattern(&standing.path)));
    let verdict =
        |ignored: &Result<bool, UnreadableFile>, path: &Path, pattern: String| match ignored {
            Ok(true) => Verdict::Holds,
            Ok(false) => {
                let (word, path) = (shell_word(&pattern), shell_word(&files.relative(path)));
                fails(
                    "git does not ignore it",
                    format!(
                        "`echo {word} >> .gitignore`; `git rm -r --cached {path}`, if it was \
                         committed"
                    ),
                )
            }
            Err(error) => unreadable(format!("the folder {}", error.error)),
        };
    let is_ignored = folder.chain(states).map(|(standing, pattern)| {
        at(
            &IGNORED,
            &standing.path,
            verdict(&standing.ignored, &standing.path, pattern),
        )
    });
    let is_tracked = match tracked {
        Ok(paths) if paths.is_empty() => vec![at(&TRACKED, &files.folder.dir, Verdict::Holds)],
        Ok(paths) => paths
            .iter()
            .map(|path| at(&TRACKED, path, of_tracked(files, path)))
            .collect(),
        Err(error) => vec![at(
            &TRACKED,
            &error.path,
            unreadable(format!("the file {}", error.error)),
        )],
    };
    is_ignored.chain(is_tracked).collect()
}

fn of_tracked(files: &FolderFiles<'_>, path: &Path) -> Verdict {
    let file = shell_word(&files.relative(path));
    let remediation = format!(
        "`git rm --cached {file}`, and rotate every secret in it: the history of the repository \
         still contains them"
    );
    fails("git tracks it", remediation)
}

/// Returns the usual pattern for such a state or copy.
fn pattern(path: &Path) -> String {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if name == COPIES {
        return format!("{COPIES}/");
    }
    if name.starts_with("tfbackend-") {
        return "tfbackend-*".to_owned();
    }
    let is_state = path.extension().is_some_and(|ending| ending == "tfstate");
    if is_state {
        "*.tfstate".to_owned()
    } else {
        "*.tfstate.*".to_owned()
    }
}
