//! What the program does as a whole, and beside the real tools that it works with.

mod render;
