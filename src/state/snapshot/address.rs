//! The address of a resource instance, as Terraform displays it.

use crate::text::invisible::is_invisible;
use std::fmt::{self, Write};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceAddress {
    /// As in `module.network["a"].module.subnets`; empty in the root.
    pub module: String,
    pub mode: ResourceMode,
    /// As in `aws_instance`.
    pub kind: String,
    pub name: String,
    pub instance: InstanceKey,
    /// The key of a deposed instance: replaced, but not destroyed yet.
    pub deposed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceMode {
    Managed,
    Data,
}

/// The key of an instance of `count` or `for_each`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstanceKey {
    Only,
    Number(u64),
    Key(String),
}

impl InstanceKey {
    /// Parses a number as Terraform does: as floating point, truncated. Returns `None` for a
    /// negative or too large number.
    pub fn truncated(number: f64) -> Option<Self> {
        // Exact below 2^53, the limit of Terraform.
        let is_index = (0.0..9_007_199_254_740_992.0).contains(&number);
        is_index.then_some(Self::Number(number as u64))
    }
}

impl fmt::Display for ResourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_empty() {
            write!(f, "{}.", self.module)?;
        }
        if self.mode == ResourceMode::Data {
            f.write_str("data.")?;
        }
        write!(f, "{}.{}", self.kind, self.name)?;
        match &self.instance {
            InstanceKey::Only => {}
            InstanceKey::Number(number) => write!(f, "[{number}]")?,
            InstanceKey::Key(key) => quoted(f, key)?,
        }
        if self.deposed {
            f.write_str(" (deposed)")
        } else {
            Ok(())
        }
    }
}

/// Quotes a text like `toHCLQuotedString` of Terraform's `internal/addrs/instance_key.go`.
fn quoted(f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
    f.write_str("[\"")?;
    let mut rest = key.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '$' | '%' if rest.peek() == Some(&'{') => write!(f, "{c}{c}")?,
            c if is_invisible(c) && u32::from(c) <= 0xFFFF => write!(f, "\\u{:04x}", u32::from(c))?,
            c if is_invisible(c) => write!(f, "\\U{:08x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_str("\"]")
}
