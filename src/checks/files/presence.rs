//! Checks that the files can be read, and that the configuration has the backend block that they
//! complete.

use std::{collections::BTreeSet, path::Path};

use super::{
    FolderFiles, at,
    catalogue::{DECLARED, ONE_BLOCK, READABLE},
    fails, unreadable,
};
use crate::{
    checks::{CheckResult, Verdict},
    terraform::read::{
        ConfiguredBlock, PartialFile, UnreadableFile, configuration::NO_STATE_STORES,
    },
};

pub(super) fn check(files: &FolderFiles<'_>) -> Vec<CheckResult> {
    let mut all = readable(files);
    all.extend(one_block(files));
    all.extend(declared(files));
    all
}

fn readable(files: &FolderFiles<'_>) -> Vec<CheckResult> {
    let folder = files.folder;
    let read = folder
        .configuration
        .blocks
        .iter()
        .map(|block| block.at.path.as_path())
        .collect::<BTreeSet<_>>();
    let mut all: Vec<CheckResult> = read
        .into_iter()
        .map(|path| at(&READABLE, path, Verdict::Holds))
        .collect();
    all.extend(folder.configuration.unreadable.iter().map(failed));
    for partial in &files.partial {
        all.push(
            partial
                .arguments
                .as_ref()
                .map_or_else(failed, |_| at(&READABLE, &partial.path, Verdict::Holds)),
        );
    }
    match &folder.saved {
        Ok(Some(saved)) => all.push(at(&READABLE, &saved.path, Verdict::Holds)),
        Ok(None) => {}
        Err(error) => all.push(failed(error)),
    }
    all.extend(folder.workspace.as_ref().err().map(failed));
    all
}

fn failed(error: &UnreadableFile) -> CheckResult {
    at(
        &READABLE,
        &error.path,
        unreadable(format!("the file {}", error.error)),
    )
}

fn one_block(files: &FolderFiles<'_>) -> Option<CheckResult> {
    let configuration = &files.folder.configuration;
    let verdict = match &configuration.blocks[..] {
        [first, second, ..] => {
            let what = format!(
                "{} has `{}`, and {} has `{}`",
                first.at,
                first.title(),
                second.at,
                second.title()
            );
            fails(
                what,
                format!("keep one of them, and remove the block at {}", second.at),
            )
        }
        _ if !configuration.unreadable.is_empty() => {
            unreadable("a configuration file that may have a block cannot be parsed")
        }
        [] => return None,
        [_] => Verdict::Holds,
    };
    Some(at(&ONE_BLOCK, &files.folder.dir, verdict))
}

/// Runs if there is a configuration, and a sign that its backend is `s3`.
fn declared(files: &FolderFiles<'_>) -> Vec<CheckResult> {
    let configuration = &files.folder.configuration;
    if !configuration.is_present() || configuration.blocks.len() > 1 {
        return vec![];
    }
    let mut all: Vec<CheckResult> = files
        .partial
        .iter()
        .map(|partial| at(&DECLARED, &partial.path, of_partial(files, partial)))
        .collect();
    if let (Some(block), Some(cloud), true) = (
        configuration.block().filter(|block| !block.is_s3()),
        files.cloud,
        all.is_empty(),
    ) {
        let unsupported = unsupported(block);
        let what = format!(
            "{} has `{}`, and the environment {} has an s3 backend{unsupported}",
            block.at,
            block.title(),
            cloud.env
        );
        all.push(at(
            &DECLARED,
            &block.at.path,
            fails(
                what,
                format!(
                    "write `backend \"s3\" {{}}` for `{}` at {}",
                    block.title(),
                    block.at
                ),
            ),
        ));
    }
    if let (Ok(Some(saved)), [], true) = (
        &files.folder.saved,
        &configuration.blocks[..],
        all.is_empty() && configuration.unreadable.is_empty(),
    ) {
        all.extend(
            saved
                .is_s3()
                .then(|| at(&DECLARED, &saved.path, of_saved(files))),
        );
    }
    all
}

fn unsupported(block: &ConfiguredBlock) -> String {
    if block.kind.is_state_store() {
        format!("; {NO_STATE_STORES}")
    } else {
        String::new()
    }
}

fn of_saved(files: &FolderFiles<'_>) -> Verdict {
    let program = files.folder.engine.program();
    fails(
        "it was initialized with an s3 backend, and no file of the folder has the block now: the \
         next `init` changes to a local state in the folder",
        format!("restore the block; `{program} plan` shows whether it is the same"),
    )
}

fn of_partial(files: &FolderFiles<'_>, partial: &PartialFile) -> Verdict {
    let configuration = &files.folder.configuration;
    if files.block.is_some() {
        return Verdict::Holds;
    }
    if !configuration.unreadable.is_empty() {
        return unreadable("a configuration file that may have the block cannot be parsed");
    }
    let name = crate::text::shell::shell_word(&files.relative(&partial.path));
    let init = format!(
        "`{} init -migrate-state -backend-config={name}`",
        files.folder.engine.program()
    );
    match configuration.blocks.first() {
        Some(other) => fails(
            format!(
                "{} has `{}`, so that the partial configuration applies to another backend, or to \
                 none{}",
                other.at,
                other.title(),
                unsupported(other)
            ),
            format!(
                "write `backend \"s3\" {{}}` for `{}` at {}, then {init}",
                other.title(),
                other.at
            ),
        ),
        None => {
            let stayed = stayed_local(files).map_or(String::new(), |path| {
                format!(": the state is in {}", path.display())
            });
            let file = if configuration
                .files
                .iter()
                .any(|path| path.ends_with("backend.tf"))
            {
                "a `.tf` file"
            } else {
                "`backend.tf`"
            };
            fails(
                format!(
                    "no file of the folder has a `backend \"s3\"` block, so that {} stays \
                     local{stayed}",
                    files.folder.engine.title()
                ),
                format!(
                    "write `terraform {{ backend \"s3\" {{}} }}`, the block on a line of its own, \
                     to {file}, then {init}"
                ),
            )
        }
    }
}

/// Returns the local state that an `init` with only a partial configuration created.
fn stayed_local<'a>(files: &FolderFiles<'a>) -> Option<&'a Path> {
    let of_default = |path: &Path| {
        path.file_name()
            .is_some_and(|name| name == "terraform.tfstate")
    };
    let states = &files.folder.local_states;
    states
        .iter()
        .find(|state| of_default(&state.path) && state.size != Some(0))
        .map(|state| state.path.as_path())
}
