//! Reads files up to a size limit without blocking: `/dev/zero` never ends, and a pipe may never
//! deliver data.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

/// In bytes: larger than any settings, certificates or configuration written by hand.
pub(crate) const LARGEST: u64 = 4 << 20;

/// Opens a regular file for reading. A pipe, a device or a folder is an error at once.
///
/// # Errors
/// If the file cannot be opened, or is not a regular file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let must_be_regular = |meta: std::fs::Metadata| {
        if meta.is_file() {
            Ok(())
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a regular file",
            ))
        }
    };
    // Opening a device alone may do something.
    must_be_regular(std::fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    }
    let file = options.open(path)?;
    must_be_regular(file.metadata()?)?;
    Ok(file)
}

/// All of a regular file.
///
/// # Errors
/// If it cannot be read, is not a regular file, or is larger than [`LARGEST`].
pub(crate) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    all(open(path)?, LARGEST)
}

/// The same, with a limit of its own.
///
/// # Errors
/// As [`bytes`].
pub(crate) fn bytes_up_to(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    all(open(path)?, limit)
}

/// The same as text.
///
/// # Errors
/// As [`bytes`], and if it is not text.
pub(crate) fn text(path: &Path) -> io::Result<String> {
    text_up_to(path, LARGEST)
}

/// The same, with a limit of its own.
///
/// # Errors
/// As [`text`].
pub(crate) fn text_up_to(path: &Path, limit: u64) -> io::Result<String> {
    as_text(all(open(path)?, limit)?)
}

/// The text of a file that the command line names, which may be a pipe, as a shell makes one for
/// `<(…)`.
///
/// It may have to be waited for: [`is_reading`] is true meanwhile.
///
/// # Errors
/// As [`text_up_to`], but for the kind of the file.
pub(crate) fn named_text(path: &Path, limit: u64) -> io::Result<String> {
    let _reading = ReadGuard::begin();
    as_text(all(File::open(path)?, limit)?)
}

/// Returns whether a file does not exist, or cannot because its folder is a file.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn all(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {limit} bytes"),
        ));
    }
    Ok(bytes)
}

fn as_text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not valid UTF-8"))
}

static READERS: AtomicUsize = AtomicUsize::new(0);

/// Held while files are read and nothing else is done: a signal may end the program at once.
#[derive(Debug)]
pub(crate) struct ReadGuard(());

impl ReadGuard {
    pub(crate) fn begin() -> Self {
        READERS.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for ReadGuard {
    fn drop(&mut self) {
        READERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Returns whether any [`Reading`] is held.
pub(crate) fn is_reading() -> bool {
    READERS.load(Ordering::SeqCst) > 0
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
        assert_eq!(
            with(&vec![b'\xff'; most + 1]),
            Err("it is larger than 4194304 bytes".to_owned())
        );
        assert_eq!(
            text(&dir.path().join("none")).expect_err("none").kind(),
            io::ErrorKind::NotFound
        );
        assert_eq!(
            text_up_to(&path, 3).expect_err("too large").to_string(),
            "it is larger than 3 bytes"
        );
    }

    #[cfg(unix)]
    #[test]
    fn nothing_but_a_regular_file_is_opened_unless_it_was_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let pipe = dir.path().join("pipe");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .expect("mkfifo")
                .success()
        );
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).expect("a link");
        for path in [
            &pipe,
            &link,
            Path::new("/dev/zero"),
            Path::new("/dev/tty"),
            dir.path(),
        ] {
            let error = bytes(path).expect_err("not a file");
            // Without a terminal, there is no such device.
            assert!(
                path.ends_with("tty") || error.to_string() == "it is not a regular file",
                "{}: {error}",
                path.display()
            );
        }
        assert!(!is_reading());
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || {
                while !is_reading() {
                    std::thread::yield_now();
                }
                std::fs::write(pipe, "x").expect("written");
            }
        });
        assert_eq!(named_text(&pipe, 1).expect("text"), "x");
        writer.join().expect("it wrote");
        assert!(!is_reading());
        assert_eq!(
            named_text(Path::new("/dev/zero"), 9)
                .expect_err("no end")
                .kind(),
            io::ErrorKind::FileTooLarge
        );
    }
}
