//! A backup is whole or not there, and nothing that is not as it was written is taken for one.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{
    manifest::{
        self, BackupExtent, FORMAT_VERSION, ManifestEntry, ManifestFacts, ManifestHeader,
        ManifestState, file_name,
    },
    read::{self, ReadError, ReadLimits},
    write::{ArchiveError, ArchiveWriter, FinishedBackup, check},
};

#[cfg(unix)]
mod full_disk;
mod hostile;

fn header() -> ManifestHeader {
    ManifestHeader {
        format_version: FORMAT_VERSION,
        made: "2026-11-21T15:45:00.5Z".parse().unwrap(),
        env: "prod".to_owned(),
        backend: None,
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        bucket: "states".to_owned(),
        table: Some("locks".to_owned()),
        extent: BackupExtent::Current,
    }
}

fn state(path: &str) -> ManifestState {
    ManifestState {
        path: path.to_owned(),
        workspace: "default".to_owned(),
        version: Some("v1".to_owned()),
        current: true,
        modified: "2026-11-20T10:00:00Z".parse().ok(),
        facts: ManifestFacts {
            serial: Some(7),
            lineage: Some("l".to_owned()),
            terraform_version: None,
        },
        digest: Some("900150983cd24fb0d6963f7d28e17f72".to_owned()),
    }
}

fn made(dir: &Path, states: &[(&str, &[u8])]) -> FinishedBackup {
    let mut archive = ArchiveWriter::begin(dir, header()).unwrap();
    for (path, bytes) in states {
        archive
            .add(state(path), bytes.len() as u64, *bytes)
            .unwrap();
    }
    let mut sealed = archive.seal().unwrap();
    check(sealed.to_check(), &AtomicBool::new(false)).unwrap();
    sealed.keep().unwrap()
}

/// Returns the manifest of a backup, and each entry with its bytes.
type All = (ManifestHeader, Vec<(ManifestEntry, Vec<u8>)>);

fn all(path: &Path) -> Result<All, ReadError> {
    let mut entries = vec![];
    let backup = read::open(path, ReadLimits::default(), Arc::default(), |entry| {
        entries.push(entry)
    })?;
    let bytes = entries
        .into_iter()
        .map(|entry| Ok((entry.clone(), backup.bytes(&entry, 1 << 20)?)));
    Ok((
        backup.header.clone(),
        bytes.collect::<Result<_, ReadError>>()?,
    ))
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Names of objects that no file should have.
fn hostile_names() -> Vec<String> {
    let long = "é".repeat(512);
    [
        "../../etc/passwd",
        "/abs",
        "a//b",
        "a\n\"}\r\0\u{1b}[2J\u{202e}",
        "states/000002.tfstate",
        "manifest.json",
        &long,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// As `tar --zstd -x` does.
fn unpacked(path: &Path) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let packed = zstd::Decoder::new(fs::File::open(path).unwrap()).unwrap();
    tar::Archive::new(packed).unpack(dir.path()).unwrap();
    dir
}

#[test]
fn what_was_put_in_comes_out_whatever_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("new/folder");
    let states: Vec<(String, Vec<u8>)> = hostile_names()
        .into_iter()
        .zip(0..)
        .map(|(name, number)| (name, vec![number; 3000 * usize::from(number)]))
        .collect();
    let kept = made(
        &target,
        &states
            .iter()
            .map(|(name, bytes)| (&**name, &**bytes))
            .collect::<Vec<_>>(),
    );

    assert_eq!(
        names(&target),
        ["tfbackend-backup-prod-20261121T154500Z.tar.zst"]
    );
    assert_eq!(
        kept.path,
        target.join("tfbackend-backup-prod-20261121T154500Z.tar.zst")
    );
    let file = fs::read(&kept.path).unwrap();
    assert_eq!(
        (kept.bytes, &kept.sha256),
        (file.len() as u64, &manifest::hex(&Sha256::digest(&file)))
    );
    #[cfg(unix)]
    for (path, mode) in [(&kept.path, 0o600), (&target, 0o700)] {
        let is =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
        assert_eq!(is & 0o777, mode, "{}", path.display());
    }

    let folder = unpacked(&kept.path);
    assert_eq!(
        names(folder.path()),
        ["manifest.json", "states"],
        "no name of an object is the name of a file"
    );
    let document: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("manifest.json")).unwrap()).unwrap();
    assert_eq!(
        document["entries"][3]["path"],
        serde_json::Value::from(states[3].0.clone())
    );
    insta::assert_snapshot!(serde_json::to_string_pretty(&document["entries"][1]).unwrap(), @r#"
    {
      "file": "states/000002.tfstate",
      "size": 3000,
      "sha256": "003164e6603fa379c3e677ac09e2b6e5b761d47bd7418e9e5642196d2d26f536",
      "path": "/abs",
      "workspace": "default",
      "version": "v1",
      "current": true,
      "modified": "2026-11-20T10:00:00Z",
      "serial": 7,
      "lineage": "l",
      "terraform_version": null,
      "digest": "900150983cd24fb0d6963f7d28e17f72"
    }
    "#);
    for path in [&*kept.path, folder.path()] {
        let (read, entries) = all(path).unwrap();
        assert_eq!(read, header());
        let found: Vec<(String, Vec<u8>)> = entries
            .iter()
            .map(|(entry, bytes)| (entry.state.path.clone(), bytes.clone()))
            .collect();
        assert_eq!(found, states);
        assert_eq!(entries[0].0.state, state(&states[0].0));
    }
}

#[test]
fn a_backup_of_nothing_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let kept = made(dir.path(), &[]);
    assert_eq!(all(&kept.path).unwrap(), (header(), vec![]));
    assert_eq!(
        all(unpacked(&kept.path).path()).unwrap(),
        (header(), vec![])
    );
}

#[test]
fn no_file_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let first = made(dir.path(), &[("a", b"one")]);
    let second = made(dir.path(), &[("a", b"two")]);
    assert_eq!(
        second.path,
        dir.path()
            .join("tfbackend-backup-prod-20261121T154500Z-2.tar.zst")
    );
    assert_eq!(all(&first.path).unwrap().1[0].1, b"one");
    assert_eq!(all(&second.path).unwrap().1[0].1, b"two");
}

#[test]
fn an_environment_is_no_path() {
    let dir = tempfile::tempdir().unwrap();
    let archive = ArchiveWriter::begin(
        dir.path(),
        ManifestHeader {
            env: "../x/\n".to_owned(),
            ..header()
        },
    )
    .unwrap();
    archive.seal().unwrap().keep().unwrap();
    assert_eq!(
        names(dir.path()),
        ["tfbackend-backup-.._x__-20261121T154500Z.tar.zst"]
    );
}

#[test]
fn what_is_longer_or_shorter_than_was_said_is_no_backup() {
    for (said, bytes) in [(4, &b"abc"[..]), (2, b"abc"), (0, b"a"), (1, b"")] {
        let dir = tempfile::tempdir().unwrap();
        let mut archive = ArchiveWriter::begin(dir.path(), header()).unwrap();
        let error = archive.add(state("a"), said, bytes).unwrap_err();
        assert!(matches!(error, ArchiveError::Length { .. }), "{error}");
        drop(archive);
        assert_eq!(names(dir.path()), Vec::<String>::new());
    }
}

/// A disk or process that returns other bytes than were written.
#[test]
fn what_is_not_read_back_as_it_was_is_removed() {
    for change in [
        |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1,
        |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2),
        |bytes: &mut Vec<u8>| {
            // A whole backup, and not this one.
            let other = tempfile::tempdir().unwrap();
            *bytes = fs::read(made(other.path(), &[("a", b"some other bytes")]).path).unwrap();
        },
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut archive = ArchiveWriter::begin(dir.path(), header()).unwrap();
        archive.add(state("a"), 5, &b"bytes"[..]).unwrap();
        let mut sealed = archive.seal().unwrap();
        let written: PathBuf = dir.path().join(&names(dir.path())[0]);
        let mut bytes = fs::read(&written).unwrap();
        change(&mut bytes);
        fs::write(&written, bytes).unwrap();
        let error = check(sealed.to_check(), &AtomicBool::new(false)).unwrap_err();
        assert!(
            matches!(error, ArchiveError::NotWhatWasRead { .. }),
            "{error}"
        );
        drop(sealed);
        assert_eq!(names(dir.path()), Vec::<String>::new());
    }
}

#[test]
fn reading_back_can_be_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let mut sealed = ArchiveWriter::begin(dir.path(), header())
        .unwrap()
        .seal()
        .unwrap();
    check(sealed.to_check(), &AtomicBool::new(true)).unwrap_err();
}

#[test]
fn a_folder_that_is_a_file_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = ArchiveWriter::begin(&file, header()).err().unwrap();
    assert!(
        error.to_string().starts_with("could not create the folder"),
        "{error}"
    );
}

/// Memory does not grow with the size of a state, and hardly with their number.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded() {
    let peak = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap()
            .trim()
            .strip_suffix(" kB")
            .unwrap();
        line.parse::<u64>().unwrap() / 1024
    };
    let dir = tempfile::tempdir().unwrap();
    let written = |count: usize, size: u64| {
        let mut archive = ArchiveWriter::begin(dir.path(), header()).unwrap();
        for number in 0..count {
            archive
                .add(
                    state(&format!("{number}/{}", "x".repeat(1000))),
                    1,
                    &b"{"[..],
                )
                .unwrap();
        }
        archive
            .add(state("large"), size, std::io::repeat(b' ').take(size))
            .unwrap();
        let mut sealed = archive.seal().unwrap();
        check(sealed.to_check(), &AtomicBool::new(false)).unwrap();
        let mut seen = 0;
        read::open(
            &sealed.keep().unwrap().path,
            ReadLimits::default(),
            Arc::default(),
            |_| seen += 1,
        )
        .unwrap();
        assert_eq!(seen, count + 1);
    };
    // More than may be referred back to.
    written(10, 9 << 20);
    let before = peak();
    written(4000, 12 << 20);
    assert!(peak() - before < 3, "{} MiB more", peak() - before);
}
