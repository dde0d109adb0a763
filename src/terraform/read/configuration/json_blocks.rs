//! The blocks that choose a backend, and the versions that are required, in a file of Terraform's
//! JSON syntax.

use std::path::Path;

use super::{ConfiguredBlock, ConfiguredKind, FileContents};
use crate::terraform::read::{
    bounded::UnreadableFile,
    json::JsonNode,
    scan::{MOST_BLOCKS, REQUIRED_VERSION},
    value::{self, ArgumentValue, SourcePosition, SourcedArgument},
};

/// The relevant names in a `terraform` block.
const OF_TERRAFORM: [&str; 4] = ["backend", "cloud", "state_store", REQUIRED_VERSION];

pub(super) fn contents(text: &[u8], path: &Path) -> Result<FileContents, UnreadableFile> {
    let root = JsonNode::read(text, &[&["terraform"], &OF_TERRAFORM])
        .map_err(|error| UnreadableFile::new(path, error))?;
    let (mut found, mut required_versions) = (vec![], vec![]);
    for terraform in root.named("terraform").flat_map(JsonNode::bodies) {
        for (name, node) in terraform.members() {
            if name == REQUIRED_VERSION {
                let value = ArgumentValue::of_json(name, &node.to_json());
                required_versions.push(SourcedArgument {
                    name: name.to_owned(),
                    value,
                    at: SourcePosition {
                        path: path.to_owned(),
                        line: None,
                    },
                });
                continue;
            }
            let labelled: Vec<(&str, &JsonNode)> = if name == "cloud" {
                vec![("", node)]
            } else {
                node.members()
            };
            for (label, node) in labelled {
                // A comment.
                if label == "//" {
                    continue;
                }
                for body in node
                    .bodies()
                    .iter()
                    .take(MOST_BLOCKS.saturating_sub(found.len()))
                {
                    found.push(block(
                        ConfiguredKind::named(name, label.to_owned()),
                        body,
                        path,
                    )?);
                }
            }
        }
    }
    Ok(FileContents {
        blocks: found,
        required_versions,
    })
}

fn block(
    kind: ConfiguredKind,
    body: &JsonNode,
    path: &Path,
) -> Result<ConfiguredBlock, UnreadableFile> {
    let arguments = value::arguments_of_json(&body.object(), path)?;
    Ok(ConfiguredBlock {
        kind,
        arguments,
        at: SourcePosition {
            path: path.to_owned(),
            line: None,
        },
    })
}
