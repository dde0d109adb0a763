//! States and locks of any backend kind.

pub mod backup;
