//! Points the folder that used the source at the destination: edits its `backend` block, or says
//! what to edit.

use std::{fs, path::PathBuf};

use super::place::{FolderUse, MigrationPlace, address, shown};
use crate::{
    cli::{context::Context, failure::CliError, verify},
    exit,
    terraform::{
        read::{ConfiguredKind, WorkingDirectory, configuration::is_json},
        write::{
            RenderError, RenderedFile,
            backend_block::BackendBlock,
            files::{self, FileOutcome},
            rewrite::FileRead,
        },
    },
    text::shell::shell_word,
};

/// The name of a file for a folder without a block.
const NEW_FILE: &str = "backend.tf";

/// What is to be done to the files of a folder.
#[derive(Debug)]
pub(super) struct FolderEdit {
    dir: PathBuf,
    edit: BlockPlace,
    /// The commands for Terraform: `terraform` or `tofu`, with the folder.
    program: String,
    /// What `init` takes beside `-reconfigure`, each after a space.
    init: String,
}

#[derive(Debug)]
enum BlockPlace {
    /// The configuration names the destination already.
    Current,
    Edit {
        file: FileRead,
        text: String,
    },
    New {
        text: String,
    },
    /// With the reason.
    ByHand {
        why: String,
        block: BackendBlock,
    },
}

/// What became of the files.
#[derive(Debug)]
pub(super) struct EditedFolder {
    pub files: Vec<PathBuf>,
    /// Why, and the block.
    pub by_hand: Option<(String, String)>,
}

impl FolderEdit {
    /// The folder whose states move: the one that was named, else this one, if its states are those
    /// of the source.
    pub(super) async fn of(
        from: &MigrationPlace,
        to: &MigrationPlace,
        workspaces: usize,
        cx: &mut Context<'_>,
    ) -> Result<Option<Self>, CliError> {
        let dir = match &from.folder {
            Some(dir) => dir.clone(),
            None => {
                let here = super::place::PlaceName::Path(".".into());
                let Ok(place) = MigrationPlace::open(&here, FolderUse::InUse, cx).await else {
                    return Ok(None);
                };
                let same = address(&*place.store()) == address(&*from.store());
                match place.folder {
                    Some(dir) if same => dir,
                    _ => return Ok(None),
                }
            }
        };
        let folder = verify::read_folder(&dir, &[], cx)?;
        if !folder.configuration.is_present() {
            return Ok(None);
        }
        let is_here = dir == cx.host.cwd.canonicalize().unwrap_or(cx.host.cwd.clone());
        let program = to.terraform(folder.engine.program(), cx);
        let program = if is_here {
            program
        } else {
            format!("{program} -chdir={}", shell_word(&shown(&dir, cx)))
        };
        let mut init = String::new();
        // `init` would ask whether to copy the states of several workspaces onto themselves. It
        // finds them the same, and writes none.
        if to.is_default_of(&dir) && workspaces > 1 {
            init.push_str(" -force-copy");
        }
        let edit = if is_configured(&folder, to, cx).await {
            // A partial configuration completes the block.
            if let [partial] = &folder.partial[..] {
                init.push_str(&format!(" -backend-config={}", shell_word(&partial.name())));
            }
            BlockPlace::Current
        } else {
            let block = to.block(&dir, cx).await?;
            place_of(&folder, block, cx)
        };
        Ok(Some(Self {
            dir,
            edit,
            program,
            init,
        }))
    }

    /// Edits the files.
    pub(super) fn carry_out(self) -> Result<EditedFolder, CliError> {
        let by_hand = |why: String, block: &BackendBlock| EditedFolder {
            files: vec![],
            by_hand: Some((why, block.to_configuration())),
        };
        Ok(match self.edit {
            BlockPlace::Current => EditedFolder {
                files: vec![],
                by_hand: None,
            },
            BlockPlace::ByHand { why, block } => by_hand(why, &block),
            BlockPlace::Edit { file, text } => {
                file.replace(&text).map_err(|error| not_written(&error))?;
                EditedFolder {
                    files: vec![file.path],
                    by_hand: None,
                }
            }
            BlockPlace::New { text } => {
                let file = RenderedFile {
                    name: NEW_FILE.to_owned(),
                    text,
                    owner: None,
                    tolerated: None,
                };
                let written =
                    files::write(&self.dir, &[file], false).map_err(|error| not_written(&error))?;
                let is_written = |outcome: &FileOutcome| {
                    matches!(
                        outcome,
                        FileOutcome::Written { .. } | FileOutcome::Unchanged
                    )
                };
                EditedFolder {
                    files: written
                        .into_iter()
                        .filter(|file| is_written(&file.outcome))
                        .map(|file| file.path)
                        .collect(),
                    by_hand: None,
                }
            }
        })
    }

    /// What will be done, for people; `None` if nothing.
    pub(super) fn preview(&self, cx: &Context<'_>) -> Option<String> {
        match &self.edit {
            BlockPlace::Current => None,
            BlockPlace::Edit { file, .. } => Some(format!(
                "The `backend` block in {} is replaced.",
                shown(&file.path, cx)
            )),
            BlockPlace::New { .. } => Some(format!(
                "The `backend` block is written to {}.",
                shown(&self.dir.join(NEW_FILE), cx)
            )),
            BlockPlace::ByHand { why, .. } => {
                Some(format!("You must edit the `backend` block: {why}"))
            }
        }
    }

    /// The command that points Terraform at the destination.
    pub(super) fn next(&self) -> String {
        format!("{} init -reconfigure{}", self.program, self.init)
    }

    pub(super) fn plan(&self) -> String {
        format!("{} plan", self.program)
    }
}

/// Returns whether the configuration of the folder names the destination.
async fn is_configured(
    folder: &WorkingDirectory,
    to: &MigrationPlace,
    cx: &mut Context<'_>,
) -> bool {
    let Some(block) = folder.configuration.block() else {
        return false;
    };
    if block.kind != ConfiguredKind::Backend(to.kind().terraform_type().to_owned()) {
        return false;
    }
    let name = super::place::PlaceName::Path(folder.dir.clone());
    match MigrationPlace::open(&name, FolderUse::Configured, cx).await {
        Ok(place) => address(&*place.store()) == address(&*to.store()),
        Err(_) => false,
    }
}

fn not_written(error: &RenderError) -> CliError {
    CliError::of(exit::FAILED, error).hint("make the file writable")
}

fn place_of(folder: &WorkingDirectory, block: BackendBlock, cx: &Context<'_>) -> BlockPlace {
    let configuration = &folder.configuration;
    if let Some(unreadable) = configuration.unreadable.first() {
        return BlockPlace::ByHand {
            why: unreadable.to_string(),
            block,
        };
    }
    let path = match &configuration.blocks[..] {
        [] if fs::symlink_metadata(folder.dir.join(NEW_FILE)).is_err() => {
            return BlockPlace::New {
                text: block.to_configuration(),
            };
        }
        [] => {
            return BlockPlace::ByHand {
                why: format!("{NEW_FILE} exists, and has none"),
                block,
            };
        }
        [one] => &one.at.path,
        _ => {
            return BlockPlace::ByHand {
                why: "there are several".to_owned(),
                block,
            };
        }
    };
    let by_hand = |why: String, block| BlockPlace::ByHand {
        why: format!("{} {why}", shown(path, cx)),
        block,
    };
    if is_json(path) {
        return by_hand("is JSON".to_owned(), block);
    }
    let file = match FileRead::of(path) {
        Ok(file) => file,
        Err(why) => return by_hand(format!("cannot be edited: {why}"), block),
    };
    match block.put_into(&file.text) {
        Ok(text) => BlockPlace::Edit { file, text },
        Err(why) => by_hand(why, block),
    }
}
