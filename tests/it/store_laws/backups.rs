//! Backups of the states of any kind: complete, or not there.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use tfbackend::store::backup::{
    manifest::{BackupExtent, ManifestEntry, ManifestHeader},
    read::{self, ReadLimits},
    states::{self, StatesBackup, StatesBackupError},
};

use super::*;
use crate::support::{
    cut_store::{CallCutter, CutStore},
    proxy::When,
};

fn header(store: &dyn StateStore, extent: BackupExtent) -> ManifestHeader {
    let name = |name: &str| {
        let location = store.location();
        let found = location.iter().find(|(of, _)| *of == name);
        found.map_or_else(|| ACCOUNT.to_owned(), |(_, value)| value.clone())
    };
    ManifestHeader {
        account: name("account"),
        region: name("region"),
        bucket: name("bucket"),
        ..ManifestHeader::new(extent, jiff::Timestamp::now())
    }
}

async fn made(
    store: &dyn StateStore,
    dir: &Path,
    extent: BackupExtent,
) -> Result<StatesBackup, StatesBackupError> {
    states::write(store, dir, header(store, extent)).await
}

/// What is in an archive, after it was checked completely.
fn unpacked(backup: &StatesBackup) -> Vec<(ManifestEntry, Vec<u8>)> {
    unpacked_up_to(backup, size(&[0; MAX]))
}

fn unpacked_up_to(backup: &StatesBackup, max: u64) -> Vec<(ManifestEntry, Vec<u8>)> {
    let mut entries = vec![];
    let stop = Arc::new(AtomicBool::new(false));
    let checked = read::open(&backup.file.path, ReadLimits::default(), stop, |entry| {
        entries.push(entry);
    })
    .expect("a backup");
    entries
        .into_iter()
        .map(|entry| {
            let bytes = checked.bytes(&entry, max).expect("in it");
            (entry, bytes)
        })
        .collect()
}

/// Whatever is there then: every state, or every version of it, byte for byte.
pub(super) async fn a_backup_has_every_state(store: &dyn StateStore) {
    let dir = tempfile::tempdir().expect("a folder");
    let listed: Vec<_> = store.list().try_collect().await.expect("listed");
    assert!(listed.len() > 1, "states");
    let backup = made(store, dir.path(), BackupExtent::Current)
        .await
        .expect("made");
    let unpacked_states = unpacked(&backup);
    assert_eq!(
        (backup.states, backup.versions, unpacked_states.len()),
        (listed.len(), listed.len(), listed.len())
    );
    for (state, (entry, found)) in listed.iter().zip(&unpacked_states) {
        let of = (&entry.state.path, &entry.state.workspace);
        assert_eq!(of, (&state.id.path, &state.id.workspace));
        assert_eq!(bytes(store, &state.id).await.as_ref(), Some(found));
        assert!(entry.state.current);
    }
    let all = made(store, dir.path(), BackupExtent::AllVersions).await;
    if !store.capabilities().versions {
        assert!(
            matches!(
                all,
                Err(StatesBackupError::Store(StoreError::Unsupported { .. }))
            ),
            "{all:?}"
        );
        assert_eq!(files(dir.path()), 1, "nothing of it is left");
        return;
    }
    let all = all.expect("made");
    let mut unpacked_versions = unpacked(&all).into_iter();
    for state in &listed {
        let versions: Vec<_> = store.versions(&state.id).try_collect().await.expect("read");
        for version in versions.iter().filter(|version| version.size.is_some()) {
            let (entry, found) = unpacked_versions.next().expect("a version");
            assert_eq!(entry.state.version, Some(version.id.to_string()));
            assert_eq!(entry.state.current, version.current);
            let read = store.read(&state.id, Some(&version.id), MAX).await;
            assert_eq!(read.expect("read").map(|state| state.bytes), Some(found));
        }
    }
    assert!(unpacked_versions.next().is_none());
    assert!(all.versions > listed.len(), "some state has a history");
}

fn files(dir: &Path) -> usize {
    std::fs::read_dir(dir).expect("listed").count()
}

/// A backup that lacks a state would be believed to have it.
#[tokio::test]
async fn cut_off_at_any_call_there_is_no_backup() {
    for extent in [BackupExtent::Current, BackupExtent::AllVersions] {
        let store = MemoryStore::default();
        operations::written(&store, "default", &[FIRST, SECOND]).await;
        operations::written(&store, "stage", &[FIRST]).await;
        let mut cuts = 0;
        loop {
            let dir = tempfile::tempdir().expect("a folder");
            let cutter = CallCutter::new(Some((cuts + 1, When::Before)));
            let cut = CutStore {
                inner: &store,
                cutter: &cutter,
            };
            match made(&cut, dir.path(), extent).await {
                Ok(_) => break,
                Err(error) => assert!(matches!(error, StatesBackupError::Store(_)), "{error:?}"),
            }
            assert_eq!(files(dir.path()), 0);
            cuts += 1;
        }
        assert!(cuts >= 4, "{cuts}");
    }
}

/// What cannot be read while a run holds the lock may be half of what it writes.
#[tokio::test]
async fn a_state_that_is_being_written_is_not_backed_up() {
    let store = MemoryStore::default();
    let dir = tempfile::tempdir().expect("a folder");
    let id = operations::written(&store, "default", &[operations::BROKEN]).await;
    // Broken, but nothing writes it: its bytes are all that there is.
    let backup = made(&store, dir.path(), BackupExtent::Current)
        .await
        .expect("made");
    assert_eq!(unpacked(&backup)[0].1, operations::BROKEN);
    assert!(backup.locked.is_empty());
    let _lock = held(&store, &id).await;
    let error = made(&store, dir.path(), BackupExtent::Current)
        .await
        .expect_err("being written");
    assert!(
        matches!(error, StatesBackupError::BeingWritten { .. }),
        "{error:?}"
    );
    let other = operations::written(&store, "stage", &[FIRST]).await;
    let store = &store;
    let now = revision(store, &id).await;
    store
        .write(&id, FIRST, Expected::Exactly(&now), &*_lock)
        .await
        .expect("written");
    let backup = made(store, dir.path(), BackupExtent::Current)
        .await
        .expect("made");
    assert_eq!(backup.states, 2);
    let locked: Vec<_> = backup.locked.iter().collect();
    assert_eq!(locked, [&id.path], "and not {}", other.path);
}

/// As Terraform writes a local state: emptied first, and filled while the lock is held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_local_state_is_whole_while_a_run_writes_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("terraform.tfstate");
    let filler = "x".repeat(4 << 20);
    let whole = format!(
        "{{\"version\":4,\"serial\":1,\"lineage\":\"l\",\"outputs\":{{\"a\":{{\"value\":\"{filler}\"}}}},\
         \"resources\":[]}}"
    );
    std::fs::write(&path, &whole).expect("written");
    let script = "import fcntl, sys, time\npath = sys.argv[1]\ndata = open(path, 'rb').read()\nwhile \
                  True:\n    file = open(path, 'r+b')\n    fcntl.lockf(file, fcntl.LOCK_EX)\n    \
                  file.truncate(0)\n    time.sleep(0.02)\n    file.write(data[: len(data) // 2])\n    \
                  file.flush()\n    time.sleep(0.02)\n    file.write(data[len(data) // 2 :])\n    \
                  file.flush()\n    file.close()\n    time.sleep(0.02)\n";
    let mut writer = std::process::Command::new("python3")
        .args(["-I", "-c", script])
        .arg(&path)
        .spawn()
        .expect("python3");
    let store = LocalStore::new(&path, dir.path().join("d"));
    let (mut made_some, mut refused) = (0, 0);
    for at in 0..20 {
        let to = dir.path().join(format!("backups-{at}"));
        match made(&store, &to, BackupExtent::Current).await {
            Ok(backup) => {
                let unpacked = unpacked_up_to(&backup, 16 << 20);
                assert_eq!(unpacked.len(), 1, "{at}");
                assert!(
                    unpacked[0].1 == whole.as_bytes(),
                    "{at}: {}",
                    unpacked[0].1.len()
                );
                made_some += 1;
            }
            Err(StatesBackupError::BeingWritten { .. }) => refused += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    writer.kill().expect("ended");
    writer.wait().expect("ended");
    assert!(made_some > 0, "{refused} refused");
}

/// Emptied under its lock, and written before the lock ends: it was there all the time.
#[tokio::test]
async fn a_local_state_that_is_emptied_to_be_written_is_listed_and_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("terraform.tfstate");
    std::fs::write(&path, FIRST).expect("written");
    let store = LocalStore::new(&path, dir.path().join("d"));
    let id = store.locate("default").expect("an ID");
    for is_held_on in [true, false] {
        let writer = Emptied::start(&path, is_held_on, 0);
        let listed: Vec<_> = store.list().try_collect().await.expect("listed");
        assert_eq!(listed.len(), 1, "{is_held_on}");
        writer.end();

        // Also if half of it is there.
        for there in [0, FIRST.len() / 2] {
            let writer = Emptied::start(&path, is_held_on, there);
            let read = store.read(&id, None, MAX).await.expect("read");
            assert_eq!(read.expect("a state").bytes, FIRST, "{is_held_on}, {there}");
            writer.end();
        }
    }
}

/// A run that has emptied a state, writes it again after a moment, and then holds its lock or not.
struct Emptied(std::process::Child);

impl Emptied {
    fn start(path: &Path, is_held_on: bool, there: usize) -> Self {
        let script = "import fcntl, sys, time\npath, held, there = sys.argv[1:]\nfile = open(path, \
                      'r+b')\nfcntl.lockf(file, fcntl.LOCK_EX)\ndata = file.read()\n\
                      file.truncate(int(there))\nfile.seek(0)\nprint('emptied', flush=True)\n\
                      time.sleep(0.1)\nfile.write(data)\nfile.flush()\nif held == 'true':\n    \
                      sys.stdin.readline()\n";
        let mut writer = std::process::Command::new("python3")
            .args(["-I", "-c", script])
            .arg(path)
            .arg(is_held_on.to_string())
            .arg(there.to_string())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("python3");
        let mut line = String::new();
        BufReader::new(writer.stdout.as_mut().expect("piped"))
            .read_line(&mut line)
            .expect("said");
        assert_eq!(line, "emptied\n");
        Self(writer)
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().expect("ended").success());
    }
}
