//! The resources of a local backend.

use serde::{Deserialize, Serialize};

use super::{file_modes::StateFileModes, folder::StateFolderSpec};
use crate::engine::spec::{Address, Spec};

pub(crate) const STATE_FOLDER: Address = Address::new("state_folder");
pub(crate) const STATE_FILES: Address = Address::new("state_folder/files");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum LocalSpec {
    Folder(StateFolderSpec),
    Files(StateFileModes),
}

impl Spec for LocalSpec {
    fn title(&self) -> String {
        match self {
            Self::Folder(folder) => folder.title(),
            Self::Files(files) => files.title(),
        }
    }

    fn merge_onto(&self, observed: &Self) -> Self {
        match (self, observed) {
            (Self::Folder(ours), Self::Folder(theirs)) => Self::Folder(ours.merge_onto(theirs)),
            (ours, _) => ours.clone(),
        }
    }

    fn adoption_blocked_by(&self, observed: &Self) -> Option<String> {
        match (self, observed) {
            (Self::Folder(ours), Self::Folder(theirs)) => ours.adoption_blocked_by(theirs),
            _ => None,
        }
    }

    fn blocked_by(&self, observed: &Self) -> Option<String> {
        match (self, observed) {
            (Self::Folder(ours), Self::Folder(theirs)) => ours.blocked_by(theirs),
            (Self::Files(ours), Self::Files(theirs)) => ours.blocked_by(theirs),
            (Self::Folder(_), Self::Files(_)) | (Self::Files(_), Self::Folder(_)) => {
                Some("is another kind of resource".to_owned())
            }
        }
    }

    fn deleted_with_parent(&self) -> bool {
        match self {
            Self::Folder(_) => false,
            Self::Files(files) => files.deleted_with_parent(),
        }
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        match self {
            Self::Folder(folder) => folder.why(setting),
            Self::Files(files) => files.why(setting),
        }
    }
}
