//! Hands the command line and the real host to the library, and exits.

fn main() {}
