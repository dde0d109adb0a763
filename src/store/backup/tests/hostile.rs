//! Damaged and malicious backups.

use std::io::Write;

use tar::EntryType as Kind;

use super::*;

/// Packed by hand; each part is a name, its kind, and what is in it.
fn packed(parts: &[(&str, Kind, &[u8])]) -> Vec<u8> {
    let mut out = tar::Builder::new(zstd::Encoder::new(vec![], 1).unwrap());
    for (name, kind, bytes) in parts {
        out.append(&head(name, *kind, bytes.len() as u64), *bytes)
            .unwrap();
    }
    out.into_inner().unwrap().finish().unwrap()
}

fn head(name: &str, kind: Kind, size: u64) -> tar::Header {
    let mut head = tar::Header::new_gnu();
    // Not `set_path`, which refuses what an attacker writes.
    head.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    head.set_entry_type(kind);
    head.set_size(size);
    head.set_mode(0o777);
    head.set_cksum();
    head
}

fn manifest_of(entries: &[(String, &[u8])]) -> Vec<u8> {
    let mut lines = manifest::ManifestWriter::begin(vec![], &header()).unwrap();
    for (file, bytes) in entries {
        let sha256 = manifest::hex(&Sha256::digest(bytes));
        lines
            .add(&ManifestEntry {
                file: file.clone(),
                size: bytes.len() as u64,
                sha256,
                state: state("a"),
            })
            .unwrap();
    }
    lines.end().unwrap()
}

fn opened(bytes: &[u8], limits: ReadLimits) -> Result<(), ReadError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("backup");
    fs::write(&path, bytes).unwrap();
    read::open(&path, limits, Arc::default(), |_| {}).map(drop)
}

#[track_caller]
fn refused(bytes: &[u8], says: &str) {
    let error = opened(bytes, ReadLimits::default()).unwrap_err();
    assert!(
        format!("{error} {error:?}").contains(says),
        "{says}: {error} {error:?}"
    );
}

/// Cut off anywhere, or with any byte changed, it is refused or still says the same.
#[test]
fn every_cut_and_every_change_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let kept = made(
        dir.path(),
        &[("a", b"{\"serial\":1}"), ("b", b"{\"serial\":2}")],
    );
    let bytes = fs::read(&kept.path).unwrap();
    let whole = all(&kept.path).unwrap();
    let path = dir.path().join("changed");
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        all(&path)
    };
    for len in 0..bytes.len() {
        assert!(
            read(&bytes[..len]).is_err(),
            "cut off at {len} of {}",
            bytes.len()
        );
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        match read(&changed) {
            Err(_) => {}
            // A few bits mean nothing.
            Ok(read) => assert_eq!(read, whole, "changed at {at}"),
        }
    }
    assert!(read(&[&bytes[..], b"more"].concat()).is_err());
}

#[test]
fn only_what_a_backup_has_is_taken() {
    let first = file_name(1);
    let of_one = manifest_of(&[(first.clone(), b"one")]);
    let good = packed(&[
        (&first, Kind::Regular, b"one"),
        (manifest::FILE, Kind::Regular, &of_one),
    ]);
    opened(&good, ReadLimits::default()).unwrap();

    refused(b"", "truncated");
    refused(b"PK\x03\x04 no archive of ours", "NotPacked");
    refused(
        &zstd::encode_all(&b"packed, and no archive"[..], 1).unwrap(),
        "NotPacked",
    );
    for (name, kind) in [
        ("../../x", Kind::Regular),
        ("/etc/x", Kind::Regular),
        ("states/../000001.tfstate", Kind::Regular),
        (&*file_name(2), Kind::Regular),
        (&*first, Kind::Symlink),
        (&*first, Kind::Link),
        (&*first, Kind::Directory),
        (&*first, Kind::Fifo),
        (&*first, Kind::GNUSparse),
        ("././@LongLink", Kind::GNULongName),
        ("pax", Kind::XHeader),
        ("pax", Kind::XGlobalHeader),
    ] {
        refused(
            &packed(&[
                (name, kind, b"one"),
                (manifest::FILE, Kind::Regular, &of_one),
            ]),
            "does not belong in a backup",
        );
    }
    let none = manifest_of(&[]);
    refused(
        &packed(&[
            (manifest::FILE, Kind::Regular, &none),
            (manifest::FILE, Kind::Regular, &none),
        ]),
        "does not belong in a backup",
    );
    refused(
        &packed(&[
            (manifest::FILE, Kind::Regular, &none),
            (&first, Kind::Regular, b"one"),
        ]),
        "does not belong in a backup",
    );
    refused(
        &packed(&[(&first, Kind::Regular, b"one")]),
        "manifest.json is missing",
    );
    refused(
        &packed(&[(manifest::FILE, Kind::Regular, &of_one)]),
        "states/000001.tfstate is missing",
    );
    refused(
        &packed(&[
            (&first, Kind::Regular, b"eno"),
            (manifest::FILE, Kind::Regular, &of_one),
        ]),
        "differs from the backup's manifest",
    );
    refused(
        &packed(&[
            (&first, Kind::Regular, b"one"),
            (manifest::FILE, Kind::Regular, &none),
        ]),
        "differs from the backup's manifest",
    );
    let elsewhere = manifest_of(&[("../../etc/passwd".to_owned(), b"one")]);
    refused(
        &packed(&[
            (&first, Kind::Regular, b"one"),
            (manifest::FILE, Kind::Regular, &elsewhere),
        ]),
        "does not belong in a backup",
    );
}

#[test]
fn a_manifest_is_as_it_is_written() {
    let good = String::from_utf8(manifest_of(&[])).unwrap();
    let with = |manifest: &str| packed(&[(manifest::FILE, Kind::Regular, manifest.as_bytes())]);
    opened(&with(&good), ReadLimits::default()).unwrap();
    refused(
        &with(&good.replace("\"format_version\":1", "\"format_version\":2")),
        "its format is 2",
    );
    refused(
        &with(&good.replace("\"format_version\":1", "\"format_version\":\"1\"")),
        "line 1 of its manifest",
    );
    refused(
        &with(&good.replace("\"account\"", "\"acct\"")),
        "line 1 of its manifest",
    );
    refused(&with("not JSON\n"), "line 1 of its manifest");
    refused(&with(good.trim_end()), "truncated");
    refused(&with(&good[..good.len() / 2]), "truncated");
    refused(
        &with(&format!("{good}{good}")),
        "of its manifest is not in the format",
    );
    let error = opened(
        &with(&good.replace("[\n\n]}", "[\n{\"file\":\"hunter2\"}\n]}")),
        ReadLimits::default(),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2 of its manifest is not in the format of tfbackend"
    );
    refused(
        &with(&format!("{}\n", "x".repeat(100_000))),
        "is longer than",
    );
}

/// A few bytes that would be very many: nothing is unpacked to find that out.
#[test]
fn bombs_are_refused() {
    let small = ReadLimits {
        entry: 1000,
        entries: 3,
        total: 2500,
        ..ReadLimits::default()
    };
    let (zeros, names) = (vec![0; 1001], [1, 2, 3, 4].map(file_name));
    for (size, count, says) in [
        (800, 3, None),
        (1001, 1, Some("one state")),
        (1000, 3, Some("all states")),
        (10, 4, Some("as many states")),
    ] {
        let bytes = &zeros[..size];
        let lines: Vec<_> = names[..count]
            .iter()
            .map(|name| (name.clone(), bytes))
            .collect();
        let manifest = manifest_of(&lines);
        let mut parts: Vec<_> = names[..count]
            .iter()
            .map(|name| (&**name, Kind::Regular, bytes))
            .collect();
        parts.push((manifest::FILE, Kind::Regular, &manifest));
        // The same as a folder.
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("states")).unwrap();
        names[..count]
            .iter()
            .for_each(|name| fs::write(dir.path().join(name), bytes).unwrap());
        fs::write(dir.path().join(manifest::FILE), &manifest).unwrap();
        for result in [
            opened(&packed(&parts), small),
            read::open(dir.path(), small, Arc::default(), |_| {}).map(drop),
        ] {
            match says {
                None => assert!(result.is_ok(), "{result:?}"),
                Some(says) => assert!(
                    result
                        .as_ref()
                        .is_err_and(|error| error.to_string().contains(says)),
                    "{says}: {result:?}"
                ),
            }
        }
    }

    let endless = head(&file_name(1), Kind::Regular, u64::MAX / 2);
    refused(
        &zstd::encode_all(&endless.as_bytes()[..], 1).unwrap(),
        "can be read of one state",
    );

    // It wants 128 MiB to be unpacked.
    let mut wide = zstd::Encoder::new(vec![], 1).unwrap();
    wide.window_log(27).unwrap();
    wide.write_all(&tar_of_nothing()).unwrap();
    refused(&wide.finish().unwrap(), "NotPacked");
    opened(
        &zstd::encode_all(&tar_of_nothing()[..], 1).unwrap(),
        ReadLimits::default(),
    )
    .unwrap();
}

/// A hundred gibibytes of zeros in three megabytes, each state no larger than one may be.
#[test]
fn what_is_packed_too_densely_is_not_unpacked() {
    const GIB: u64 = 1 << 30;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bomb.tar.zst");
    let mut out = fs::File::create(&path).unwrap();
    let frame = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let zeros = frame(&vec![0; 64 << 20]);
    for number in 1..=100 {
        out.write_all(&frame(
            head(&file_name(number), Kind::Regular, GIB).as_bytes(),
        ))
        .unwrap();
        (0..16).for_each(|_| out.write_all(&zeros).unwrap());
    }
    drop(out);
    assert!(fs::metadata(&path).unwrap().len() < 4 << 20);
    let begun = std::time::Instant::now();
    let error = read::open(&path, ReadLimits::default(), Arc::default(), |_| {}).unwrap_err();
    assert_eq!(
        error.to_string(),
        "it has more than can be unpacked from so few bytes"
    );
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

/// Nothing packs better than versions that hardly differ.
#[test]
fn many_versions_of_one_state_are_no_bomb() {
    let dir = tempfile::tempdir().unwrap();
    let mut seed = 7_u64;
    let text: String = (0..300_000)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'a' + u8::try_from(seed >> 60).unwrap())
        })
        .collect();
    let versions: Vec<String> = (0..200)
        .map(|serial| format!("{{\"serial\":{serial},\"x\":\"{text}\"}}"))
        .collect();
    let states: Vec<(&str, &[u8])> = versions
        .iter()
        .map(|version| ("a", version.as_bytes()))
        .collect();
    let kept = made(dir.path(), &states);
    assert!(
        200 * 300_000 / kept.bytes > 100,
        "they are packed well: {}",
        kept.bytes
    );
    read::open(&kept.path, ReadLimits::default(), Arc::default(), |_| {}).unwrap();
}

#[test]
fn reading_ends_when_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let kept = made(dir.path(), &[("a", b"one")]);
    let folder = unpacked(&kept.path);
    for path in [&*kept.path, folder.path()] {
        read::open(path, ReadLimits::default(), Arc::default(), |_| {}).unwrap();
        read::open(
            path,
            ReadLimits::default(),
            Arc::new(AtomicBool::new(true)),
            |_| {},
        )
        .unwrap_err();
    }
}

fn tar_of_nothing() -> Vec<u8> {
    let mut out = tar::Builder::new(vec![]);
    let manifest = manifest_of(&[]);
    out.append(
        &head(manifest::FILE, Kind::Regular, manifest.len() as u64),
        &*manifest,
    )
    .unwrap();
    out.into_inner().unwrap()
}

#[cfg(unix)]
#[test]
fn a_folder_leads_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let kept = made(dir.path(), &[("a", b"one")]);
    let secret = dir.path().join("secret");
    fs::write(&secret, "one").unwrap();
    for name in [&*file_name(1), manifest::FILE] {
        let folder = unpacked(&kept.path);
        fs::remove_file(folder.path().join(name)).unwrap();
        std::os::unix::fs::symlink(&secret, folder.path().join(name)).unwrap();
        let error = all(folder.path()).unwrap_err();
        assert!(matches!(error, ReadError::NotAFile { .. }), "{error:?}");
    }
    let folder = unpacked(&kept.path);
    fs::write(folder.path().join(file_name(1)), "two").unwrap();
    assert!(matches!(all(folder.path()), Err(ReadError::Differs { .. })));
    fs::remove_file(folder.path().join(file_name(1))).unwrap();
    assert!(matches!(all(folder.path()), Err(ReadError::Missing { .. })));
    assert!(
        matches!(all(Path::new("/dev/null")), Err(ReadError::NotAFile { .. })),
        "what has no end is not opened"
    );
}

/// Changed after it was checked.
#[test]
fn bytes_are_what_was_checked() {
    let dir = tempfile::tempdir().unwrap();
    let kept = made(dir.path(), &[("a", b"one")]);
    let mut entries = vec![];
    let backup = read::open(&kept.path, ReadLimits::default(), Arc::default(), |entry| {
        entries.push(entry)
    })
    .unwrap();
    assert!(matches!(
        backup.bytes(&entries[0], 2),
        Err(ReadError::TooLarge(_))
    ));
    let other = tempfile::tempdir().unwrap();
    fs::copy(made(other.path(), &[("a", b"two")]).path, &kept.path).unwrap();
    assert!(matches!(
        backup.bytes(&entries[0], 3),
        Err(ReadError::Differs { .. })
    ));
}
