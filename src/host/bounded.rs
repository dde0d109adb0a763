//! Files of any kind and make, read up to a size: `/dev/zero` has no end.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// More than any settings, certificates or configuration that a person wrote.
pub const LARGEST: u64 = 4 << 20;

/// All of the file. A pipe is taken too, as a shell makes one for `<(…)`.
///
/// # Errors
/// If it cannot be read, or is larger than [`LARGEST`].
pub fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {LARGEST} bytes")));
    }
    Ok(bytes)
}

/// The same as text.
///
/// # Errors
/// As [`bytes`], and if it is no text.
pub fn text(path: &Path) -> io::Result<String> {
    String::from_utf8(bytes(path)?).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not valid UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_a_size() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("x");
        let with = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("written");
            text(&path).map_err(|error| error.to_string())
        };
        assert_eq!(with(b"a = 1\n"), Ok("a = 1\n".to_owned()));
        assert_eq!(with(b"\xff"), Err("it is not valid UTF-8".to_owned()));
        let most = usize::try_from(LARGEST).expect("it fits");
        assert!(with(&vec![b' '; most]).is_ok());
        assert_eq!(with(&vec![b'\xff'; most + 1]), Err("it is larger than 4194304 bytes".to_owned()));
        assert_eq!(text(&dir.path().join("none")).expect_err("none").kind(), io::ErrorKind::NotFound);
        #[cfg(unix)]
        assert_eq!(bytes(Path::new("/dev/zero")).expect_err("no end").kind(), io::ErrorKind::FileTooLarge);
    }
}
