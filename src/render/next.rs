//! What to run once the files are written: `terraform init`, and what it should do with a state that is elsewhere.

use std::{fs, io, path::Path};

use hcl_edit::{expr::Expression, structure::Body};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{arguments::DEFAULT_WORKSPACE_KEY_PREFIX, folder, hcl, shell::shell_word};

/// What a folder needs before Terraform uses the backend that its files name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextCommand {
    /// It was never initialised, and has no state.
    Init,
    /// It has local state, to be brought along.
    Migrate,
    /// It was initialised with the same state, and with other arguments.
    Reconfigure,
    /// It was initialised with another state: another environment's, which must not be copied here, or
    /// the one that this backend is to replace, which must. Only a person knows.
    Choose { from: String },
    /// It was initialised with exactly this.
    Ready,
}

impl NextCommand {
    /// The command lines, for a shell in the folder; of [`NextCommand::Choose`], the one that leaves
    /// the other state alone, then the one that copies it.
    ///
    /// `program` is `terraform` or `tofu`.
    pub fn command_lines(&self, program: &str, conf_name: &str) -> Vec<String> {
        let conf = shell_word(conf_name);
        let init = |flag: &str| format!("{program} init{flag} -backend-config={conf}");
        match self {
            Self::Init => vec![init("")],
            Self::Migrate => vec![init(" -migrate-state")],
            Self::Reconfigure => vec![init(" -reconfigure")],
            Self::Choose { .. } => vec![init(" -reconfigure"), init(" -migrate-state")],
            Self::Ready => vec![format!("{program} plan")],
        }
    }
}

/// Judges by what `terraform init` has left in `dir`, and by the partial configuration `conf_name` in it.
///
/// Nothing is decided for the user that could copy one environment's state over another's. A folder
/// for working data that is not `.terraform` (`TF_DATA_DIR`) is not known.
pub fn next_command(dir: &Path, conf_name: &str) -> NextCommand {
    let path = dir.join(".terraform").join("terraform.tfstate");
    let saved = match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice::<WorkingData>(&bytes).map(|data| data.backend),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(_) => return NextCommand::Choose { from: "a backend that could not be read".into() },
    };
    let saved = match saved {
        Ok(Some(saved)) if saved.kind == "local" && folder::local_state(dir) => return NextCommand::Migrate,
        Ok(Some(saved)) => saved,
        Ok(None) if folder::local_state(dir) => return NextCommand::Migrate,
        Ok(None) => return NextCommand::Init,
        Err(_) => return NextCommand::Choose { from: "a backend that could not be read".into() },
    };
    let wanted = arguments_of(&dir.join(conf_name)).unwrap_or_default();
    let had = without_nulls(saved.config);
    if saved.kind != "s3" || place(&had) != place(&wanted) {
        return NextCommand::Choose { from: described(&saved.kind, &had) };
    }
    if had == wanted { NextCommand::Ready } else { NextCommand::Reconfigure }
}

/// What Terraform keeps in `.terraform/terraform.tfstate`.
#[derive(Deserialize)]
struct WorkingData {
    backend: Option<Saved>,
}

/// The configuration may hold credentials: it is compared, and only a place is ever shown.
#[derive(Deserialize)]
struct Saved {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    config: Map<String, Value>,
}

/// What tells one state from another.
fn place(config: &Map<String, Value>) -> [Value; 4] {
    let endpoints = config.get("endpoints").and_then(|all| all.get("s3"));
    let prefix = config.get("workspace_key_prefix").cloned().unwrap_or_else(|| DEFAULT_WORKSPACE_KEY_PREFIX.into());
    [
        config.get("bucket").cloned().unwrap_or_default(),
        config.get("key").cloned().unwrap_or_default(),
        endpoints.cloned().unwrap_or_default(),
        prefix,
    ]
}

fn described(kind: &str, config: &Map<String, Value>) -> String {
    let text = |name: &str| config.get(name).and_then(Value::as_str);
    let kind = hcl::quoted(kind);
    match (text("bucket"), text("key")) {
        (Some(bucket), Some(key)) => format!("backend {kind}, bucket {}, key {}", hcl::quoted(bucket), hcl::quoted(key)),
        _ => format!("backend {kind}"),
    }
}

fn without_nulls(config: Map<String, Value>) -> Map<String, Value> {
    let kept = config.into_iter().filter(|(_, value)| !value.is_null());
    kept.map(|(name, value)| match value {
        Value::Object(fields) => (name, Value::Object(without_nulls(fields))),
        value => (name, value),
    })
    .collect()
}

fn arguments_of(path: &Path) -> Option<Map<String, Value>> {
    let body: Body = fs::read_to_string(path).ok()?.parse().ok()?;
    body.attributes().map(|attribute| Some((attribute.key.as_str().to_owned(), json(&attribute.value)?))).collect()
}

/// The value of a literal; `None` for what is none.
fn json(expression: &Expression) -> Option<Value> {
    Some(match expression {
        Expression::Bool(value) => Value::Bool(*value.value()),
        Expression::String(text) => Value::String(text.value().clone()),
        Expression::Array(items) => Value::Array(items.iter().map(json).collect::<Option<_>>()?),
        Expression::Object(fields) => {
            let field = |(key, value): (&hcl_edit::expr::ObjectKey, &hcl_edit::expr::ObjectValue)| {
                let key = key.as_ident().map(|key| key.as_str()).or_else(|| key.as_expr().and_then(Expression::as_str))?;
                Some((key.to_owned(), json(value.expr())?))
            };
            Value::Object(fields.iter().map(field).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
