//! The blocks that choose a backend in a file of Terraform's JSON syntax.

use std::path::Path;

use super::{Block, Kind, MOST_BLOCKS};
use crate::working_directory::{
    bounded::Unreadable,
    json::Node,
    scan::NAMES,
    value::{self, Spot},
};

/// Those of a text.
pub(super) fn blocks(text: &[u8], path: &Path) -> Result<Vec<Block>, Unreadable> {
    let root = Node::read(text, &[&["terraform"], &NAMES]).map_err(|error| Unreadable::new(path, value::json_error(&error)))?;
    let mut found = vec![];
    for terraform in root.named("terraform").flat_map(Node::bodies) {
        for (name, node) in terraform.members() {
            let labelled: Vec<(&str, &Node)> = if name == "cloud" { vec![("", node)] } else { node.members() };
            for (label, node) in labelled {
                // A comment.
                if label == "//" {
                    continue;
                }
                for body in node.bodies().iter().take(MOST_BLOCKS.saturating_sub(found.len())) {
                    found.push(block(Kind::named(name, label.to_owned()), body, path)?);
                }
            }
        }
    }
    Ok(found)
}

fn block(kind: Kind, body: &Node, path: &Path) -> Result<Block, Unreadable> {
    let arguments = value::arguments_of_json(&body.object(), path)?;
    Ok(Block { kind, arguments, at: Spot { path: path.to_owned(), line: None } })
}
