//! Checks of each file: no credentials, literal values, and supported arguments.

use std::path::Path;

use super::{
    FolderFiles, at,
    catalogue::{KNOWN, LITERAL, NO_CREDENTIALS, NOT_DEPRECATED},
    fails, named,
};
use crate::{
    checks::{CheckResult, Verdict},
    terraform::read::{
        ArgumentValue, SourcedArgument, TerraformEngine,
        arguments::{self, ArgumentSupport},
    },
};

/// A file with arguments, and its kind.
struct ArgumentFile<'a> {
    path: &'a Path,
    arguments: &'a [SourcedArgument],
    kind: ArgumentFileKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ArgumentFileKind {
    Block,
    /// A block of another backend, whose arguments are not checked.
    OtherBlock,
    Partial,
    /// Terraform's own record, which must not be edited.
    Saved,
}

pub(super) fn check(files: &FolderFiles<'_>) -> Vec<CheckResult> {
    let engine = files.folder.engine;
    let mut all = vec![];
    for source in sources(files) {
        all.push(at(
            &NO_CREDENTIALS,
            source.path,
            credentials(&source, files),
        ));
        if matches!(
            source.kind,
            ArgumentFileKind::Block | ArgumentFileKind::Partial
        ) {
            all.push(at(&LITERAL, source.path, literal(&source, engine)));
            all.push(at(&KNOWN, source.path, known(&source, engine)));
            all.push(at(
                &NOT_DEPRECATED,
                source.path,
                not_deprecated(&source, engine),
            ));
        }
    }
    all
}

fn sources<'a>(files: &FolderFiles<'a>) -> Vec<ArgumentFile<'a>> {
    let blocks = files
        .folder
        .configuration
        .blocks
        .iter()
        .map(|block| ArgumentFile {
            path: &block.at.path,
            arguments: &block.arguments,
            kind: if block.is_s3() {
                ArgumentFileKind::Block
            } else {
                ArgumentFileKind::OtherBlock
            },
        });
    let readable = files
        .partial
        .iter()
        .filter_map(|partial| Some((partial, partial.arguments.as_ref().ok()?)));
    let partial = readable.map(|(partial, arguments)| ArgumentFile {
        path: &partial.path,
        arguments,
        kind: ArgumentFileKind::Partial,
    });
    let saved = files.folder.saved.as_ref().ok().and_then(Option::as_ref);
    let saved = saved.map(|saved| ArgumentFile {
        path: &saved.path,
        arguments: &saved.arguments,
        kind: ArgumentFileKind::Saved,
    });
    blocks.chain(partial).chain(saved).collect()
}

fn credentials(source: &ArgumentFile<'_>, files: &FolderFiles<'_>) -> Verdict {
    let secrets: Vec<String> = source.arguments.iter().flat_map(secrets).collect();
    if secrets.is_empty() {
        return Verdict::Holds;
    }
    let rotate = "rotate the credential, because others may have read it";
    let remediation = match source.kind {
        ArgumentFileKind::Saved => {
            let program = files.folder.engine.program();
            format!(
                "{rotate}; remove it from the configuration for `init`, then `{program} init \
                 -reconfigure`"
            )
        }
        ArgumentFileKind::Block | ArgumentFileKind::OtherBlock | ArgumentFileKind::Partial => {
            format!(
                "{rotate}; remove the argument here and from the history of the repository, and \
                 use environment variables or a profile"
            )
        }
    };
    fails(
        format!("credentials in {}", secrets.join(", ")),
        remediation,
    )
}

/// Returns the path of each credential in an argument, and the location of the argument.
fn secrets(argument: &SourcedArgument) -> Vec<String> {
    let mut paths = vec![];
    below(&argument.value, &argument.name, &mut paths);
    paths
        .iter()
        .map(|path| format!("{} ({})", named(path), argument.at))
        .collect()
}

fn below(value: &ArgumentValue, path: &str, found: &mut Vec<String>) {
    match value {
        ArgumentValue::Secret(_) => found.push(path.to_owned()),
        ArgumentValue::List(items) => items.iter().for_each(|item| below(item, path, found)),
        ArgumentValue::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| below(value, &format!("{path}.{name}"), found)),
        ArgumentValue::Null
        | ArgumentValue::Text(_)
        | ArgumentValue::Bool(_)
        | ArgumentValue::Number(_)
        | ArgumentValue::NotLiteral => {}
    }
}

fn literal(source: &ArgumentFile<'_>, engine: TerraformEngine) -> Verdict {
    // OpenTofu 1.8 and later support variables and locals in a block; no engine supports them in a
    // partial configuration.
    let taken = engine == TerraformEngine::OpenTofu && source.kind == ArgumentFileKind::Block;
    let unknown: Vec<&SourcedArgument> = source
        .arguments
        .iter()
        .filter(|argument| !taken && argument.value.has_no_literal())
        .collect();
    if unknown.is_empty() {
        return Verdict::Holds;
    }
    let found = format!(
        "{} not a literal value: {}",
        if unknown.len() == 1 {
            "one is"
        } else {
            "some are"
        },
        spots(&unknown)
    );
    fails(
        found,
        "write the value itself, or pass it with `-backend-config=NAME=VALUE`",
    )
}

fn known(source: &ArgumentFile<'_>, engine: TerraformEngine) -> Verdict {
    let mut found = vec![];
    let mut remediation = vec![];
    for (name, argument) in names(source.arguments) {
        match arguments::taken(&name, engine) {
            ArgumentSupport::Fully | ArgumentSupport::Still(_) => {}
            ArgumentSupport::NoLonger(instead) => {
                found.push(format!(
                    "{} no longer supports {} ({})",
                    engine.title(),
                    named(&name),
                    argument.at
                ));
                remediation.push(format!(
                    "write `{instead}` for {} at {}",
                    named(&name),
                    argument.at
                ));
            }
            ArgumentSupport::Never => {
                found.push(format!(
                    "{} does not support {} ({})",
                    engine.title(),
                    named(&name),
                    argument.at
                ));
                let likely = arguments::likely(&name).map_or("remove it".to_owned(), |likely| {
                    format!("write `{likely}`, if this is intended, or remove it")
                });
                remediation.push(format!("{}: {likely}", argument.at));
            }
        }
    }
    if found.is_empty() {
        Verdict::Holds
    } else {
        fails(found.join("; "), remediation.join("; "))
    }
}

/// Not for the lock table, whose fix depends on the other lock mechanism.
fn not_deprecated(source: &ArgumentFile<'_>, engine: TerraformEngine) -> Verdict {
    let deprecated = names(source.arguments)
        .into_iter()
        .filter_map(|(name, argument)| match arguments::taken(&name, engine) {
            ArgumentSupport::Still(instead)
                if name != "dynamodb_table" && name != "endpoints.dynamodb" =>
            {
                Some((name, argument, instead))
            }
            _ => None,
        });
    let (found, remediation): (Vec<String>, Vec<String>) = deprecated
        .map(|(name, argument, instead)| {
            let name = named(&name);
            (
                format!("{name} ({}) is deprecated", argument.at),
                format!("write `{instead}` for {name} at {}", argument.at),
            )
        })
        .unzip();
    if found.is_empty() {
        Verdict::Holds
    } else {
        fails(found.join("; "), remediation.join("; "))
    }
}

/// Returns the names of the arguments and of the fields of `endpoints`. An unsupported argument is
/// an error even if it is null.
fn names(arguments: &[SourcedArgument]) -> Vec<(String, &SourcedArgument)> {
    let mut all = vec![];
    for argument in arguments {
        all.push((argument.name.clone(), argument));
        let fields = argument
            .value
            .as_object()
            .filter(|_| argument.name == "endpoints");
        all.extend(
            fields
                .into_iter()
                .flatten()
                .map(|(field, _)| (format!("endpoints.{field}"), argument)),
        );
    }
    all
}

fn spots(arguments: &[&SourcedArgument]) -> String {
    arguments
        .iter()
        .map(|argument| format!("{} ({})", named(&argument.name), argument.at))
        .collect::<Vec<_>>()
        .join(", ")
}
