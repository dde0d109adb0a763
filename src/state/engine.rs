//! The features of a version of Terraform or OpenTofu, which states and locks do not distinguish.

/// Lock files: "Added in 1.10.0" in the change logs of both.
pub(crate) const LOCK_FILES_SINCE: (u64, u64) = (1, 10);

/// Returns whether a version supports lock files; `None` if the text is not a version.
pub(crate) fn knows_lock_files(version: &str) -> Option<bool> {
    let mut parts = version.split('.').map(|part| part.parse::<u64>().ok());
    Some((parts.next()??, parts.next()??) >= LOCK_FILES_SINCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_1_10_on() {
        let known = |versions: &[&str]| {
            versions
                .iter()
                .map(|version| knows_lock_files(version))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            known(&["1.10.0", "1.11.4", "1.10.0-rc1", "2.0.0", "1.10"]),
            [Some(true); 5]
        );
        assert_eq!(known(&["1.9.8", "0.15.5", "1.2"]), [Some(false); 3]);
        assert_eq!(known(&["", "1", "latest", "v1.11", "1.x"]), [None; 5]);
    }
}
