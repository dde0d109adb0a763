//! The digest of a state that Terraform stores in the lock table, and the item names of digest and
//! lock.

use md5::{Digest, Md5};

/// The suffix of the item name of a digest.
const SUFFIX: &str = "-md5";

/// Returns the value of the item's attribute `Digest`: the MD5 of the bytes, in lower-case hex.
pub fn of(bytes: &[u8]) -> String {
    Md5::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Returns whether Terraform treats a text as a digest: 16 bytes in hex, of either case. It ignores
/// any other text.
pub fn is_md5(stored: &str) -> bool {
    stored.len() == 32 && stored.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns whether a digest from the table equals this one.
pub fn fits(stored: &str, md5: &str) -> bool {
    stored.eq_ignore_ascii_case(md5)
}

/// Returns the `LockID` of the lock on a state.
pub fn lock_id(bucket: &str, path: &str) -> String {
    format!("{bucket}/{path}")
}

/// Returns the `LockID` of the digest of a state.
pub fn digest_id(bucket: &str, path: &str) -> String {
    format!("{bucket}/{path}{SUFFIX}")
}

/// Returns the bucket and state that the name of a digest belongs to.
pub fn without_suffix(lock_id: &str) -> Option<&str> {
    lock_id.strip_suffix(SUFFIX)
}

/// Returns the state of `bucket` by the name of its lock; `None` if it belongs to another bucket.
pub fn path_in<'a>(bucket: &str, lock_id: &'a str) -> Option<&'a str> {
    lock_id
        .strip_prefix(bucket)?
        .strip_prefix('/')
        .filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_bytes_as_they_are() {
        // The vectors of RFC 1321.
        assert_eq!(of(b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(of(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(
            of(b"12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
            "57edf4a22be3c955ac49da2e2107b67a"
        );
        assert_ne!(of(b"{}"), of(b"{}\n"));
    }

    #[test]
    fn a_stored_text_is_a_digest_as_terraform_decodes_it() {
        let md5 = "900150983cd24fb0d6963f7d28e17f72";
        assert!(
            is_md5(md5)
                && fits(md5, md5)
                && is_md5(&md5.to_uppercase())
                && fits(&md5.to_uppercase(), md5)
        );
        for other in [
            "",
            "none",
            &md5[1..],
            &format!("{md5} "),
            &format!("\"{md5}\""),
            &md5.replace('9', "g"),
        ] {
            assert!(!is_md5(other) && !fits(other, md5), "{other:?}");
        }
    }

    #[test]
    fn names_say_bucket_and_path() {
        assert_eq!(
            lock_id("states", "env:/blue/a.tfstate"),
            "states/env:/blue/a.tfstate"
        );
        assert_eq!(digest_id("states", "a.tfstate"), "states/a.tfstate-md5");
        assert_eq!(
            without_suffix("states/a.tfstate-md5"),
            Some("states/a.tfstate")
        );
        assert_eq!(without_suffix("states/a.tfstate"), None);
        assert_eq!(
            path_in("states", "states/env:/blue/a.tfstate"),
            Some("env:/blue/a.tfstate")
        );
        for of_another in [
            "states-2/a.tfstate",
            "other/states/a",
            "states",
            "states/",
            "",
        ] {
            assert_eq!(path_in("states", of_another), None, "{of_another}");
        }
    }
}
