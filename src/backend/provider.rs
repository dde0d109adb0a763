//! What a backend kind that tfbackend can make offers to the commands.

use std::{collections::BTreeSet, future::Future};

use crate::{
    engine::{
        apply::ChangeWriter,
        blueprint::Blueprint,
        observation::Observation,
        spec::{Address, KnownOutputs},
    },
    kind::BackendKind,
    settings::common::CommonSettings,
    store::state_store::StateStore,
    terraform::write::BackendConfig,
};

/// One environment's backend, connected: what should be there, what is there, and how it is changed.
///
/// A kind without resources is a [`StateStore`] alone: an empty blueprint would say "0 changes".
pub trait Provider: ChangeWriter {
    const KIND: BackendKind;

    /// What the files of the environment say.
    type Config: BackendConfig;

    fn common(&self) -> &CommonSettings;

    /// One line for people, such as `acme prod in eu-west-1 (account 111122223333)`.
    fn title(&self) -> String;

    /// Where the backend is, as pairs of a name and a value: as [`StateStore::location`].
    fn location(&self) -> Vec<(&'static str, String)>;

    fn blueprint(&self) -> &Blueprint<Self::Spec>;

    /// Reads all resources. What cannot be read is not absent.
    fn observe(&self) -> impl Future<Output = Observation<Self::Spec>>;

    /// Reads some of them again.
    fn observe_again(
        &self,
        which: &BTreeSet<Address>,
        observation: &mut Observation<Self::Spec>,
    ) -> impl Future<Output = ()>;

    /// The `backend` block. Before a resource is there, its output is a placeholder.
    fn backend_config(&self, known: &KnownOutputs) -> Self::Config;

    /// Its states and locks.
    fn store(&self) -> Box<dyn StateStore + '_>;
}
