//! The desired state in full: every node, in an order in which each can be made.

use crate::engine::spec::Address;

/// One thing that should be, or should be there already.
#[derive(Clone, Debug, PartialEq)]
pub struct BlueprintNode<S> {
    pub address: Address,
    pub needs: Vec<Address>,
    pub spec: S,
}

/// Invariant: a node comes after every node that it needs, and no address comes twice.
#[derive(Clone, Debug)]
pub struct Blueprint<S> {
    nodes: Vec<BlueprintNode<S>>,
}

impl<S> Blueprint<S> {
    /// # Panics
    /// If a node needs one that is not before it, or an address comes twice. The set of nodes is
    /// the program's, not the user's.
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
