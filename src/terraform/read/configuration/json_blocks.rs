//! The blocks that choose a backend, and the versions that are required, in a file of Terraform's
//! JSON syntax.

use std::path::Path;

use super::{Block, FileContents, Kind};
use crate::terraform::read::{
    bounded::Unreadable,
    json::Node,
    scan::{MOST_BLOCKS, REQUIRED_VERSION},
    value::{self, Argument, Spot, Value},
};

/// What matters of a `terraform` block.
const OF_TERRAFORM: [&str; 4] = ["backend", "cloud", "state_store", REQUIRED_VERSION];

pub(super) fn contents(text: &[u8], path: &Path) -> Result<FileContents, Unreadable> {
    let root = Node::read(text, &[&["terraform"], &OF_TERRAFORM])
        .map_err(|error| Unreadable::new(path, error))?;
    let (mut found, mut required_versions) = (vec![], vec![]);
    for terraform in root.named("terraform").flat_map(Node::bodies) {
        for (name, node) in terraform.members() {
            if name == REQUIRED_VERSION {
                let value = Value::of_json(name, &node.to_json());
                required_versions.push(Argument {
                    name: name.to_owned(),
                    value,
                    at: Spot {
                        path: path.to_owned(),
                        line: None,
                    },
                });
                continue;
            }
            let labelled: Vec<(&str, &Node)> = if name == "cloud" {
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
                    found.push(block(Kind::named(name, label.to_owned()), body, path)?);
                }
            }
        }
    }
    Ok(FileContents {
        blocks: found,
        required_versions,
    })
}

fn block(kind: Kind, body: &Node, path: &Path) -> Result<Block, Unreadable> {
    let arguments = value::arguments_of_json(&body.object(), path)?;
    Ok(Block {
        kind,
        arguments,
        at: Spot {
            path: path.to_owned(),
            line: None,
        },
    })
}
