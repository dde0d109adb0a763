//! The files that point Terraform at a backend: their text, and writing them without overwriting
//! files of others.

use crate::text::invisible::is_invisible;
use std::{io, path::PathBuf};

use serde::Serialize;

pub mod s3;
pub(crate) mod local;
pub mod hcl;
pub(crate) mod templates;
pub mod header;
pub(crate) mod diff;
pub mod file_status;
pub mod files;
pub(crate) mod lock_arguments;
pub(crate) mod rewrite;
pub(crate) mod backend_block;

use crate::{kind::BackendKind, terraform::read::ConfiguredBlock};
use header::HeaderOwner;

/// An expected file, including its header.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedFile {
    pub name: String,
    pub text: String,
    /// The owner; `None` for a file that all environments share.
    pub owner: Option<HeaderOwner>,
    /// A text that another environment needs here, and that this one can live with.
    pub tolerated: Option<String>,
}

/// What the files of an environment say: of one backend kind.
pub trait BackendConfig: Clone {
    /// Whose files they are.
    fn owner(&self) -> HeaderOwner;

    /// The block that all environments share.
    fn block(&self) -> SharedBlock;

    /// A block that another environment needs, and that this one can live with.
    fn tolerated_block(&self) -> Option<SharedBlock> {
        None
    }

    /// Adapts to the arguments of a block of the user, which the partial configuration completes.
    /// Returns a note if something had to be left out; `conf_file` is the name of the file.
    fn complete(&mut self, block: &ConfiguredBlock, conf_file: &str) -> Option<String> {
        let _ = (block, conf_file);
        None
    }

    /// The variables of the template of the partial configuration. Field names are the arguments of
    /// the backend; `kind`, `project` and `env` are among them.
    ///
    /// # Errors
    /// If the backend would not be safe, or a value cannot be written.
    fn arguments(&self) -> Result<serde_json::Value, RenderError>;
}

/// The file with the `backend` block, which has what all environments share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SharedBlock {
    /// The label of the block.
    pub label: &'static str,
    /// True if some environment locks with a lock file.
    pub use_lockfile: bool,
}

impl SharedBlock {
    pub const S3_WITH_LOCK_FILE: Self = Self {
        label: BackendKind::S3.terraform_type(),
        use_lockfile: true,
    };

    /// # Errors
    /// If the template is at fault.
    pub fn text(self) -> Result<String, RenderError> {
        Ok(header::stamp(None, &fill(templates::BACKEND_TF, &self)?))
    }
}

/// The `backend` block and the partial configuration that completes it, in this order.
///
/// `tf_file` and `conf_file` are names in which `{env}` is replaced.
///
/// # Errors
/// If a name is not fit for its file (so that they always differ), or the backend would not be
/// safe.
pub fn files(
    config: &impl BackendConfig,
    tf_file: &str,
    conf_file: &str,
) -> Result<Vec<RenderedFile>, RenderError> {
    let owner = config.owner();
    let tf_name = tf_file_name(tf_file, &owner.env)?;
    let conf_name = conf_file_name(conf_file, &owner.env)?;
    let arguments = config.arguments()?;
    let tf = RenderedFile {
        name: tf_name,
        text: config.block().text()?,
        owner: None,
        tolerated: config
            .tolerated_block()
            .map(SharedBlock::text)
            .transpose()?,
    };
    let body = fill(templates::BACKEND_CONF, &arguments)?;
    let conf = RenderedFile {
        name: conf_name,
        text: header::stamp(Some(&owner), &body),
        tolerated: header::stamp_of_before(&owner, &body),
        owner: Some(owner),
    };
    Ok(vec![tf, conf])
}

fn fill(name: &'static str, context: &impl Serialize) -> Result<String, RenderError> {
    templates::fill(name, context).map_err(|source| RenderError::Template { name, source })
}

/// The arguments of a whole block, one on each line, without a header.
///
/// # Errors
/// As [`files`].
pub fn block_arguments(config: &impl BackendConfig) -> Result<String, RenderError> {
    let text = fill(templates::BACKEND_CONF, &config.arguments()?)?;
    // The first line says which environment a file is for.
    Ok(text
        .split_once('\n')
        .map_or("", |(_, rest)| rest)
        .to_owned())
}

/// `pattern` with `{env}` replaced, as the name of one file in a folder.
///
/// # Errors
/// If the result is empty, leads out of the folder, holds what cannot be seen, or `=`, which
/// `terraform init -backend-config=` takes for an argument and not for a file.
pub fn file_name(pattern: &str, env: &str) -> Result<String, RenderError> {
    let name = pattern.replace("{env}", env);
    let why = if name.is_empty() {
        "is empty"
    } else if name.contains(['/', '\\']) || name == "." || name == ".." {
        "is not the name of a file in the folder"
    } else if name.contains('=') {
        "has a =, which `terraform init -backend-config` treats as an argument"
    } else if name.chars().any(is_invisible) || name.trim() != name {
        "has invisible characters"
    } else {
        return Ok(name);
    };
    Err(RenderError::FileName { name, why })
}

/// As [`file_name`]. Terraform must read the file as configuration.
///
/// # Errors
/// If Terraform and OpenTofu would not read it, or would take it for an override of another.
pub fn tf_file_name(pattern: &str, env: &str) -> Result<String, RenderError> {
    let name = file_name(pattern, env)?;
    let why = match name
        .strip_suffix(".tf")
        .or_else(|| name.strip_suffix(".tofu"))
    {
        None => "does not end in .tf or .tofu",
        Some(stem) if stem.is_empty() || stem.starts_with('.') => {
            "is hidden, so that Terraform does not read it"
        }
        Some(stem) if stem == "override" || stem.ends_with("_override") => {
            "is the name of an override file"
        }
        Some(_) => return Ok(name),
    };
    Err(RenderError::FileName { name, why })
}

/// As [`file_name`]. Terraform must read the file only when it is told to, and as HCL.
///
/// # Errors
/// If Terraform would take it for configuration, for variables, or for JSON.
pub fn conf_file_name(pattern: &str, env: &str) -> Result<String, RenderError> {
    let name = file_name(pattern, env)?;
    let why = match name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase())
        .as_deref()
    {
        Some("tf" | "tofu") => "is a name that Terraform reads as configuration",
        Some("tfvars") => "is a name that Terraform reads as variables",
        Some("tfstate") => "is the name of a state file",
        Some("json") => "is the name of a JSON file, but the file is HCL",
        _ => return Ok(name),
    };
    Err(RenderError::FileName { name, why })
}

/// An error of creating or writing files. A conflict with one file is a
/// [`Refusal`](standing::Refusal).
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("the file name \"{}\" {why}", hcl::comment(name))]
    FileName { name: String, why: &'static str },
    #[error(
        "neither a lock table nor a lock file is used: two runs could write one state at the same \
         time"
    )]
    NoLock,
    #[error("\"{kms_key_id}\" is not the full ARN of a KMS key")]
    NoKeyArn { kms_key_id: String },
    #[error("{name} has a value that is only known after apply")]
    NotKnownYet { name: String },
    #[error("the path {path:?} is not valid UTF-8")]
    NotText { path: PathBuf },
    #[error("the template {name} is invalid")]
    Template {
        name: &'static str,
        source: minijinja::Error,
    },
    #[error("{} is not a folder", path.display())]
    NotAFolder { path: PathBuf },
    #[error("the folder {} is read-only", path.display())]
    ReadOnlyFolder { path: PathBuf },
    /// Between the look at all files and the write of this one.
    #[error("{} was changed meanwhile", path.display())]
    ChangedMeanwhile { path: PathBuf },
    #[error("could not {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl RenderError {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_is_put_into_names() {
        assert_eq!(
            file_name("{env}.s3.tfbackend", "prod").ok().as_deref(),
            Some("prod.s3.tfbackend")
        );
        assert_eq!(file_name("{env}-{env}", "a").ok().as_deref(), Some("a-a"));
        assert_eq!(
            file_name("backend.conf", "prod").ok().as_deref(),
            Some("backend.conf")
        );
    }

    #[test]
    fn a_name_is_that_of_one_file_in_the_folder() {
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "/a",
            "..\\a",
            "a=b",
            "a\nb",
            "a\0",
            "a\u{202e}b",
            " a",
            "a ",
        ] {
            assert!(file_name(name, "prod").is_err(), "{name:?}");
        }
        for env in ["../x", "a=b", "a/b", "\u{1b}[2J"] {
            assert!(file_name("{env}.conf", env).is_err(), "{env:?}");
        }
    }

    #[test]
    fn terraform_reads_each_file_as_what_it_is() {
        for name in ["backend.tf", "{env}.tf", "backend.tofu"] {
            assert!(tf_file_name(name, "prod").is_ok(), "{name}");
        }
        for name in [
            "backend",
            "backend.tf.json",
            ".backend.tf",
            ".tf",
            "override.tf",
            "my_override.tf",
            "backend.tf~",
        ] {
            assert!(tf_file_name(name, "prod").is_err(), "{name}");
        }
        for name in ["backend.conf", "{env}.s3.tfbackend", "config.{env}"] {
            assert!(conf_file_name(name, "prod").is_ok(), "{name}");
        }
        for name in [
            "x.tf",
            "x.TF",
            "x.tofu",
            "terraform.tfvars",
            "x.auto.tfvars",
            "x.json",
            "terraform.tfstate",
        ] {
            assert!(conf_file_name(name, "prod").is_err(), "{name}");
        }
    }
}
