//! A disk that takes no more: the files of a child may not grow.

use std::process::Command;

use super::*;

/// The child runs where this file is, and writes there.
const CHILD: &str = "the-child-is-here";
const NAME: &str = "store::backup::tests::full_disk::a_disk_that_is_full_leaves_nothing";

/// Bytes that cannot be packed.
fn noise(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.u8(..)).take(len).collect()
}

#[test]
fn a_disk_that_is_full_leaves_nothing() {
    if Path::new(CHILD).exists() {
        let bytes = noise(1 << 20);
        let write = || {
            let mut archive = ArchiveWriter::begin(Path::new("."), header())?;
            archive.add(state("a"), bytes.len() as u64, &*bytes)?;
            archive.seal().map(drop)
        };
        let error = write().expect_err("the disk is full");
        assert!(matches!(&error, ArchiveError::Io { .. }), "{error:?}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(CHILD), "").unwrap();
    let program = std::env::current_exe().unwrap();
    // Blocks of 512 bytes; the signal that says so would end the child.
    for blocks in [1, 100, 1500] {
        let mut limited = Command::new("sh");
        limited
            .args([
                "-c",
                &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --exact {NAME}"),
            ])
            .arg(&program);
        let output = limited.current_dir(dir.path()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
        assert_eq!(names(dir.path()), [CHILD], "{blocks} blocks");
    }
}
