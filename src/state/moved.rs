//! What is in the place of a local state that moved to another backend.

/// The first bytes of the note that replaces the state.
pub(crate) const NOTE: &[u8] = b"{\"tfbackend\":";
/// The first characters of the path of a link that leads to no file, where a link replaces it.
pub(crate) const LINK: &str = "moved-to-";
