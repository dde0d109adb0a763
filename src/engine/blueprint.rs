//! The complete desired state: all nodes, in an order in which they can be created.

use crate::engine::spec::Address;

/// A desired resource or data source.
#[derive(Clone, Debug, PartialEq)]
pub struct BlueprintNode<S> {
    pub address: Address,
    pub needs: Vec<Address>,
    pub spec: S,
}

/// Invariant: a node follows its dependencies, and addresses are unique.
#[derive(Clone, Debug)]
pub struct Blueprint<S> {
    nodes: Vec<BlueprintNode<S>>,
}

impl<S> Blueprint<S> {
    /// # Panics
    /// If a node precedes a dependency, or an address is not unique. The program defines the nodes,
    /// not the user.
    pub fn new(nodes: Vec<BlueprintNode<S>>) -> Self {
        for (i, node) in nodes.iter().enumerate() {
            let earlier = &nodes[..i];
            assert!(
                earlier.iter().all(|n| n.address != node.address),
                "{} comes twice",
                node.address
            );
            for need in &node.needs {
                assert!(
                    earlier.iter().any(|n| n.address == *need),
                    "{} needs {need} before it",
                    node.address
                );
            }
        }
        Self { nodes }
    }

    pub fn nodes(&self) -> &[BlueprintNode<S>] {
        &self.nodes
    }

    pub fn get(&self, address: &Address) -> Option<&BlueprintNode<S>> {
        self.nodes.iter().find(|node| node.address == *address)
    }
}
