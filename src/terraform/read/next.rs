//! The next commands after the files are written: `terraform init`, and how it treats an existing
//! state.

use crate::text::shell::shell_word;
use std::{collections::BTreeMap, path::Path};

use super::{
    DATA_DIR,
    configuration::ConfiguredKind,
    local::local_state,
    partial::PartialFile,
    saved::SavedBackend,
    value::{ArgumentValue, SourcedArgument},
};
use crate::{
    kind::BackendKind,
    terraform::write::{hcl, s3::DEFAULT_WORKSPACE_KEY_PREFIX},
};

/// The command that a folder needs before Terraform uses the backend of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextCommand {
    /// It was never initialised, and has no state.
    Init,
    /// It has local state, to be brought along.
    Migrate,
    /// It was initialised with the same state, and with other arguments.
    Reconfigure,
    /// It was initialised with another state: another environment's, which must not be copied here,
    /// or the one that this backend is to replace, which must. Only the user knows.
    Choose { from: String },
    /// It was initialised with exactly this.
    Ready,
}

impl NextCommand {
    /// The command lines, for a shell in the folder; of [`NextCommand::Choose`], the one that
    /// leaves the other state alone, then the one that copies it.
    ///
    /// `program` runs Terraform or OpenTofu. `words` are those of tfbackend that say where AWS is,
    /// each after a space: a local state is moved by `tfbackend migrate`, because `init
    /// -migrate-state` gives it another lineage.
    pub fn command_lines(&self, program: &str, words: &str, conf_name: &str) -> Vec<String> {
        let conf = shell_word(conf_name);
        let init = |flag: &str| format!("{program} init{flag} -backend-config={conf}");
        match self {
            Self::Init => vec![init("")],
            Self::Migrate => vec![format!("tfbackend migrate --from . --to {conf}{words}")],
            Self::Reconfigure => vec![init(" -reconfigure")],
            Self::Choose { .. } => vec![init(" -reconfigure"), init(" -migrate-state")],
            Self::Ready => vec![format!("{program} plan")],
        }
    }
}

/// Judges by what `terraform init` has left in `dir`, and by the partial configuration `conf_name`
/// in it.
///
/// Nothing is decided for the user that could copy one environment's state over another's. A folder
/// for working data that is not `.terraform` (`TF_DATA_DIR`) is not known.
pub fn next_command(dir: &Path, conf_name: &str, kind: BackendKind) -> NextCommand {
    let wanted = wanted(&dir.join(conf_name));
    let is_same_kind = |saved: &SavedBackend| saved.kind.is_labelled(kind.terraform_type());
    let is_elsewhere = |saved: &SavedBackend| {
        !is_same_kind(saved) || place(&said(saved.arguments.clone()), kind) != place(&wanted, kind)
    };
    let saved = match SavedBackend::read(&dir.join(DATA_DIR)) {
        Ok(Some(saved))
            if saved.kind.is_labelled("local") && local_state(dir) && is_elsewhere(&saved) =>
        {
            return NextCommand::Migrate;
        }
        Ok(Some(saved)) => saved,
        Ok(None) if local_state(dir) => return NextCommand::Migrate,
        Ok(None) => return NextCommand::Init,
        Err(_) => {
            return NextCommand::Choose {
                from: "a backend that cannot be read".into(),
            };
        }
    };
    if is_elsewhere(&saved) {
        return NextCommand::Choose {
            from: described(&saved.kind, &said(saved.arguments)),
        };
    }
    let had = said(saved.arguments);
    if had == wanted {
        NextCommand::Ready
    } else {
        NextCommand::Reconfigure
    }
}

/// Arguments by name, those left out that say nothing.
type SaidArguments = BTreeMap<String, ArgumentValue>;

fn said(arguments: Vec<SourcedArgument>) -> SaidArguments {
    arguments
        .into_iter()
        .filter(|argument| argument.value != ArgumentValue::Null)
        .map(|argument| (argument.name, argument.value))
        .collect()
}

/// Nothing where it is not known what the file says.
fn wanted(conf: &Path) -> SaidArguments {
    match PartialFile::read(conf).arguments {
        Ok(arguments)
            if arguments
                .iter()
                .all(|argument| !argument.value.has_no_literal()) =>
        {
            said(arguments)
        }
        Ok(_) | Err(_) => SaidArguments::new(),
    }
}

/// Returns the values that identify a state.
fn place(said: &SaidArguments, kind: BackendKind) -> Vec<ArgumentValue> {
    let of = |name: &str| said.get(name).cloned().unwrap_or(ArgumentValue::Null);
    if kind == BackendKind::Local {
        return vec![of("path"), of("workspace_dir")];
    }
    let endpoint = said
        .get("endpoints")
        .and_then(|all| all.as_object()?.get("s3").cloned());
    let prefix = said
        .get("workspace_key_prefix")
        .cloned()
        .unwrap_or_else(|| ArgumentValue::Text(DEFAULT_WORKSPACE_KEY_PREFIX.to_owned()));
    vec![
        of("bucket"),
        of("key"),
        endpoint.unwrap_or(ArgumentValue::Null),
        prefix,
    ]
}

fn described(kind: &ConfiguredKind, said: &SaidArguments) -> String {
    let text = |name: &str| said.get(name).and_then(ArgumentValue::as_text);
    let kind = kind.title();
    if let Some(path) = text("path") {
        return format!("{kind}, path {}", hcl::quoted(path));
    }
    match (text("bucket"), text("key")) {
        (Some(bucket), Some(key)) => format!(
            "{kind}, bucket {}, key {}",
            hcl::quoted(bucket),
            hcl::quoted(key)
        ),
        _ => kind,
    }
}
