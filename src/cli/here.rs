//! `tfbackend` without a command: what is in this folder, and what to do next.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::{context::Context, explain, failure::CliError, verify};
use crate::{
    exit,
    kind::BackendKind,
    report::{json, safe::safe},
    settings::file::SettingsFile,
    terraform::{
        read::{LocalState, LocalStateContents, PartialFile, SourcedArgument, WorkingDirectory},
        write::{hcl, header::HeaderOwner},
    },
    text::{shell::shell_word, words},
};

/// `tfbackend --output json`.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::cli) struct FolderDocument {
    folder: String,
    /// True if the folder has a configuration of Terraform, or was initialized.
    terraform: bool,
    /// The backend in use, as in `backend "s3", bucket "acme", key "app.tfstate"`.
    backend: Option<String>,
    /// The environments of tfbackend.toml.
    environments: Vec<EnvironmentDocument>,
    /// States that lie in the folder, and have resources or outputs.
    local_states: Vec<LocalStateDocument>,
    /// Commands, the most useful first.
    next: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct EnvironmentDocument {
    name: String,
    kind: BackendKind,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct LocalStateDocument {
    path: String,
    /// Unknown if it is encrypted or cannot be read.
    resources: Option<u64>,
}

pub(crate) fn run(cx: &mut Context<'_>) -> Result<u8, CliError> {
    let folder = verify::read_folder(&cx.host.cwd, &[], cx)?;
    let sudo_uid = cx.host.var("SUDO_UID");
    let file = SettingsFile::find(&cx.host.cwd, cx.global.config.as_deref(), sudo_uid)
        .map_err(|error| explain::settings(&error))?;
    let endpoint = cx
        .host
        .vars
        .keys()
        .any(|name| name.starts_with("AWS_ENDPOINT_URL"));
    let words = cx.global.words();
    // Its files say that it is in a sandbox, and nothing else says where that is.
    let is_elsewhere = !endpoint && !words.contains(" --sandbox") && !words.contains(" --endpoint");
    let in_sandbox = is_elsewhere && owner(&folder).is_some_and(|owner| owner.emulated);
    let document = document(&folder, file.as_ref(), &words, in_sandbox);
    if cx.global.json() {
        json::write_document(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(exit::DONE);
    }
    cx.output(&text(&document))?;
    Ok(exit::DONE)
}

/// Whose the backend of the folder is: that of the partial configuration which `init` used, or of
/// the only one.
fn owner(folder: &WorkingDirectory) -> Option<&HeaderOwner> {
    let used = |file: &&PartialFile| {
        let Ok(Some(saved)) = &folder.saved else {
            return true;
        };
        let is_there = |argument: &SourcedArgument| {
            let mut of_name = saved
                .arguments
                .iter()
                .filter(|one| one.name == argument.name);
            of_name.any(|one| one.value == argument.value)
        };
        let place = ["bucket", "key", "path"];
        let mut named = file.said().iter().filter(|one| place.contains(&&*one.name));
        named.all(is_there)
    };
    let mut owners = folder
        .partial
        .iter()
        .filter(used)
        .filter_map(|file| file.stated_owner.as_ref());
    match (owners.next(), owners.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn document(
    folder: &WorkingDirectory,
    file: Option<&SettingsFile>,
    words: &str,
    in_sandbox: bool,
) -> FolderDocument {
    let environments: Vec<EnvironmentDocument> = file
        .iter()
        .flat_map(|file| file.envs.keys().map(|env| (*file, env)))
        .map(|(file, env)| EnvironmentDocument {
            name: env.to_string(),
            kind: file.kind(Some(env)).unwrap_or(BackendKind::S3),
        })
        .collect();
    let local_states: Vec<LocalStateDocument> = folder
        .local_states
        .iter()
        .filter_map(|state| local_state(state, &folder.dir))
        .collect();
    let backend = backend(folder);
    let mut document = FolderDocument {
        folder: folder.dir.display().to_string(),
        terraform: folder.is_terraform(),
        backend,
        environments,
        local_states,
        next: vec![],
    };
    let sandbox = if in_sandbox { " --sandbox" } else { "" };
    document.next = next(folder, &document, &format!("{words}{sandbox}"), in_sandbox);
    document
}

/// What `init` recorded, else what the files say.
pub(super) fn backend(folder: &WorkingDirectory) -> Option<String> {
    if let Ok(Some(saved)) = &folder.saved {
        return Some(named(&saved.kind.title(), &saved.arguments));
    }
    let block = folder.configuration.block()?;
    let partial = match &folder.partial[..] {
        [one] => one.said(),
        _ => &[],
    };
    Some(named(
        &block.title(),
        &[&block.arguments[..], partial].concat(),
    ))
}

/// The kind, and the arguments that say where the states are.
fn named(title: &str, arguments: &[SourcedArgument]) -> String {
    let place = ["bucket", "key", "path", "schema_name", "address"];
    let said = place.into_iter().filter_map(|name| {
        let mut of_name = arguments.iter().filter(|argument| argument.name == name);
        let value = of_name.next_back()?.value.as_text()?;
        Some(format!(", {name} {}", hcl::quoted(value)))
    });
    format!("{title}{}", said.collect::<String>())
}

/// A state with content that is no copy of another one.
fn local_state(state: &LocalState, dir: &Path) -> Option<LocalStateDocument> {
    let path = state.path.strip_prefix(dir).unwrap_or(&state.path);
    let path = path.display().to_string();
    if path.ends_with(".backup") {
        return None;
    }
    let resources = match state.holds {
        LocalStateContents::Nothing => return None,
        LocalStateContents::Resources { resources, .. } => Some(resources),
        LocalStateContents::Encrypted | LocalStateContents::Unclear(_) => None,
    };
    Some(LocalStateDocument { path, resources })
}

fn next(
    folder: &WorkingDirectory,
    document: &FolderDocument,
    words: &str,
    in_sandbox: bool,
) -> Vec<String> {
    let run = if in_sandbox {
        "tfbackend sandbox run -- "
    } else {
        ""
    };
    let program = format!("{run}{}", folder.engine.program());
    let has = |name: &str| document.local_states.iter().any(|state| state.path == name);
    let env = match (owner(folder), &document.environments[..]) {
        (Some(owner), _) => format!(" --env {}", shell_word(&owner.env)),
        (None, [first, ..]) => format!(" --env {}", first.name),
        (None, []) => String::new(),
    };
    let mut next = vec![];
    if has("errored.tfstate") {
        next.push(format!("{program} state push errored.tfstate"));
    }
    let is_local = has("terraform.tfstate")
        || document
            .local_states
            .iter()
            .any(|state| state.path.starts_with("terraform.tfstate.d"));
    let is_initialized = matches!(&folder.saved, Ok(Some(_)));
    match (is_local && !is_initialized, &document.backend) {
        // The state is not in the backend yet.
        (true, Some(_)) if folder.partial.len() == 1 => {
            let conf = shell_word(&folder.partial[0].name());
            next.push(format!("tfbackend migrate --from . --to {conf}{words}"));
        }
        (true, _) => {
            next.push(format!("tfbackend bootstrap{env}{words}"));
        }
        (false, Some(_)) => {
            if let (false, [conf]) = (is_initialized, &folder.partial[..]) {
                let conf = shell_word(&conf.name());
                next.push(format!("{program} init -backend-config={conf}"));
            }
            next.push(format!("tfbackend verify{env}{words}"));
            next.push(format!("tfbackend state list{words}"));
        }
        (false, None) => next.push(format!("tfbackend bootstrap{env}{words}")),
    }
    next.push("tfbackend --help".to_owned());
    next
}

fn text(document: &FolderDocument) -> String {
    let mut lines = vec![];
    lines.push(match (&document.backend, document.terraform) {
        (Some(backend), _) => format!("Backend: {backend}"),
        (None, true) => "This folder has a Terraform configuration, and no backend.".to_owned(),
        (None, false) => "This folder has no Terraform configuration.".to_owned(),
    });
    for LocalStateDocument { path, resources } in &document.local_states {
        let content = match resources {
            Some(count) => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                words::count(count, "resource", "resources")
            }
            None => "content unknown".to_owned(),
        };
        lines.push(format!("Local state: {path} ({content})"));
    }
    if !document.environments.is_empty() {
        let environments: Vec<String> = document
            .environments
            .iter()
            .map(|env| format!("{} ({})", env.name, env.kind))
            .collect();
        lines.push(format!("Environments: {}", environments.join(", ")));
    }
    lines.push(String::new());
    lines.push("Next:".to_owned());
    lines.extend(document.next.iter().map(|line| format!("  {line}")));
    let lines = lines.iter().map(|line| format!("{}\n", safe(line)));
    lines.collect()
}
