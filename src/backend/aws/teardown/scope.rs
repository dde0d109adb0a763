//! The objects of a bucket to delete: all of them, or in a shared bucket those of one state key.

use crate::{backend::aws::store::StoreAddress, state::layout::LocatedObject};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TeardownScope {
    Whole,
    /// The states at this key in all workspaces, and their lock files.
    Key(String),
}

impl TeardownScope {
    pub(crate) fn has(&self, located: &LocatedObject) -> bool {
        match self {
            Self::Whole => true,
            Self::Key(key) => located.key == *key,
        }
    }

    pub(crate) fn has_object(&self, address: &StoreAddress, object: &str) -> bool {
        self.has(&address.layout.locate(object))
    }

    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::Whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::layout::StateLayout;

    #[test]
    fn of_one_key_are_its_workspaces_and_locks_and_nobody_elses() {
        let layout = StateLayout {
            key: Some("app/a.tfstate".to_owned()),
            workspace_prefix: "env:".to_owned(),
        };
        let address = StoreAddress {
            bucket: "b".to_owned(),
            owner: "1".to_owned(),
            table: None,
            layout,
        };
        let scope = TeardownScope::Key("app/a.tfstate".to_owned());
        let has = |object: &str| scope.has_object(&address, object);
        assert!(
            [
                "app/a.tfstate",
                "app/a.tfstate.tflock",
                "env:/x/app/a.tfstate",
                "env:/x/app/a.tfstate.tflock"
            ]
            .iter()
            .all(|one| has(one))
        );
        assert!(
            ![
                "app/b.tfstate",
                "app/a.tfstate2",
                "app/",
                "env:/x/app/b.tfstate",
                "a.tfstate"
            ]
            .iter()
            .any(|one| has(one))
        );
        assert!(TeardownScope::Whole.has_object(&address, "app/b.tfstate"));
    }
}
