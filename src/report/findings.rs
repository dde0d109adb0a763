//! Findings for people and programs: one document, and the forms that it is printed in.

pub mod document;
